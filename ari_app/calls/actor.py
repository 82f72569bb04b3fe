"""One call's mailbox and task: events in order, one step each, its commands carried out."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import structlog

from ari_app import metrics
from ari_app.calls.carried import Waiting
from ari_app.calls.commands import Arm, ArmAt, Command, Disarm, Note, Stop
from ari_app.calls.data import CallData
from ari_app.calls.events import Event, Key, TimerFired
from ari_app.calls.machine import IllegalEvent, step
from ari_app.calls.states import Leg, State
from billing.calls.values import TimelineEntry

log = structlog.get_logger(__name__)

TOLD_TWICE_MS = 70
"""Asterisk puts a key back that follows another too closely (45 ms), reads it again a frame later
and tells it both times. Nobody presses a key twice in that time: a tone and its pause last 80 ms
(ITU-T Q.24)."""


def now_ms() -> int:
    """This host's wall clock, which is also Asterisk's, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """A clock that nobody sets, in milliseconds since some moment."""
    return time.monotonic_ns() // 1_000_000


class Executor(Protocol):
    """Carries commands out. `execute` must not wait for the database."""

    async def execute(self, commands: Sequence[Command], data: CallData) -> None:
        """Carry out the commands in order."""

    def note(self, entry: TimelineEntry) -> None:
        """Keep a line of the timeline until the next write to the database."""

    async def close(self) -> None:
        """Wait for what is still being written."""


class Actor:
    """Runs one call. `post` may be called from any callback of the same loop."""

    def __init__(self, data: CallData, first: Sequence[Command] = ()) -> None:
        self.data = data
        self._first = tuple(first)
        self._mailbox: asyncio.Queue[tuple[Event, int, int | None]] = asyncio.Queue()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        # How often each timer was armed or disarmed: one that fired before that, but waits in the
        # mailbox, means nothing any more.
        self._armed: Counter[str] = Counter()
        self._over = False
        self._turning = asyncio.Lock()
        # Taken from the mailbox, its turn not begun.
        self._next: tuple[Event, int, int | None] | None = None
        self._ahead_ms = now_ms() - steady_ms()
        self._last_keys: dict[Leg, tuple[Key, int]] = {}

    def post(self, event: Event, at_ms: int | None = None) -> None:
        """Put an event into the mailbox; `at_ms`: when Asterisk says that it happened.

        A key that Asterisk tells a second time is left out.
        """
        if isinstance(event, Key) and at_ms is not None:
            last = self._last_keys.get(event.leg)
            self._last_keys[event.leg] = (event, at_ms)
            if last is not None and last[0] == event and at_ms - last[1] < TOLD_TWICE_MS:
                return
        self._mailbox.put_nowait((event, 0, at_ms))

    async def run(self, executor: Executor) -> None:
        """Live until the call is over."""
        with structlog.contextvars.bound_contextvars(call_id=self.data.call_id):
            try:
                async with self._turning:
                    await self._carry_out(executor, self._first)
                while not self._over:
                    self._next = await self._mailbox.get()
                    async with self._turning:
                        (event, number, at_ms), self._next = self._next, None
                        if self._is_stale(event, number):
                            continue
                        if at_ms is not None:
                            self._set_clock()
                        await self._turn(executor, event)
                        if at_ms is not None:
                            metrics.handled(at_ms, now_ms())
            finally:
                for timer in self._timers.values():
                    timer.cancel()
                await executor.close()

    # Between two turns.

    async def hold(self) -> None:
        """Take no further turn until `go_on`; a turn that was begun is ended first."""
        await self._turning.acquire()

    def go_on(self) -> None:
        """Take turns again."""
        self._turning.release()

    def waiting(self) -> Waiting:
        """Give what a held call waits for; it goes on waiting for it."""
        queued = [self._next] if self._next is not None else []
        kept = []
        while not self._mailbox.empty():
            kept.append(self._mailbox.get_nowait())
        for item in kept:
            self._mailbox.put_nowait(item)
        return Waiting(
            timers=tuple(
                (timer, round(handle.when() * 1_000)) for timer, handle in self._timers.items()
            ),
            events=tuple(
                event for event, number, _ in queued + kept if not self._is_stale(event, number)
            ),
            ahead_ms=self._ahead_ms,
        )

    def wait_for(self, waiting: Waiting) -> None:
        """Wait for what the call waited for in another process, before it is run."""
        for event in waiting.events:
            self.post(event)
        for timer, at_ms in waiting.timers:
            self._arm(timer, max(0, at_ms - steady_ms()))
        if waiting.ahead_ms is not None:
            self._ahead_ms = waiting.ahead_ms

    def _is_stale(self, event: Event, number: int) -> bool:
        return isinstance(event, TimerFired) and number != self._armed[event.timer]

    # Clocks.

    def asterisk_ms(self) -> int:
        """Asterisk's clock, as if nobody had set it since the meter began to run."""
        return steady_ms() + self._ahead_ms

    def _set_clock(self) -> None:
        """Look at the wall clock, unless paid time is counted by what it showed before."""
        talk = self.data.talk
        if self.data.answered_ms is None and (talk is None or talk.from_ms is None):
            self._ahead_ms = now_ms() - steady_ms()

    async def _turn(self, executor: Executor, event: Event) -> None:
        before = self.data.state
        try:
            self.data, commands = step(self.data, event)
        except IllegalEvent as error:
            log.error("illegal event", error=str(error))  # noqa: TRY400  (no traceback needed)
            return
        if self.data.state is not before:
            log.info("state", state=str(self.data.state), before=str(before))
        await self._carry_out(executor, commands)

    async def _carry_out(self, executor: Executor, commands: Sequence[Command]) -> None:
        others: list[Command] = []
        for command in commands:
            match command:
                case Arm(timer, ms):
                    self._arm(timer, ms)
                case ArmAt(timer, at_ms):
                    self._arm(timer, max(0, at_ms - self.asterisk_ms()))
                case Disarm(timer):
                    self._disarm(timer)
                case Note(what, detail):
                    executor.note(TimelineEntry(now_ms(), what, dict(detail)))
                case Stop():
                    self._over = True
                case _:
                    others.append(command)
        if others:
            await executor.execute(others, self.data)

    def _arm(self, timer: str, ms: int) -> None:
        self._disarm(timer)
        loop = asyncio.get_running_loop()
        self._timers[timer] = loop.call_later(ms / 1000, self._fire, timer, self._armed[timer])

    def _fire(self, timer: str, number: int) -> None:
        self._timers.pop(timer, None)
        self._mailbox.put_nowait((TimerFired(timer), number, None))

    def _disarm(self, timer: str) -> None:
        self._armed[timer] += 1
        handle = self._timers.pop(timer, None)
        if handle is not None:
            handle.cancel()

    @property
    def over(self) -> bool:
        """Whether the call's actor has finished."""
        return self._over or self.data.state is State.OVER
