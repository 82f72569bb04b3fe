"""The HTTP side of the fake: who asks, is it right, and what goes wrong on purpose."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from aiohttp import web

from primeline.fake_twilio import shapes
from primeline.fake_twilio.account import ACCOUNT_SID, AUTH_TOKEN, Account, Refused
from primeline.fake_twilio.shapes import Thing
from primeline.fake_twilio.specification import Asked, Broken, Specification

DEFAULT_PAGE: Final = 50
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True)
class Mishap:
    """What goes wrong with the next request of that name.

    `busy`: 429. `down`: 503, nothing done. `lost`: done, but the answer never comes. `cut`: done,
    and the connection breaks. `garbage`: an answer that is no JSON.
    """

    operation: str
    kind: Literal["busy", "down", "lost", "cut", "garbage"]
    retry_after: str | None = None


@dataclass
class FakeTwilio:
    """A fake on a free port. `faults`: answers of its own that were not as the files say."""

    specification: Specification
    account: Account = field(default_factory=Account)
    asked: list[Asked] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    mishaps: list[Mishap] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer as Twilio would. The first part of the path names the host that is meant."""
        host, path = request.match_info["host"], "/" + request.match_info["path"]
        mishap = None
        try:
            asked = await self._read(request, host, path)
            mishap = self._mishap(asked.operation.name)
            if mishap and mishap.kind in {"busy", "down"}:
                return _refusal(mishap)
            status, body = self._done(asked, f"https://{host}{path}")
        except Refused as refused:
            return _error(refused)
        if mishap is not None:
            return await _late(request, mishap)
        if body is None:
            return web.Response(status=status)
        return web.json_response(body, status=status)

    async def _read(self, request: web.Request, host: str, path: str) -> Asked:
        login = b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {login}":
            raise Refused(401, 20003, "Authenticate")
        form = await request.post()
        try:
            asked = self.specification.read(
                host,
                request.method,
                path,
                query=list(request.query.items()),
                form=[(name, str(value)) for name, value in form.items()],
            )
        except Broken as broken:
            raise Refused(400, 20001, " ".join(broken.problems)) from broken
        except LookupError as error:
            raise Refused(404, 20404, f"There is no {error.args[0]}") from error
        self.asked.append(asked)
        return asked

    def _mishap(self, operation: str) -> Mishap | None:
        for mishap in self.mishaps:
            if mishap.operation == operation:
                self.mishaps.remove(mishap)
                return mishap
        return None

    def _done(self, asked: Asked, url: str) -> tuple[int, Thing | None]:
        operation = asked.operation
        lists, singles = self.account.lists(), self.account.singles()
        if operation.name in lists:
            things = lists[operation.name](asked.path, asked.values)
            body: Thing | None = shapes.page(
                operation,
                things,
                size=asked.values.get("PageSize", DEFAULT_PAGE),
                number=asked.values.get("Page", 0),
                url=url,
            )
        elif operation.name in singles:
            thing = singles[operation.name](asked.path, asked.values)
            body = None if thing is None else shapes.answer(operation, thing)
        else:
            raise Refused(501, 20500, f"The fake knows no {operation.name}.")
        try:
            self.specification.check_answer(operation, operation.good_status, body)
        except Broken as broken:
            self.faults += broken.problems
            raise Refused(500, 20500, " ".join(broken.problems)) from broken
        return operation.good_status, body


async def _late(request: web.Request, mishap: Mishap) -> web.Response:
    """What was asked is done; its answer goes wrong."""
    if mishap.kind == "garbage":
        return web.Response(text="<html>")
    if mishap.kind == "lost":
        await asyncio.sleep(60)
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def _refusal(mishap: Mishap) -> web.Response:
    if mishap.kind == "down":
        return web.Response(status=503, text="upstream")
    headers = {} if mishap.retry_after is None else {"Retry-After": mishap.retry_after}
    return _error(Refused(429, 20429, "Too Many Requests"), headers)


def _error(refused: Refused, headers: dict[str, str] | None = None) -> web.Response:
    body = {
        "code": refused.code,
        "message": refused.message,
        "more_info": f"https://www.twilio.com/docs/errors/{refused.code}",
        "status": refused.status,
    }
    return web.json_response(body, status=refused.status, headers=headers)


@asynccontextmanager
async def serving(specification: Specification, *, port: int = 0) -> AsyncIterator[FakeTwilio]:
    """Serve on loopback. `port` 0: a free one; `url` is what PRIMELINE_TWILIO_API_URL wants."""
    fake = FakeTwilio(specification)
    app = web.Application()
    app.router.add_route("*", "/{host}/{path:.*}", fake.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, LOOPBACK, port)
        await site.start()
        fake.url = f"http://{LOOPBACK}:{runner.addresses[0][1]}"
        yield fake
    finally:
        await runner.cleanup()
