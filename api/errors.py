"""Errors as problem documents (RFC 9457): which code is which HTTP status stands here alone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, OperationalError
from starlette.exceptions import HTTPException

from billing.kit.errors import PrimelineError

MEDIA_TYPE: Final = "application/problem+json"

STATUS: Final[Mapping[str, HTTPStatus]] = {
    "books-check-runs": HTTPStatus.CONFLICT,
    "books-check-too-long": HTTPStatus.SERVICE_UNAVAILABLE,
    "call-disputed": HTTPStatus.CONFLICT,
    "call-ended": HTTPStatus.CONFLICT,
    "call-not-ended": HTTPStatus.CONFLICT,
    "carrier-billed": HTTPStatus.CONFLICT,
    "credit-too-little": HTTPStatus.CONFLICT,
    "database-away": HTTPStatus.SERVICE_UNAVAILABLE,
    "expert-in-call": HTTPStatus.CONFLICT,
    "figure-sure": HTTPStatus.CONFLICT,
    "idempotency-key-missing": HTTPStatus.BAD_REQUEST,
    "if-match-missing": HTTPStatus.PRECONDITION_REQUIRED,
    "if-match-unreadable": HTTPStatus.BAD_REQUEST,
    "key-missing": HTTPStatus.UNAUTHORIZED,
    "key-wrong": HTTPStatus.UNAUTHORIZED,
    "last-admin-key": HTTPStatus.CONFLICT,
    "nothing-charged": HTTPStatus.CONFLICT,
    "number-served": HTTPStatus.CONFLICT,
    "paid-in-too-little": HTTPStatus.CONFLICT,
    "payable-too-little": HTTPStatus.CONFLICT,
    "refund-seconds-too-many": HTTPStatus.CONFLICT,
    "refund-too-much": HTTPStatus.CONFLICT,
    "scope-missing": HTTPStatus.FORBIDDEN,
    "secret-key-missing": HTTPStatus.SERVICE_UNAVAILABLE,
    "too-many-streams": HTTPStatus.SERVICE_UNAVAILABLE,
    "too-many-wrong-keys": HTTPStatus.TOO_MANY_REQUESTS,
    "twilio-signature-wrong": HTTPStatus.FORBIDDEN,
    "voucher-tries": HTTPStatus.TOO_MANY_REQUESTS,
    "voucher-used": HTTPStatus.CONFLICT,
    "version-conflict": HTTPStatus.PRECONDITION_FAILED,
}
"""Codes with a status of their own."""

ENDINGS: Final[Mapping[str, HTTPStatus]] = {
    "-unknown": HTTPStatus.NOT_FOUND,
    "-taken": HTTPStatus.CONFLICT,
    "-in-use": HTTPStatus.CONFLICT,
    "-over": HTTPStatus.CONFLICT,
}
"""Statuses of all other codes by their last words; what is in none of both is a 422."""

PHRASES: Final[Mapping[int, str]] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}
"""What RFC 9110 calls them; Python does so only from 3.13 on."""

VALUES_UNKNOWN: Final = frozenset(
    {"holidays-unknown", "reference-unknown", "time-zone-unknown", "voucher-unknown"}
)
"""Codes that end like something that isn't there, but name a value that was given."""


class Problem(PrimelineError):
    """An error of the HTTP edge itself, with more to say than a sentence.

    `extra` goes into the document, `headers` into the answer.
    """

    def __init__(
        self,
        code: str,
        sentence: str,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.own_code = code
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})


def status_of(code: str) -> HTTPStatus:
    """Give the HTTP status of an error's code."""
    if code in STATUS:
        return STATUS[code]
    if code in VALUES_UNKNOWN:
        return HTTPStatus.UNPROCESSABLE_ENTITY
    for ending, status in ENDINGS.items():
        if code.endswith(ending):
            return status
    return HTTPStatus.UNPROCESSABLE_ENTITY


