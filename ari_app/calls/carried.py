"""A call between two turns, so that another process can carry it on."""

from dataclasses import dataclass

from ari_app.calls.data import CallData
from ari_app.calls.events import Event
from billing.calls.values import TimelineEntry


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a call's actor waits for: timers by the steady clock, and events not yet taken."""

    timers: tuple[tuple[str, int], ...] = ()
    events: tuple[Event, ...] = ()
    ahead_ms: int | None = None
    """How much Asterisk's clock is ahead of the steady one, for this call."""


@dataclass(frozen=True, slots=True)
class Carried:
    """All there is of a call in a process.

    `by_cel`: its paid time is read from Asterisk's record. `notes`: its timeline, as far as it is
    not written yet; `settled`: whether its money is.
    """

    data: CallData
    caller_channel: str
    waiting: Waiting
    notes: tuple[TimelineEntry, ...]
    by_cel: bool
    settled: bool
