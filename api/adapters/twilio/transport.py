"""The HTTP under Twilio's library: a deadline on each request, patience where it is harmless.

The library's own client logs what it sends and waits for ever.
"""

import asyncio
import logging
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

import aiohttp
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from yarl import URL

from api.adapters.twilio.errors import TwilioAway, TwilioBusy, TwilioSilent

DEADLINE_SECONDS: Final = 10
TRIES: Final = 3
LONGEST_PAUSE_SECONDS: Final = 5
BUSY: Final = 429
SERVER_ERROR: Final = 500


class Transport(AsyncHttpClient):  # type: ignore[misc]  # the library has no types
    """Sends what Twilio's library wants sent. `api_url` stands in for all of Twilio's hosts."""

    def __init__(self, api_url: str | None, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True)
        self._api_url = api_url
        self._timeout = aiohttp.ClientTimeout(total=deadline_seconds)
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=self._timeout)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._http is not None
        await self._http.close()

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002  (the library's interface)
        allow_redirects: bool = False,
    ) -> Response:
        """Send one request; again where Twilio says later, and where asking twice changes nothing.

        Raises TwilioBusy, TwilioAway, or TwilioSilent where a change may have happened.
        """
        assert self._http is not None
        asked: dict[str, Any] = {
            "headers": dict(headers or {}),
            "data": None if data is None else urlencode(data, doseq=True),
            "allow_redirects": allow_redirects,
        }
        if auth is not None:
            asked["headers"]["Authorization"] = aiohttp.encode_basic_auth(*auth)
        url = self._at(uri, urlencode(params or {}, doseq=True))
        harmless = method.upper() == "GET"
        for tries_left in reversed(range(TRIES)):
            status, text, given_headers = await self._once(method, url, asked, harmless)
            if status == BUSY:
                await _wait(given_headers.get("Retry-After"), tries_left)
            elif status < SERVER_ERROR or not harmless or not tries_left:
                break
        if status >= SERVER_ERROR and not harmless:
            raise TwilioSilent
        if status >= SERVER_ERROR:
            raise TwilioAway(f"HTTP {status}")
        return Response(status, text, given_headers)

    async def _once(
        self, method: str, url: URL, asked: dict[str, Any], harmless: bool
    ) -> tuple[int, str, dict[str, str]]:
        assert self._http is not None
        try:
            async with self._http.request(method, url, **asked) as answer:
                return answer.status, await answer.text(), dict(answer.headers)
        except aiohttp.ClientConnectorError as error:
            raise TwilioAway(type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            if harmless:
                raise TwilioAway(type(error).__name__) from error
            raise TwilioSilent from error

    def _at(self, uri: str, query: str) -> URL:
        # Said to be encoded: else a plus sign of ours would be encoded twice.
        parts = urlsplit(uri)
        base = f"{parts.scheme}://{parts.netloc}"
        if self._api_url is not None:
            base = f"{self._api_url.rstrip('/')}/{parts.hostname}"
        queries = "&".join(one for one in (parts.query, query) if one)
        return URL(f"{base}{parts.path}{'?' * bool(queries)}{queries}", encoded=True)


async def _wait(retry_after: str | None, tries_left: int) -> None:
    """Wait as long as Twilio asks; raises TwilioBusy if that is too long, or often enough."""
    seconds = int(retry_after) if retry_after and retry_after.isdecimal() else None
    if not tries_left or (seconds or 0) > LONGEST_PAUSE_SECONDS:
        raise TwilioBusy(seconds)
    await asyncio.sleep(1 if seconds is None else seconds)
