"""Requests to Asterisk over the websocket that its events come by.

Asterisk does the requests of one socket strictly one after the other, so one that waits for a
channel (behind a prompt, for seconds) would hold up those of all calls. Only requests that it does
at once go over the socket; all others, and all while there is no socket, go over HTTP.
"""

import asyncio
import itertools
import json
import re
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from ari_app.ari.transport import Answer, Transport, TransportBroken

RESPONSE: Final = "RESTResponse"
"""The type of the messages that are no events but answers."""

_AT_ONCE: Final = re.compile(
    r"""
    POST\ channels/(create | [^/]+/(play/[^/]+ | ring | dial | dtmf | continue))
    | POST\ bridges/[^/]+(/play/[^/]+)?
    | DELETE\ (channels/[^/]+(/ring)? | playbacks/[^/]+ | bridges/[^/]+)
    | GET\ (channels/[^/]+(/variable | /rtp_statistics)? | playbacks/[^/]+ | asterisk/variable)
    """,
    re.VERBOSE,
)


def done_at_once(method: str, target: str) -> bool:
    """Whether Asterisk does this without waiting for a channel, and answers in few bytes."""
    return _AT_ONCE.fullmatch(f"{method} {target.partition('?')[0]}") is not None


class WebsocketTransport:
    """Requests over the events' socket where they can go there, else over `http`."""

    def __init__(self, http: Transport) -> None:
        self._http = http
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._late: set[str] = set()
        """Requests given up whose answers are still to come: the socket is held up by one."""

    def connected(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Use this socket from now on; whoever reads it hands over the answers."""
        self.lost()
        self._socket = socket

    def lost(self) -> None:
        """No answer will come any more: those who wait for one fail now."""
        self._socket = None
        self._late.clear()
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(TransportBroken("the websocket was lost"))

    def answered(self, message: Mapping[str, Any]) -> None:
        """Give an answer that was read to the one who waits for it."""
        number = message["request_id"]
        self._late.discard(number)
        answer = self._waiting.pop(number, None)
        if answer is not None and not answer.done():
            body = message.get("message_body") or ""
            answer.set_result(Answer(int(message["status_code"]), body.encode()))

    async def send(self, method: str, target: str, body: bytes = b"") -> Answer:
        """One request; see `Transport`."""
        socket = self._socket
        if socket is None or self._late or not done_at_once(method, target):
            return await self._http.send(method, target, body)
        number = str(next(self._numbers))
        message = {"type": "RESTRequest", "request_id": number, "method": method, "uri": target}
        if body:
            message |= {"content_type": "application/json", "message_body": body.decode()}
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await socket.send_str(json.dumps(message))
            return await answer
        except OSError as error:
            raise TransportBroken(str(error) or type(error).__name__) from error
        except asyncio.CancelledError:
            if self._waiting.get(number) is answer:
                self._late.add(number)
            raise
        finally:
            self._waiting.pop(number, None)
