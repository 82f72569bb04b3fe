"""A small real HTTP server that answers as a test wants, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, and over which connection (counted from 0) it came."""

    connection: int
    line: str
    headers: str
    body: bytes


Answering = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def whole(body: bytes = b"[]", *, status: str = "200 OK", more: str = "") -> bytes:
    """Give an answer with its length."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


async def answers_all(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Answer with an empty list."""
    writer.write(whole())


@dataclass
class AriServer:
    """Where it is, what it was asked, and what it answers; `writers`: one for each connection."""

    answering: Answering = answers_all
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What a client is given."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        """The requests' first lines."""
        return [one.line for one in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until either side has enough."""
        number = len(self.writers)
        self.writers.append(writer)
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                line, _, headers = head.partition("\r\n")
                length = headers.lower().partition("content-length:")[2].partition("\r\n")[0]
                body = await reader.readexactly(int(length)) if length else b""
                asked = Asked(number, line, headers, body)
                self.asked.append(asked)
                await self.answering(asked, writer)
        except (EOFError, OSError):
            writer.close()
        except asyncio.CancelledError:
            # The test is over: a task that streams started has nobody to tell.
            writer.close()


@asynccontextmanager
async def ari_server(answering: Answering = answers_all) -> AsyncIterator[AriServer]:
    """A server on a free port, with all its connections closed at the end."""
    ours = AriServer(answering)
    server = await asyncio.start_server(ours.serve, "127.0.0.1", 0)
    ours.port = server.sockets[0].getsockname()[1]
    try:
        yield ours
    finally:
        server.close()
        for writer in ours.writers:
            writer.close()
