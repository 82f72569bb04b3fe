"""SIP over UDP (RFC 3261 section 17): transactions with their repeats, every message kept."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from primeline.phones.messages import Message, parameter, parse, uri_of

_FIRST_REPEAT_MS = 500
_LONGEST_REPEAT_MS = 4000
_GIVE_UP_MS = 32_000
_KEPT_MESSAGES = 10_000
_KEPT_ANSWERS = 64

Address = tuple[str, int]
OnResponse = Callable[[Message], None]
OnRequest = Callable[[Message], None]


@dataclass(frozen=True, slots=True)
class WireMessage:
    """A message as it was on the wire; `at_us` is wall-clock time in microseconds."""

    at_us: int
    sent: bool
    text: str


class Wire(asyncio.DatagramProtocol):
    """One phone's SIP socket towards one server."""

    def __init__(self, server: Address, on_request: OnRequest) -> None:
        self.server = server
        self.log: deque[WireMessage] = deque(maxlen=_KEPT_MESSAGES)
        self.address: Address = ("", 0)
        self._on_request = on_request
        self._transport: asyncio.DatagramTransport | None = None
        self._clients: dict[tuple[str, str], tuple[Message, OnResponse]] = {}
        self._answered: dict[tuple[str, str], Message] = {}
        self._repeats: dict[tuple[str, str], asyncio.TimerHandle] = {}

    async def open(self, host: str, port: int) -> None:
        """Bind the socket; port 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(host, port)
        )
        self.address = self._transport.get_extra_info("sockname")[:2]

    def close(self) -> None:
        """Give the port back and forget all transactions."""
        for timer in self._repeats.values():
            timer.cancel()
        self._repeats.clear()
        self._clients.clear()
        if self._transport is not None:
            self._transport.close()

    def error_received(self, exc: Exception) -> None:
        """An ICMP error says nothing that the repeats don't find out."""

    def datagram_received(self, data: bytes, addr: Address) -> None:  # noqa: ARG002 - asyncio's
        """Hand a message to its transaction, or a new request to the phone."""
        self.log.append(WireMessage(time.time_ns() // 1000, False, data.decode("utf-8", "replace")))
        try:
            message = parse(data)
        except ValueError:
            return
        if message.is_response:
            self._take_response(message)
        elif message.method == "ACK":
            self._stop_repeating(("ack", _dialog_key(message)))
        elif (known := self._answered.get(_key(message))) is not None:
            self._send(known)
        else:
            self._on_request(message)

    def request(self, message: Message, on_response: OnResponse) -> None:
        """Send a request and repeat it until it is answered; no answer gives a 408 of our own."""
        self._clients[_key(message)] = (message, on_response)
        self._send(message)
        self._repeat(_key(message), message, _FIRST_REPEAT_MS, 0)

    def send_ack(self, message: Message) -> None:
        """Send an ACK, which nothing answers."""
        self._send(message)

    def respond(self, request: Message, response: Message) -> None:
        """Answer a request; a final answer to an INVITE is repeated until its ACK comes."""
        self._answered[_key(request)] = response
        if len(self._answered) > _KEPT_ANSWERS:
            del self._answered[next(iter(self._answered))]
        self._send(response)
        if request.method == "INVITE" and response.is_final:
            self._repeat(("ack", _dialog_key(request)), response, _FIRST_REPEAT_MS, 0)

    def _take_response(self, message: Message) -> None:
        key = _key(message)
        request, on_response = self._clients.get(key, (None, None))
        if request is None or on_response is None:
            return
        if message.is_final or message.method == "INVITE":
            self._stop_repeating(key)
        if message.method == "INVITE" and message.is_refusal:
            self._send(_ack_of_refusal(request, message))
        if message.is_final and message.method != "INVITE":
            del self._clients[key]
        on_response(message)

    def _repeat(self, key: tuple[str, str], message: Message, wait_ms: int, waited_ms: int) -> None:
        self._repeats[key] = asyncio.get_running_loop().call_later(
            wait_ms / 1000, self._repeat_now, key, message, wait_ms, waited_ms + wait_ms
        )

    def _repeat_now(
        self, key: tuple[str, str], message: Message, wait_ms: int, waited_ms: int
    ) -> None:
        if waited_ms >= _GIVE_UP_MS:
            self._stop_repeating(key)
            if not message.is_response:
                _, on_response = self._clients.pop(key)
                on_response(Message("SIP/2.0 408 No answer", [("CSeq", message.get("cseq"))]))
            return
        self._send(message)
        self._repeat(key, message, min(wait_ms * 2, _LONGEST_REPEAT_MS), waited_ms)

    def _stop_repeating(self, key: tuple[str, str]) -> None:
        timer = self._repeats.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _send(self, message: Message) -> None:
        data = message.render()
        self.log.append(WireMessage(time.time_ns() // 1000, True, data.decode()))
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, self.server)


def _key(message: Message) -> tuple[str, str]:
    return parameter(message.get("via"), "branch"), message.method


def _dialog_key(message: Message) -> str:
    return f"{message.get('call-id')} {message.sequence}"


def _ack_of_refusal(request: Message, response: Message) -> Message:
    target = request.start.split(" ")[1]
    ack = Message(f"ACK {target} SIP/2.0", [("Via", request.get("via")), ("Max-Forwards", "70")])
    ack.headers += [(name, request.get(name)) for name in ("From", "Call-ID")]
    ack.headers += [("To", response.get("to")), ("CSeq", f"{request.sequence} ACK")]
    return ack


def contact_target(message: Message) -> str:
    """The URI to which further requests of a dialog go."""
    return uri_of(message.get("contact"))
