"""Problem documents as the OpenAPI shows them."""

from collections.abc import Mapping
from typing import Any, Final

from api.errors import MEDIA_TYPE, phrase_of, status_of

CODES: Final = "x-codes"
REFERENCE: Final = {"$ref": "#/components/schemas/Problem"}

SCHEMA: Final[Mapping[str, Any]] = {
    "title": "Problem",
    "type": "object",
    "description": "What went wrong (RFC 9457). `code` never changes; `detail` is for people.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {
            "type": "string",
            "description": "The code as a URN.",
            "examples": ["urn:primeline:problem:expert-unknown"],
        },
        "title": {
            "type": "string",
            "description": "The HTTP status in words.",
            "examples": ["Not Found"],
        },
        "status": {"type": "integer", "description": "The HTTP status.", "examples": [404]},
        "detail": {
            "type": "string",
            "description": "What went wrong, as a sentence for people.",
            "examples": ["There is no expert 8f0d…"],
        },
        "code": {
            "type": "string",
            "description": "What went wrong, as a word for programs; stable.",
            "examples": ["expert-unknown"],
        },
        "request_id": {
            "type": "string",
            "description": "The request, as it stands in the log and in X-Request-Id.",
            "examples": ["019aab7e8f3c7d11b0f2a4c6d8e0f1a2"],
        },
        "errors": {
            "type": "array",
            "description": "With code `request-invalid` or `statement-unreadable`: what is wrong"
            " where.",
            "examples": [[{"at": "body.price", "sentence": "Field required"}]],
            "items": {"type": "object"},
        },
        "version": {
            "type": "integer",
            "description": "With code `version-conflict`: the version there is now.",
            "examples": [4],
        },
        "changes": {
            "type": "array",
            "description": "With code `version-conflict`: who changed what since your version.",
            "examples": [
                [
                    {
                        "at": "2026-11-22T12:00:00Z",
                        "by": "key:office",
                        "version": 4,
                        "changed": {"name": {"from": "Ada", "to": "Ada L."}},
                    }
                ]
            ],
            "items": {"type": "object"},
        },
    },
}


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Document the errors that a route of its own can answer with, by their codes."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(int(status_of(code)), []).append(code)
    return {status: answer(status, found) for status, found in by_status.items()}


def answer(status: int, codes: list[str]) -> dict[str, Any]:
    """Document one status and the codes that come with it."""
    said = " or ".join(f"`{code}`" for code in codes)
    return {
        "description": f"{phrase_of(status)}: {said}.",
        CODES: codes,
        "content": {MEDIA_TYPE: {"schema": dict(REFERENCE)}},
    }
