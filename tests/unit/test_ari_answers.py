"""Answers of Asterisk that break off are known as such: no call and no process dies of them."""

import asyncio

import pytest

from ari_app.ari.client import AriClient, AriUnreachable


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n[",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n[",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[",
        b"no HTTP at all\r\n\r\n",
        b"",
    ],
)
async def test_an_answer_that_breaks_off_is_no_answer(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, AriClient(f"http://127.0.0.1:{port}", "user", "password") as ari:
        with pytest.raises(AriUnreachable):
            await ari.channels()
