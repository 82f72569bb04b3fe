"""Around every request: its id, a log line without secrets, bounds on its body, no raw crash."""

import asyncio
import re
from http import HTTPStatus
from time import monotonic
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics
from api.errors import document
from billing.kit.ids import new_call_id

REQUEST_ID: Final = "X-Request-Id"
LARGEST_BODY_BYTES: Final = 65_536
LARGER_BODIES: Final[dict[str, int]] = {"/v1/statements": 4 * 1024 * 1024 + LARGEST_BODY_BYTES}
"""Path prefixes whose bodies may have more bytes: uploaded files."""

BODY_SECONDS: Final = 10
"""How long a body may take to arrive."""

_OWN_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET: Final = frozenset({"/health", "/ready", "/v1/health", "/v1/readiness"})

log = structlog.get_logger("api")


class Edge:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _OWN_ID.fullmatch(given) else new_call_id().hex
        scope["primeline.request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began = monotonic()
        status: list[int] = []
        seconds: list[float] = []

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(int(message["status"]))
                seconds.append(monotonic() - began)
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        try:
            await self._app(scope, _bounded(scope, receive), answer)
        except Exception:
            log.exception("request failed", route=_route(scope))
            if not status:
                await _say_failed(scope, receive, answer)
        finally:
            taken = seconds[0] if seconds else monotonic() - began
            route = _route(scope)
            metrics.answered(scope["method"], route, status[0] if status else None, taken)
            if scope["path"] not in _QUIET:
                log.info(
                    "request",
                    method=scope["method"],
                    route=route,
                    status=status[0] if status else None,
                    ms=int((monotonic() - began) * 1_000),
                )


async def _say_failed(scope: Scope, receive: Receive, send: Send) -> None:
    response = document(
        Request(scope),
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal-error",
        "Something went wrong here; the log knows more under this request id.",
    )
    await response(scope, receive, send)


def _route(scope: Scope) -> str:
    """Give the path's pattern: what stands in it may be somebody's number."""
    return str(getattr(scope.get("route"), "path", None) or "unknown")


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """Let in only a body that is small enough and comes soon enough."""
    path = str(scope["path"])
    largest = next(
        (size for prefix, size in LARGER_BODIES.items() if path.startswith(prefix)),
        LARGEST_BODY_BYTES,
    )
    announced = Headers(scope=scope).get("content-length", "0")
    too_large = announced.isdecimal() and int(announced[:20]) > largest
    deadline = monotonic() + BODY_SECONDS
    seen = 0
    whole = False

    async def bounded() -> Message:
        nonlocal seen, whole
        if whole:
            # The body is in: from now on the only news is that the client has gone.
            return await receive()
        if too_large:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            async with asyncio.timeout(max(0.0, deadline - monotonic())):
                message = await receive()
        except TimeoutError:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT) from None
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if seen > largest:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return message

    return bounded
