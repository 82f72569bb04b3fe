"""A paid call whose events come late, twice or out of order: never more paid than was talked.

The pure machine is run against a small Asterisk that keeps its own record of who was in a bridge.
What that one tells goes through a channel that holds events back, repeats them and lets one
overtake another; our own timers and the database's answers come as they should.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.data import CallData
from ari_app.calls.machine import IllegalEvent, begin, step
from ari_app.calls.states import BOTH, Leg, State
from billing.calls.values import Reception
from billing.charging.values import Grant
from billing.kit.limits import Limits
from billing.pins.values import PinCheck
from tests.unit.test_call_machine import CALL, CALLER, EXPERT, GRANT, MENU, QUOTE, SETTLED, T0, eur

LIMITS = Limits(grant_seconds=20, extend_at_seconds=8)
FIRST = replace(GRANT, granted_seconds=20, end_seconds=35)
LAST = Grant(1, 35, 35, final=True, held=eur(100))
PROMPT_MS, RING_MS, HOP_MS = 400, 700, 2
MOST_STEPS = 3_000
KEYS = {"enter-pin": "1234#", "enter-extension": "101#", "press-1-to-accept": "1"}


@dataclass(frozen=True)
class Noise:
    """How long each event is held back, in turn, and whether it is told twice."""

    held_back_ms: tuple[int, ...] = (0,)
    twice: tuple[bool, ...] = (False,)


@dataclass(frozen=True)
class HangUp:
    """Who hangs up, so long after both can hear each other; nobody: the credit ends the talk."""

    leg: Leg | None = None
    after_ms: int = 0


@dataclass
class World:
    """The machine, its timers, a database that answers at once, an Asterisk, two people."""

    noise: Noise
    hang_up: HangUp
    now_ms: int = T0
    caller_up: bool = True
    attempts_up: set[int] = field(default_factory=set)
    inside: dict[str, set[Leg]] = field(default_factory=dict)
    began_ms: dict[str, int] = field(default_factory=dict)
    talked_ms: int = 0
    settles: list[c.Settle] = field(default_factory=list)
    over: bool = False

    def __post_init__(self) -> None:
        self._order = itertools.count()
        self._told = itertools.count()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._armed: dict[str, int] = {}
        self.data, commands = begin(CallData(CALL, LIMITS))
        self._do(commands)

    # Time.

    def run(self) -> None:
        for _ in range(MOST_STEPS):
            if self.over or not self._due:
                return
            at_ms, _, what = heapq.heappop(self._due)
            self.now_ms = max(self.now_ms, at_ms)
            what()

    def _at(self, ms: int, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (ms, next(self._order), what))

    def _feed(self, event: e.Event) -> None:
        if self.over:
            return
        if isinstance(event, e.Entered | e.Left):
            event = replace(event, steady_ms=self.now_ms - 5)
        try:
            self.data, commands = step(self.data, event)
        except IllegalEvent:
            return
        self._do(commands)

    def _tell(self, event: e.Event, in_ms: int = 0) -> None:
        """Asterisk tells something, through the channel."""
        turn, noise = next(self._told), self.noise
        held_back_ms = noise.held_back_ms[turn % len(noise.held_back_ms)]
        at_ms = self.now_ms + in_ms + HOP_MS + held_back_ms
        self._at(at_ms, lambda: self._feed(event))
        if noise.twice[turn % len(noise.twice)]:
            self._at(at_ms + held_back_ms, lambda: self._feed(event))

    def _answer(self, event: e.Event) -> None:
        self._at(self.now_ms + HOP_MS, lambda: self._feed(event))

    def _arm(self, timer: str, at_ms: int) -> None:
        self._disarm(timer)
        number = self._armed[timer]

        def fire() -> None:
            if self._armed[timer] == number:
                self._feed(e.TimerFired(timer))

        self._at(max(at_ms, self.now_ms), fire)

    def _disarm(self, timer: str) -> None:
        self._armed[timer] = self._armed.get(timer, 0) + 1

    # What the machine wants.

    def _do(self, commands: tuple[c.Command, ...]) -> None:
        for command in commands:
            self._for_ourselves(command)
            self._for_the_database(command)
            self._for_asterisk(command)

    def _for_ourselves(self, command: c.Command) -> None:
        match command:
            case c.Arm(timer, ms):
                self._arm(timer, self.now_ms + ms)
            case c.ArmAt(timer, at_ms):
                self._arm(timer, at_ms)
            case c.Disarm(timer):
                self._disarm(timer)
            case c.Stop():
                self.over = True

    def _for_the_database(self, command: c.Command) -> None:
        match command:
            case c.Receive():
                self._answer(e.Received(Reception(MENU, CALLER)))
            case c.CheckPin():
                self._answer(e.PinChecked(PinCheck.RIGHT))
            case c.LookUp():
                self._answer(e.LookedUp(EXPERT))
            case c.AskQuote():
                self._answer(e.Quoted(QUOTE))
            case c.Hold():
                self._answer(e.Held(FIRST))
            case c.RecordDial(attempt):
                self._answer(e.DialRecorded(attempt))
            case c.RecordTalk(bridge, _, None):
                self._answer(e.TalkRecorded(bridge))
            case c.Extend():
                self._answer(e.Extended(LAST))
            case c.Settle():
                self.settles.append(command)
                self._answer(e.Settled(SETTLED))

    def _for_asterisk(self, command: c.Command) -> None:  # noqa: C901  (one for each request)
        match command:
            case c.Say(leg, phrases, number) if self._is_up(leg):
                self._at(
                    self.now_ms + PROMPT_MS,
                    lambda: self._heard(leg, [phrase.id for phrase in phrases], number),
                )
            case c.LimitTalk(_, granted_seconds):
                self._answer(e.LimitSet(granted_seconds))
            case c.CreateLeg(attempt):
                self.attempts_up.add(attempt)
                self._tell(e.LegReady(attempt))
            case c.DialLeg(attempt) if attempt in self.attempts_up:
                self._tell(e.LegUp(attempt), RING_MS)
            case c.HangUp(leg, attempt):
                self._gone(leg, attempt)
            case c.Join(bridge) if all(self._is_up(leg) for leg in BOTH):
                for leg in BOTH:
                    self.inside.setdefault(bridge, set()).add(leg)
                    self._tell(e.Entered(leg, bridge, self.now_ms))
                self.began_ms[bridge] = self.now_ms
                if self.hang_up.leg is not None:
                    leg, attempt = self.hang_up.leg, self.data.attempt
                    at_ms = self.now_ms + self.hang_up.after_ms
                    self._at(at_ms, lambda: self._gone(leg, attempt))
            case c.DropBridge(bridge):
                for leg in list(self.inside.get(bridge, ())):
                    self._leave(bridge, leg)

    def _heard(self, leg: Leg, phrases: list[str], number: int) -> None:
        if not self._is_up(leg):
            return
        self._tell(e.Said(leg, number))
        keys = "1" if "press-1-or-3" in phrases else KEYS.get(phrases[-1], "")
        attempt = self.data.attempt if leg is Leg.EXPERT else 0
        for place, key in enumerate(keys, 1):
            self._tell(e.Key(leg, key, attempt), 250 * place)

    def _leave(self, bridge: str, leg: Leg) -> None:
        if len(self.inside[bridge]) == len(BOTH) and "-paid-" in bridge:
            self.talked_ms += self.now_ms - self.began_ms[bridge]
        self.inside[bridge].discard(leg)
        self._tell(e.Left(leg, bridge, self.now_ms))

    def _is_up(self, leg: Leg) -> bool:
        return self.caller_up if leg is Leg.CALLER else self.data.attempt in self.attempts_up

    def _gone(self, leg: Leg, attempt: int) -> None:
        if leg is Leg.CALLER and self.caller_up:
            self.caller_up = False
        elif leg is Leg.EXPERT and attempt in self.attempts_up:
            self.attempts_up.discard(attempt)
        else:
            return
        for bridge, there in self.inside.items():
            if leg in there:
                self._leave(bridge, leg)
        of = attempt if leg is Leg.EXPERT else 0
        self._tell(e.LegEnded(leg, of, 16, self.now_ms))


def paid_ms(settle: c.Settle) -> int:
    return sum((one.end_ms or 0) - one.start_ms for one in settle.intervals)


noises = st.builds(
    Noise,
    st.lists(
        st.one_of(st.just(0), st.integers(0, 300), st.integers(0, 20_000)), min_size=1, max_size=60
    ).map(tuple),
    st.lists(st.booleans(), min_size=1, max_size=60).map(tuple),
)
hang_ups = st.builds(HangUp, st.sampled_from([None, *BOTH]), st.integers(0, 40_000))


@given(hang_ups)
@settings(max_examples=60)
def test_told_in_order_exactly_what_was_talked_is_paid(hang_up: HangUp) -> None:
    world = World(Noise(), hang_up)
    world.run()
    (settle,) = world.settles
    assert world.data.state is State.OVER
    assert paid_ms(settle) == world.talked_ms
    if hang_up.leg is None:
        assert world.talked_ms == LAST.granted_seconds * 1_000 + LIMITS.cut_after_ms


@given(noises, hang_ups)
@settings(max_examples=400)
def test_however_it_is_told_nobody_pays_twice_or_for_more_and_nothing_is_stuck(
    noise: Noise, hang_up: HangUp
) -> None:
    world = World(noise, hang_up)
    world.run()
    assert world.data.state is State.OVER
    (settle,) = world.settles
    # By Asterisk's record where our events do not tell; else never more than that record has.
    assert settle.by_record or paid_ms(settle) <= world.talked_ms
    assert not world.caller_up
    assert not world.attempts_up
    assert not any(world.inside.values())
