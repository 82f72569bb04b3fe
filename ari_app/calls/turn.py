"""What one event leads to: the next `CallData` and the commands, collected step by step.

A `Turn` lives only inside one call of `machine.step`; nothing outside sees it change.
"""

from typing import Any

from ari_app.calls.commands import Arm, Command, Disarm, HangUp, Hush, Limit, Note, Say, Settle
from ari_app.calls.data import CallData
from ari_app.calls.states import Leg, State
from billing.calls.rules import until_silence
from billing.calls.values import NO_SOUND, EndReason, Interval, NoPayer
from billing.kit.limits import Limits
from dialplan.prompts.values import Phrase

STATE_TIMER = "state"
"""The longest that a state may last."""
WAIT_TIMER = "wait"
"""The wait for one key, one phone, one turn."""
CUT_TIMER, EXTEND_TIMER, WARN_TIMER = "cut", "extend", "warn"
"""A talk's end, its next request for a longer grant, and its warning."""
OFFER_TIMER, PLEASE_WAIT_TIMER = "offer", "please-wait"
"""The next time a price may be offered in mid-call, and that somebody is asked to hold the line."""
HOLD_TIMER = "hold"
"""How long the expert's hold is still paid."""
UNHEARD_MS = 300
"""Who hangs up breaks a prompt off first, and is told to have gone a moment later."""
MENU_TIMER, LEASE_TIMER, NOTICE_TIMER, CONFIRM_TIMER = "menu", "lease", "notice", "confirm"
"""Premium rate: the end of a menu, the next lease, the next spend notice, the wait for its key."""


def settling_ms(limits: Limits) -> int:
    """The longest that settling takes."""
    return limits.settling_ms + limits.database_ms


