"""HTTP to Asterisk, as far as ARI needs it: kept-alive connections, one request on each at a time.

A general client costs three times as much for each of a call's thirty requests. Asterisk tells
each answer's length; any other answer is none.
"""

import asyncio
from base64 import b64encode
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from ari_app.ari.transport import Answer, TransportBroken

KEEP_ALIVE_SECONDS: Final = 10
"""Asterisk drops idle connections after 15 s; a request must not meet a dead one."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""Of one answer: the list of a thousand channels has one."""

PORTS: Final = {"http": 80, "https": 443}


class _Reader(asyncio.StreamReader):
    """Knows how many bytes came that nobody has taken: what is left over answers no request."""

    left = 0

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # a transport gives bytes
        self.left += len(data)
        super().feed_data(data)


@dataclass(slots=True)
class _Connection:
    reader: _Reader
    writer: asyncio.StreamWriter
    used_at: float

    def usable(self, now: float) -> bool:
        stale = self.reader.left or self.reader.at_eof()
        return not (stale or now - self.used_at > KEEP_ALIVE_SECONDS)

    async def read(self) -> tuple[Answer, bool]:
        """Read an answer, and whether the connection may be used again."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        status, length, goes_on = _understood(head)
        body = await self.reader.readexactly(length) if length else b""
        self.reader.left -= len(head) + length
        return Answer(status, body), goes_on


class HttpTransport:
    """Requests to one Asterisk. Use as an async context manager."""

    def __init__(self, url: str, user: str, password: str) -> None:
        parts = urlsplit(url)
        self._host, self._path = parts.hostname or "", parts.path.rstrip("/")
        self._port = parts.port or PORTS[parts.scheme]
        self._ssl = True if parts.scheme == "https" else None
        secret = b64encode(f"{user}:{password}".encode()).decode()
        self._headers = f"Host: {parts.netloc}\r\nAuthorization: Basic {secret}\r\n"
        self._idle: deque[_Connection] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._idle:
            self._idle.pop().writer.close()

    async def send(self, method: str, target: str, body: bytes = b"") -> Answer:
        """One request to `target`, a path below the url with its query; `body` is JSON.

        Raises:
            TransportBroken: no connection, or it broke; Asterisk may have done what was asked.

        """
        head = f"{method} {self._path}/{target} HTTP/1.1\r\n{self._headers}"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        connection = await self._connection()
        try:
            connection.writer.write(f"{head}\r\n".encode() + body)
            answer, goes_on = await connection.read()
        except BaseException as error:
            connection.writer.close()
            if isinstance(error, OSError | EOFError | ValueError | asyncio.LimitOverrunError):
                raise TransportBroken(str(error) or type(error).__name__) from error
            raise
        if goes_on:
            connection.used_at = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.writer.close()
        return answer

    async def _connection(self) -> _Connection:
        now = asyncio.get_running_loop().time()
        while self._idle:
            # The one used last: those left over grow old and are closed.
            connection = self._idle.pop()
            if connection.usable(now):
                self._drop_old(now)
                return connection
            connection.writer.close()
        loop = asyncio.get_running_loop()
        reader = _Reader(MOST_BYTES, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.create_connection(
                lambda: protocol, self._host, self._port, ssl=self._ssl
            )
        except OSError as error:
            raise TransportBroken(str(error)) from error
        return _Connection(reader, asyncio.StreamWriter(transport, protocol, reader, loop), now)

    def _drop_old(self, now: float) -> None:
        while self._idle and not self._idle[0].usable(now):
            self._idle.popleft().writer.close()


def _understood(head: bytes) -> tuple[int, int, bool]:
    """Give the status, the length of the body, and whether the connection goes on."""
    start, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = start.partition(" ")
    if version != "HTTP/1.1":
        raise ValueError("no answer in HTTP/1.1")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines if line)
    }
    if "transfer-encoding" in headers:
        raise ValueError("an answer of unknown length")
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= MOST_BYTES:
        raise ValueError("an answer of impossible length")
    return int(rest[:3]), length, headers.get("connection", "").lower() != "close"