def phrase_of(status: int) -> str:
    """Give a status its words, the same in each Python."""
    return PHRASES.get(status) or HTTPStatus(status).phrase


@contextmanager
def referring(field: str) -> Iterator[None]:
    """Within it, something unknown is not the address that was asked for, but a body's field."""
    try:
        yield
    except PrimelineError as error:
        if status_of(error.code) != HTTPStatus.NOT_FOUND:
            raise
        told = {"errors": [{"at": f"body.{field}", "sentence": error.sentence}]}
        raise Problem("reference-unknown", error.sentence, extra=told) from error


def document(
    request: Request,
    status: int,
    code: str,
    sentence: str,
    *,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Make a problem document; `code` is for programs, the sentence for people."""
    body = {
        "type": f"urn:primeline:problem:{code}",
        "title": phrase_of(status),
        "status": int(status),
        "detail": _sayable(sentence),
        "code": code,
        "request_id": request.scope.get("primeline.request_id", ""),
        **(extra or {}),
    }
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


async def on_primeline_error(request: Request, error: Exception) -> JSONResponse:
    """Answer one of our own errors."""
    assert isinstance(error, PrimelineError)  # registered for these alone
    if isinstance(error, Problem):
        status = status_of(error.own_code)
        given = {"extra": error.extra, "headers": error.headers}
        return document(request, status, error.own_code, error.sentence, **given)
    return document(request, status_of(error.code), error.code, error.sentence)


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework refuses: no such path, no such method, a body that is too large."""
    assert isinstance(error, HTTPException)  # registered for these alone
    status = HTTPStatus(error.status_code)
    sentences = {
        HTTPStatus.NOT_FOUND: ("path-unknown", "There is nothing at this address."),
        HTTPStatus.METHOD_NOT_ALLOWED: (
            "method-not-allowed",
            f"{request.method} can't be used at this address.",
        ),
        HTTPStatus.BAD_REQUEST: ("body-unreadable", "The body can't be read."),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("body-too-large", "The body is too large."),
        HTTPStatus.REQUEST_TIMEOUT: ("body-too-slow", "The body took too long to arrive."),
    }
    code, sentence = sentences.get(
        status, (phrase_of(status).lower().replace(" ", "-"), f"{phrase_of(status)}.")
    )
    return document(request, status, code, sentence, headers=error.headers)


async def on_invalid(request: Request, error: Exception) -> JSONResponse:
    """Answer a request whose parts aren't what the route takes; says where and what."""
    assert isinstance(error, RequestValidationError)  # registered for these alone
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        status = HTTPStatus.BAD_REQUEST
        return document(request, status, "json-invalid", "The body is not valid JSON.")
    about_body = any(tuple(one["loc"]) == ("body",) for one in found)
    if about_body and not _is_json(request) and any(one["type"] != "missing" for one in found):
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        sentence = "The body must be JSON: send Content-Type: application/json."
        return document(request, status, "media-type-unsupported", sentence)
    errors = [
        {
            "at": ".".join(_sayable(str(part)) for part in one["loc"]),
            "sentence": _sayable(str(one["msg"])),
        }
        for one in found
    ]
    many = "values are" if len(errors) > 1 else "value is"
    sentence = f"{len(errors)} {many} missing or not as documented; see errors."
    extra = {"errors": errors}
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return document(request, status, "request-invalid", sentence, extra=extra)


async def on_database_error(request: Request, error: Exception) -> JSONResponse:
    """Answer while PostgreSQL can't be reached or is too slow; any other error of its is ours."""
    if isinstance(error, DBAPIError) and not isinstance(error, OperationalError):
        raise error
    return document(
        request,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "database-away",
        "The database doesn't answer; try again.",
        headers={"Retry-After": "2"},
    )


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def _sayable(text: str) -> str:
    """Give text that can be written as UTF-8: half a surrogate pair can't."""
    return text.encode(errors="replace").decode()
