"""One call's SIP dialog (RFC 3261 sections 12 to 15), either direction."""

import asyncio
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from primeline.phones import sdp
from primeline.phones.digest import credentials
from primeline.phones.errors import PhoneWaitedInVain
from primeline.phones.media import Stream
from primeline.phones.messages import Message, parameter, reply, token, user_of
from primeline.phones.wire import contact_target

if TYPE_CHECKING:
    from primeline.phones.phone import Phone

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


class Dialog:
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
        self.phone = phone
        self.stream = Stream(phone.host)
        self._tag = token()
        self._local = ""
        self._remote = ""
        self._target = ""
        self._sequence = 0
        self._tried_password = False
        self._provisional = False
        self._giving_up = False
        self._request: Message | None = None
        self._extra: tuple[tuple[str, str], ...] = ()
        self._direction = "sendrecv"
        self.done = asyncio.Event()
        if invite is not None:
            self._take_invite(invite)

    @property
    def state(self) -> State:
        """The state after the last event."""
        return self.events[-1].state

    @property
    def caller_shown(self) -> str:
        """The number an incoming call shows."""
        return user_of(self.invite.get("from")) if self.invite else ""

    def at_us(self, state: State) -> int:
        """When the call came into a state first (wall clock); 0 if it never did."""
        return next((event.at_us for event in self.events if event.state is state), 0)

    def start(
        self, number: str, *, caller: str, display_name: str, headers: tuple[tuple[str, str], ...]
    ) -> None:
        """Send the INVITE."""
        host, port = self.phone.server
        name = f'"{display_name}" ' if display_name else ""
        self._local = f"{name}<sip:{caller}@{host}>;tag={self._tag}"
        self._target = f"sip:{number}@{host}:{port}"
        self._remote = f"<{self._target}>"
        self._extra = headers
        self._move(State.CALLING)
        self._send_invite(())

    def accept(self) -> None:
        """Answer a call that rings here."""
        invite = self._ringing_invite()
        response = self._reply(invite, 200)
        self._add_description(response)
        self.phone.wire.respond(invite, response)
        self._connect(invite)
        self._move(State.UP, 200)

    def refuse(self, code: int) -> None:
        """Refuse a call that rings here."""
        invite = self._ringing_invite()
        self.phone.wire.respond(invite, self._reply(invite, code))
        self._end("us", code)

    def redirect_sound(self, direction: str) -> None:
        """Offer another direction of sound within a call that is up (RFC 3264 section 8.4)."""
        self._direction = direction
        self._send_invite(())

    def leave(self) -> None:
        """End the call in whatever state it is; `done` is set once the other side agrees."""
        if self.state is State.UP:
            self.phone.wire.request(self._in_dialog("BYE"), lambda _: self._end("us", 0))
        elif self.state is State.INCOMING:
            self.refuse(480)
        elif self.state is not State.ENDED:
            self._giving_up = True
            if self._provisional:
                self._cancel()

    def forget(self) -> None:
        """End the call here, without a word to the other side."""
        self._end("us", 0)

    def take_request(self, request: Message) -> None:
        """A request within this call."""
        wire = self.phone.wire
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

    def _take_invite(self, invite: Message) -> None:
        self._local = f"{invite.get('to')};tag={self._tag}"
        self._remote = invite.get("from")
        self._target = contact_target(invite)
        self.phone.wire.respond(invite, self._reply(invite, 180))
        self._move(State.INCOMING)

    def _take_invite_response(self, response: Message) -> None:
        if response.code in {401, 407} and not self._tried_password:
            self._tried_password = True
            if self._giving_up:
                self._end("us", 487)
                return
            header = credentials(
                response, method="INVITE", uri=self._target,
                user=self.phone.user, password=self.phone.password,
            )  # fmt: skip
            if header is not None:
                self._send_invite((header,))
                return
        if response.is_refusal:
            self._end("us" if self._giving_up else "them", response.code, response)
            return
        self._provisional = True
        if self._giving_up and not response.is_final:
            self._cancel()
        if response.code > 100:  # noqa: PLR2004 - 100 says nothing
            self._take_progress(response)

    def _take_progress(self, response: Message) -> None:
        if self.state is State.ENDED and not response.is_final:
            return
        if parameter(response.get("to"), "tag"):
            self._remote = response.get("to")
        if response.body:
            self._connect(response)
        if not response.is_final:
            self._move(State.EARLY if response.body else State.RINGING, response.code)
            return
        fresh = self.state is not State.UP
        self._target = contact_target(response)
        self.phone.wire.send_ack(self._in_dialog("ACK", sequence=response.sequence))
        if self.state is State.ENDED or (fresh and self._giving_up):
            self.phone.wire.request(self._in_dialog("BYE"), lambda _: self._end("us", 0))
        elif fresh:
            self._move(State.UP, response.code)

    def _send_invite(self, authorization: tuple[tuple[str, str], ...]) -> None:
        invite = self._in_dialog("INVITE")
        invite.headers += [*self._extra, *authorization]
        self._add_description(invite)
        self._request = invite
        self.phone.wire.request(invite, self._take_invite_response)

    def _cancel(self) -> None:
        if self._request is not None:
            invite, self._request = self._request, None
            start = invite.start.replace("INVITE", "CANCEL", 1)
            cancel = Message(start, [("Via", invite.get("via")), ("Max-Forwards", "70")])
            cancel.headers += [(name, invite.get(name)) for name in ("From", "To", "Call-ID")]
            cancel.headers.append(("CSeq", f"{invite.sequence} CANCEL"))
            self.phone.wire.request(cancel, lambda _: None)

    def _in_dialog(self, method: str, *, sequence: int = 0) -> Message:
        if not sequence:
            self._sequence += 1
        return self.phone.request(
            method, self._target, caller=self._local, called=self._remote, call_id=self.call_id,
            sequence=sequence or self._sequence,
        )  # fmt: skip

    def _reply(self, request: Message, code: int) -> Message:
        response = reply(request, code, _PHRASES.get(code, "Refused"), tag=self._tag)
        response.headers.append(("Contact", self.phone.contact))
        return response

    def _ringing_invite(self) -> Message:
        if self.invite is None or self.state is not State.INCOMING:
            raise PhoneWaitedInVain(self.phone.user, "a call that rings", 0, self.state)
        return self.invite

    def _add_description(self, message: Message) -> None:
        message.headers.append(("Content-Type", "application/sdp"))
        message.body = sdp.describe(
            self.phone.host,
            self.stream.port,
            version=self._sequence + 1,
            direction=self._direction,
        )

    def _connect(self, message: Message) -> None:
        remote = sdp.read(message.body)
        if remote is not None:
            self.stream.connect(remote.host, remote.port, remote.events_kind)

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
        self.stream.close()
        self.done.set()
