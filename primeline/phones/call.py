"""One call of a phone: its dialog, its sound, its keys, and what happened when."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from primeline.phones import sdp
from primeline.phones.digest import credentials
from primeline.phones.errors import PhoneWaitedInVain
from primeline.phones.heard import Heard, Key
from primeline.phones.media import Stream
from primeline.phones.messages import Message, parameter, reply, token, user_of
from primeline.phones.voices import SILENCE, Voice
from primeline.phones.wire import contact_target

if TYPE_CHECKING:
    from primeline.phones.phone import Phone

_POLL_SECONDS = 0.01
_BYE_SECONDS = 5
_PHRASES = {
    180: "Ringing", 200: "OK", 404: "Not Found", 480: "Temporarily Unavailable",
    486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
    503: "Service Unavailable", 603: "Decline",
}  # fmt: skip


class State(StrEnum):
    """How far a call is."""

    CALLING = "calling"
    RINGING = "ringing"
    EARLY = "early"
    INCOMING = "incoming"
    UP = "up"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PhoneEvent:
    """A change of state; `at_us` is wall-clock, `code` the SIP status behind it or 0."""

    at_us: int
    monotonic_us: int
    state: State
    code: int = 0


class PhoneCall:
    """A call as its phone sees it.

    `code` is the final SIP status of a call that wasn't answered (0 if it was, or none came),
    `cause` the Q.850 cause the other side gave at its end (0 if none), `ended_by` is "us" or
    "them".
    """

    def __init__(self, phone: "Phone", *, call_id: str, invite: Message | None = None) -> None:
        self.events: list[PhoneEvent] = []
        self.code = 0
        self.cause = 0
        self.ended_by = ""
        self.invite = invite
        self.call_id = call_id
        self.spoken: set[bytes] = set()
        self._phone = phone
        self._stream = Stream(phone.host)
        self._tag = token()
        self._local = ""
        self._remote = ""
        self._target = ""
        self._sequence = 0
        self._tried_password = False
        self._giving_up = False
        self._request: Message | None = None
        self._extra: tuple[tuple[str, str], ...] = ()
        self._done = asyncio.Event()
        if invite is not None:
            self._take_invite(invite)

    @property
    def state(self) -> State:
        """The state after the last event."""
        return self.events[-1].state

    @property
    def heard(self) -> Heard:
        """All sound received so far, early media included."""
        return self._stream.heard

    @property
    def keys(self) -> list[Key]:
        """The keys the other side sent so far."""
        return self._stream.keys

    @property
    def caller_shown(self) -> str:
        """The number an incoming call shows."""
        return user_of(self.invite.get("from")) if self.invite else ""

    def at_us(self, state: State) -> int:
        """When the call came into a state first (wall clock); 0 if it never did."""
        return next((event.at_us for event in self.events if event.state is state), 0)

    # What the person with the phone does.

    def start(
        self, number: str, *, caller: str, display_name: str, headers: tuple[tuple[str, str], ...]
    ) -> None:
        """Send the INVITE."""
        host, port = self._phone.server
        name = f'"{display_name}" ' if display_name else ""
        self._local = f"{name}<sip:{caller}@{host}>;tag={self._tag}"
        self._target = f"sip:{number}@{host}:{port}"
        self._remote = f"<{self._target}>"
        self._extra = headers
        self._move(State.CALLING)
        self._send_invite(())

    async def answer(self) -> None:
        """Answer an incoming call."""
        if self.invite is None or self.state is not State.INCOMING:
            raise PhoneWaitedInVain(self._phone.user, "a call to answer", 0, self.state)
        response = self._reply(self.invite, 200)
        self._add_description(response)
        self._phone.wire.respond(self.invite, response)
        self._connect(self.invite)
        self._move(State.UP, 200)

    async def reject(self, code: int = 603) -> None:
        """Refuse an incoming call with a SIP status, such as 486 (busy) or 603 (declined)."""
        if self.invite is None or self.state is not State.INCOMING:
            raise PhoneWaitedInVain(self._phone.user, "a call to reject", 0, self.state)
        self._phone.wire.respond(self.invite, self._reply(self.invite, code))
        self._end("us", code)

    async def hang_up(self) -> None:
        """End the call in whatever state it is; done when the other side has confirmed."""
        if self.state is State.UP:
            self._phone.wire.request(self._in_dialog("BYE"), lambda _: self._end("us", 0))
        elif self.state is State.INCOMING:
            await self.reject(480)
        elif self.state is not State.ENDED:
            self._giving_up = True
            if self.state is not State.CALLING or self._tried_password:
                self._cancel()
        try:
            await asyncio.wait_for(self._done.wait(), _BYE_SECONDS)
        except TimeoutError:
            self._end("us", 0)

    async def press(self, keys: str, *, gap_ms: int = 100, hold_ms: int = 100) -> None:
        """Press keys one after the other (RFC 4733); done when the last one is released."""
        self._stream.press(keys, hold_ms=hold_ms, gap_ms=gap_ms)
        while self._stream.pressing and self.state is not State.ENDED:
            await asyncio.sleep(_POLL_SECONDS)

    def speak(self, voice: Voice) -> None:
        """Say this without end, from the next packet on."""
        if voice is not SILENCE:
            self.spoken.update(voice.frames)
        self._stream.say(voice)

    def silent(self) -> None:
        """Say nothing; packets of silence go on."""
        self._stream.say(SILENCE)

    def stop_packets(self) -> None:
        """Send no sound at all any more, like a phone that lost its network."""
        self._stream.sending = False

    async def wait_state(self, *states: State, seconds: int = 10) -> State:
        """Wait for one of these states.

        Raises:
            PhoneWaitedInVain: time is over, or the call ended in another way.
        """
        await self.wait_until(
            lambda: self.state in states or self.state is State.ENDED,
            "/".join(states),
            seconds=seconds,
        )
        if self.state not in states:
            raise self._in_vain("/".join(states), seconds)
        return self.state

    async def wait_ended(self, *, seconds: int = 10) -> None:
        """Wait for the end of the call."""
        await self.wait_until(lambda: self.state is State.ENDED, "the end", seconds=seconds)

    async def wait_until(
        self, condition: Callable[[], bool], wanted: str, *, seconds: int = 10
    ) -> None:
        """Wait for something about this call, such as a sound heard, looking every 10 ms.

        Raises:
            PhoneWaitedInVain: it didn't come in time.
        """
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise self._in_vain(wanted, seconds)
            await asyncio.sleep(_POLL_SECONDS)

    # What comes in from the other side.

    def take_request(self, request: Message) -> None:
        """A request within this call."""
        wire = self._phone.wire
        match request.method:
            case "BYE":
                wire.respond(request, self._reply(request, 200))
                self._end("them", 0, request)
            case "CANCEL":
                wire.respond(request, self._reply(request, 200))
                if self.state is State.INCOMING and self.invite is not None:
                    wire.respond(self.invite, self._reply(self.invite, 487))
                    self._end("them", 487, request)
            case "INVITE" | "UPDATE":
                response = self._reply(request, 200)
                if request.method == "INVITE" or request.body:
                    self._add_description(response)
                    self._connect(request)
                wire.respond(request, response)
            case _:
                wire.respond(request, self._reply(request, 200))

    def drop(self) -> None:
        """Forget the call without a word to the other side."""
        self._end("us", 0)

    def _take_invite(self, invite: Message) -> None:
        self._local = f"{invite.get('to')};tag={self._tag}"
        self._remote = invite.get("from")
        self._target = contact_target(invite)
        self._phone.wire.respond(invite, self._reply(invite, 180))
        self._move(State.INCOMING)

    def _take_invite_response(self, response: Message) -> None:
        if response.code in {401, 407} and not self._tried_password:
            self._tried_password = True
            if self._giving_up:
                self._end("us", response.code)
                return
            header = credentials(
                response, method="INVITE", uri=self._target,
                user=self._phone.user, password=self._phone.password,
            )  # fmt: skip
            if header is not None:
                self._send_invite((header,))
                return
        if response.is_refusal:
            self._end("us" if self._giving_up else "them", response.code, response)
            return
        if self._giving_up and not response.is_final:
            self._cancel()
        if response.code > 100:  # noqa: PLR2004 - 100 says nothing
            self._take_progress(response)

    def _take_progress(self, response: Message) -> None:
        if parameter(response.get("to"), "tag"):
            self._remote = response.get("to")
        if response.body:
            self._connect(response)
        if not response.is_final:
            self._move(State.EARLY if response.body else State.RINGING, response.code)
            return
        fresh = self.state is not State.UP
        self._target = contact_target(response)
        self._phone.wire.send_ack(self._in_dialog("ACK", sequence=response.sequence))
        if self.state is State.ENDED or (fresh and self._giving_up):
            self._phone.wire.request(self._in_dialog("BYE"), lambda _: self._end("us", 0))
        elif fresh:
            self._move(State.UP, response.code)

    def _send_invite(self, authorization: tuple[tuple[str, str], ...]) -> None:
        invite = self._in_dialog("INVITE")
        invite.headers += [*self._extra, *authorization]
        self._add_description(invite)
        self._request = invite
        self._phone.wire.request(invite, self._take_invite_response)

    def _cancel(self) -> None:
        if self._request is not None:
            invite, self._request = self._request, None
            start = invite.start.replace("INVITE", "CANCEL", 1)
            cancel = Message(start, [("Via", invite.get("via")), ("Max-Forwards", "70")])
            cancel.headers += [(name, invite.get(name)) for name in ("From", "To", "Call-ID")]
            cancel.headers.append(("CSeq", f"{invite.sequence} CANCEL"))
            self._phone.wire.request(cancel, lambda _: None)

    def _in_dialog(self, method: str, *, sequence: int = 0) -> Message:
        if not sequence:
            self._sequence += 1
        return self._phone.request(
            method, self._target, caller=self._local, called=self._remote, call_id=self.call_id,
            sequence=sequence or self._sequence,
        )  # fmt: skip

    def _reply(self, request: Message, code: int) -> Message:
        response = reply(request, code, _PHRASES.get(code, "Refused"), tag=self._tag)
        response.headers.append(("Contact", self._phone.contact))
        return response

    def _add_description(self, message: Message) -> None:
        message.headers.append(("Content-Type", "application/sdp"))
        message.body = sdp.describe(self._phone.host, self._stream.port, version=self._sequence + 1)

    def _connect(self, message: Message) -> None:
        remote = sdp.read(message.body)
        if remote is not None:
            self._stream.connect(remote.host, remote.port, remote.events_kind)

    def _move(self, state: State, code: int = 0) -> None:
        now = PhoneEvent(time.time_ns() // 1000, time.monotonic_ns() // 1000, state, code)
        self.events.append(now)

    def _end(self, by: str, code: int, message: Message | None = None) -> None:
        if self.events and self.state is State.ENDED:
            return
        self.ended_by, self.code = by, code
        cause = re.search(r"cause=(\d+)", message.get("reason")) if message else None
        self.cause = int(cause[1]) if cause else 0
        self._move(State.ENDED, code)
        self._stream.close()
        self._done.set()

    def _in_vain(self, wanted: str, seconds: int) -> PhoneWaitedInVain:
        seen = ", ".join(f"{event.state} {event.code or ''}".strip() for event in self.events)
        return PhoneWaitedInVain(self._phone.user, wanted, seconds, seen)
