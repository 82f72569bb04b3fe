"""Edits that overwrite nobody's: `ETag` on what is read, `If-Match` on what is changed."""

import re
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Response
from fastapi.responses import JSONResponse

from api.deps import sessions_of
from api.errors import Problem, document
from billing.kit import audit
from billing.kit.versions import Expected, VersionConflict

_TAG: Final = re.compile(r'(W/)?"([^"]*)"')
_LONGEST: Final = 200


def tag(response: Response, version: int) -> None:
    """Set the answer's ETag: what a later edit sends as If-Match."""
    response.headers["ETag"] = f'"{version}"'


def tagged(status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Document the ETag of a route's answer."""
    return {
        status: {
            "headers": {
                "ETag": {
                    "description": "The version, in quotes: send it as If-Match with an edit.",
                    "schema": {"type": "string"},
                    "example": '"3"',
                }
            }
        }
    }


def _expected(
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description='The ETag of what you read, such as `"3"`: your edit is done only if'
            " nobody changed it since. `*`: whatever it is now.",
            examples=['"3"'],
        ),
    ] = None,
) -> Expected:
    if if_match is None or not if_match.strip():
        raise Problem(
            "if-match-missing",
            "Say what you read: send its ETag as If-Match, so that nobody's change is lost.",
        )
    if if_match.strip() == "*":
        return None
    tags = [one.strip() for one in if_match.split(",")]
    matches = [_TAG.fullmatch(one) for one in tags]
    if len(if_match) > _LONGEST or not all(matches):
        raise Problem("if-match-unreadable", 'If-Match must be an ETag in quotes, such as "3".')
    # A weak tag, or one that we never gave out, matches nothing (RFC 9110, 13.1.1).
    return frozenset(
        int(match[2])
        for match in matches
        if match and not match[1] and re.fullmatch("[0-9]{1,18}", match[2], re.ASCII)
    )


IfMatch = Annotated[Expected, Depends(_expected)]
"""The versions that the edit may be made from; None: any."""


async def on_version_conflict(request: Request, error: Exception) -> JSONResponse:
    """Answer an edit that came too late: 412, with what others changed since."""
    assert isinstance(error, VersionConflict)  # registered for these alone
    async with sessions_of(request)() as s:
        entries = await audit.changes_since(
            s, error.subject, error.subject_id, version=max(error.seen, default=error.now)
        )
    changes = [
        {
            "at": entry.at.isoformat().replace("+00:00", "Z"),
            "by": entry.actor,
            "action": entry.action,
            "version": entry.detail["version"],
            "changed": entry.detail.get("changed", {}),
        }
        for entry in entries
    ]
    return document(
        request,
        HTTPStatus.PRECONDITION_FAILED,
        error.code,
        error.sentence,
        extra={"version": error.now, "changes": changes},
        headers={"ETag": f'"{error.now}"'},
    )
