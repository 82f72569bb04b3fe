"""What one does with a call: answer, speak, press keys, listen, wait, hang up."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from primeline.phones.dialog import Dialog, State
from primeline.phones.errors import PhoneWaitedInVain
from primeline.phones.heard import Heard, Key
from primeline.phones.messages import Message
from primeline.phones.voices import SILENCE, Voice

if TYPE_CHECKING:
    from primeline.phones.phone import Phone

_POLL_SECONDS = 0.01
_BYE_SECONDS = 5


class PhoneCall(Dialog):
    """A call as the person with the phone sees it; `events`, `code` and so on as in `Dialog`.

    `spoken` holds the frames this phone has said, to be looked for in what the other one heard.
    """

    def __init__(self, phone: "Phone", *, call_id: str, invite: Message | None = None) -> None:
        super().__init__(phone, call_id=call_id, invite=invite)
        self.spoken: set[bytes] = set()

    @property
    def heard(self) -> Heard:
        """All sound received so far, early media included."""
        return self.stream.heard

    @property
    def keys(self) -> list[Key]:
        """The keys the other side sent so far."""
        return self.stream.keys

    async def answer(self) -> None:
        """Answer an incoming call."""
        self.accept()

    async def reject(self, code: int = 603) -> None:
        """Refuse an incoming call with a SIP status, such as 486 (busy) or 603 (declined)."""
        self.refuse(code)

    async def hang_up(self) -> None:
        """End the call in whatever state it is; done when the other side has confirmed."""
        self.leave()
        try:
            await asyncio.wait_for(self.done.wait(), _BYE_SECONDS)
        except TimeoutError:
            self.forget()

    async def press(self, keys: str, *, gap_ms: int = 100, hold_ms: int = 100) -> None:
        """Press keys one after the other (RFC 4733); done when the last one is released.

        The end of the call ends it too.
        """
        self.stream.press(keys, hold_ms=hold_ms, gap_ms=gap_ms)
        await self.wait_until(
            lambda: self.state is State.ENDED or not self.stream.pressing,
            "the keys to be sent",
            seconds=1 + len(keys) * (hold_ms + gap_ms) // 500,
        )

    def speak(self, voice: Voice) -> None:
        """Say this without end, from the next packet on."""
        if voice is not SILENCE:
            self.spoken.update(voice.frames)
        self.stream.say(voice)

    def silent(self) -> None:
        """Say nothing; packets of silence go on."""
        self.stream.say(SILENCE)

    def stop_packets(self) -> None:
        """Send no sound at all any more, like a phone that lost its network."""
        self.stream.sending = False

    def hold(self) -> None:
        """Put the other side on hold: a re-INVITE with `sendonly`, as phones do."""
        self.redirect_sound("sendonly")

    def unhold(self) -> None:
        """Come back from a hold."""
        self.redirect_sound("sendrecv")

    async def wait_state(self, *states: State, seconds: int = 10) -> State:
        """Wait for one of these states.

        Raises `PhoneWaitedInVain`: time is over, or the call ended in another way.
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

        Raises `PhoneWaitedInVain`: it didn't come in time.
        """
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise self._in_vain(wanted, seconds)
            await asyncio.sleep(_POLL_SECONDS)

    def _in_vain(self, wanted: str, seconds: int) -> PhoneWaitedInVain:
        seen = ", ".join(f"{event.state} {event.code or ''}".strip() for event in self.events)
        return PhoneWaitedInVain(self.phone.user, wanted, seconds, seen)
