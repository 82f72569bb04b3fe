"""A way to Asterisk's ARI that a test can break and mend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class LooseSocket:
    """Passes connections on to a port of this host while it is whole."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._whole = True
        self._writers: set[asyncio.StreamWriter] = set()

    def break_off(self) -> None:
        """Cut every connection, and take no new one until mended."""
        self._whole = False
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Take connections again."""
        self._whole = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on, both ways."""
        if not self._whole:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._writers |= ends
        with suppress(OSError):
            await asyncio.wait(
                {
                    asyncio.create_task(_pump(reader, far_writer)),
                    asyncio.create_task(_pump(far_reader, writer)),
                },
                return_when=asyncio.FIRST_COMPLETED,
            )
        for end in ends:
            end.transport.abort()
        self._writers -= ends


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def loose_socket(port: int) -> AsyncIterator[tuple[LooseSocket, int]]:
    """A `LooseSocket` before `port`, and the port that it listens on."""
    loose = LooseSocket(port)
    server = await asyncio.start_server(loose.serve, "127.0.0.1", 0)
    try:
        yield loose, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        loose.break_off()