class Turn:
    """The call as it will be, and what is to be done, in order."""

    def __init__(self, data: CallData) -> None:
        self.data = data
        self.commands: list[Command] = []

    def do(self, *commands: Command) -> None:
        """Add commands."""
        self.commands.extend(commands)

    def set(self, **changes: Any) -> None:
        """Change facts of the call."""
        self.data = self.data.changed(**changes)

    def go(self, state: State, **changes: Any) -> None:
        """Move to `state`; waits of the old one are forgotten."""
        self.set(state=state, **changes)
        self.do(Disarm(WAIT_TIMER), Disarm(STATE_TIMER))

    def last(self, ms: int, farewell: str = "apology") -> None:
        """Bound the state to `ms`: our timer, and the caller's switch in Asterisk behind it."""
        self.do(Arm(STATE_TIMER, ms))
        if self.data.carrier_billed and self.data.answered:
            # No apology at the caller's expense.
            farewell = "silent"
        if self.data.caller_up:
            self.hush(Leg.CALLER)
            self.do(Limit((Leg.CALLER,), ms + self.data.limits.grace_ms, farewell))

    def wait(self, ms: int) -> None:
        """Wait `ms` for the next key or answer."""
        self.do(Arm(WAIT_TIMER, ms))

    def hush(self, leg: Leg) -> None:
        """Stop what `leg` hears: requests to a channel wait behind its prompt."""
        number = self.data.playback(leg)
        if number is not None:
            self.do(Hush(leg, number))
            self.set(saying=tuple(pair for pair in self.data.saying if pair[0] != leg))

    def say(self, leg: Leg, *phrases: Phrase | str) -> None:
        """Say phrases to a leg, in place of what it hears; `Said` tells the end."""
        self.do(Disarm(WAIT_TIMER))
        self.say_aside(leg, *phrases)

    def say_aside(self, leg: Leg, *phrases: Phrase | str) -> None:
        """Say phrases to a leg while the other one's key is still waited for."""
        self.hush(leg)
        number = self.data.says + 1
        said = tuple(Phrase(p) if isinstance(p, str) else p for p in phrases)
        self.do(Say(leg, said, number))
        self.set(says=number, saying=(*self.data.saying, (leg, number)))

    def broke_off(self) -> None:
        """Wait a moment whether a hang-up broke off what must be heard, else it is our fault."""
        self.set(unheard=True)
        self.wait(UNHEARD_MS)

    def settle(self, reason: EndReason, *farewell: Phrase | str, by_record: bool = False) -> None:
        """End the call's money for `reason`; then the caller hears `farewell`, if any."""
        data = self.data
        stopped = data.state is State.STOPPING
        self.hush(Leg.CALLER)
        self.hush(Leg.EXPERT)
        if data.expert_up and not data.talked:
            self.do(HangUp(Leg.EXPERT, data.attempt))
        self.do(Note("ending", {"reason": str(reason)}))
        self.go(
            State.SETTLING,
            reason=reason,
            farewell=tuple(Phrase(p) if isinstance(p, str) else p for p in farewell),
        )
        paid = data.intervals if by_record else self.paid()
        no_payer = None if by_record else self._nobody_sounded()
        no_payer = no_payer or self._no_payer()
        silent_seconds = 0 if by_record else self._silent_seconds()
        self.do(Settle(reason, paid, no_payer, by_record, self._meter(), silent_seconds))
        # The transaction has its own deadline and, past it, the spool; this is the backstop.
        ms = settling_ms(data.limits)
        self.do(Arm(STATE_TIMER, ms))
        if stopped:
            # The switches were set for this too.
            return
        up = (*((Leg.CALLER,) if data.caller_up else ()), *self._expert_after_talk())
        if up:
            self.do(Limit(up, ms + data.limits.grace_ms, "silent" if data.talked else "apology"))

    def silent(self) -> frozenset[Leg]:
        """Who is proved to have sent nothing in all the time paid under the present price."""
        data = self.data
        if data.counting is not None or not data.silent or not data.intervals[data.segment_from :]:
            return frozenset()
        return data.silent

    def paid(self) -> tuple[Interval, ...]:
        """Paid time, which is noted if nothing of it is left for want of any sound.

        Of a leg that sent no sound any more, what came before its silence.
        """
        data = self.data
        earlier, own = data.intervals[: data.segment_from], data.intervals[data.segment_from :]
        silent = self.silent()
        if silent:
            self.do(Note(NO_SOUND, {"from": " and ".join(sorted(silent))}))
            return earlier + until_silence(own, 0)
        if data.sound_until_ms is None:
            return data.intervals
        return earlier + until_silence(own, data.sound_until_ms)

    def _silent_seconds(self) -> int:
        """What of the segments that are paid was silence: 15.2 s are 16, in the caller's favour."""
        data = self.data
        if data.sound_until_ms is None:
            return 0
        closed = data.intervals[: data.segment_from]
        heard = until_silence(closed, data.sound_until_ms)
        lost_ms = sum(
            (one.end_ms or one.start_ms) - (left.end_ms or left.start_ms)
            for one, left in zip(closed, heard, strict=True)
        )
        seconds = min(data.earlier_seconds, -(-lost_ms // 1_000))
        if seconds:
            self.do(Note("silence given back", {"seconds": seconds}))
        return seconds

    def _nobody_sounded(self) -> NoPayer | None:
        """Why paid time costs nothing, if all of it was silent."""
        data = self.data
        if data.counting is not None or not data.silent or data.earlier_seconds:
            return None
        return NoPayer.CALLER_SILENT if Leg.CALLER in data.silent else NoPayer.EXPERT_SILENT

    def _no_payer(self) -> NoPayer | None:
        data = self.data
        billed = data.carrier_billed or data.caller is not None
        if data.number is None or data.line is not None or billed:
            return None
        return NoPayer.CALLER_UNKNOWN

    def _meter(self) -> Interval | None:
        data = self.data
        if not data.carrier_billed or data.answered_ms is None or data.released_ms is None:
            return None
        return Interval(data.answered_ms, data.released_ms)

    def _expert_after_talk(self) -> tuple[Leg, ...]:
        return (Leg.EXPERT,) if self.data.talked and self.data.expert_up else ()
