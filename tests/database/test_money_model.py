"""Holds, posts, voids, top-ups, vouchers, refunds, adjustments, limits and crashes on random paths.

Each is done by plain integers, too.

Hypothesis chooses the path. `MODEL_EXAMPLES=500` tries more paths than the few of each run.
"""

import asyncio
import itertools
import os
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from billing.kit.database import make_engine
from billing.kit.settings import Settings
from billing.ledger import service as ledger
from tests.conftest import WORLD
from tests.database.broken_hold import read_then_write
from tests.database.real_money import Crasher, RealMoney
from tests.database.reference import CENT, Answer, Bounds, Price, Purse, Reference, Talk
from tests.database.world import World

EXAMPLES: Final = int(os.environ.get("MODEL_EXAMPLES", "6"))
STEPS: Final = 35
PRICES: Final = (
    Price(120, act=100),
    Price(120, first=60, following=60),
    Price(35, fee=10, first=30, following=6, least=50),
    Price(200, free=10, most=300, act=90, act_due=40, act_lasts=90),
    Price(60, following=10, longest=90, act=30, act_due=45, act_lasts=50),
)
AT_ONCE: Final = 3

Came = TypeVar("Came")

crashes = st.none() | st.integers(0, 24)
picks = st.integers(0, 11)
amounts = st.sampled_from([5, 50, 100, 199, 500, 2_000])
limits = st.sampled_from([None, None, 130, 400])
acts = st.sampled_from([False, False, True])
"""Whether a service at one price is asked for; not every expert sells one."""
wide = st.sampled_from([None, None, None, 13_000, 40_000, 70_000])
all_bounds = st.builds(Bounds, call=wide, caller_day=wide, caller_month=wide, day=wide)


class MoneyModel(RuleBasedStateMachine):
    """A real database and a `Reference`, given the same requests."""

    engine: ClassVar[AsyncEngine]
    crasher: ClassVar[Crasher]
    number_id: ClassVar[UUID]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.real = RealMoney(self.engine, self.crasher, self.number_id)
        self.keys = itertools.count()
        self.sound = True

    @initialize(of_calls=limits, of_days=limits, of_months=limits)
    def begin(self, of_calls: int | None, of_days: int | None, of_months: int | None) -> None:
        a_call, a_day, a_month = (
            None if cents is None else cents * CENT for cents in (of_calls, of_days, of_months)
        )
        self.reference = Reference([Purse(), Purse(a_call, a_day, a_month)], list(PRICES))
        self.await_(self.real.add_people(self.reference.purses, self.reference.prices))
        self.bound(of_service=Bounds(), on_number=Bounds())
        for purse in (0, 1):
            self.top_up(purse=purse, cents=200, crash=None)

    def await_(self, coroutine: Coroutine[Any, Any, Came]) -> Came:
        return self.runner.run(coroutine)

    def talks(self, *states: str) -> list[int]:
        talks = self.reference.talks if hasattr(self, "reference") else []
        return [number for number, talk in enumerate(talks) if talk.state in states]

    def same(self, real: Any, expected: Any) -> None:
        self.sound = self.sound and real == expected
        assert real == expected

    @rule(of_service=all_bounds, on_number=all_bounds)
    def bound(self, of_service: Bounds, on_number: Bounds) -> None:
        """Other limits of the operator: for calls that are quoted from now on."""
        self.reference.bounds = (of_service, on_number)
        self.await_(self.real.bound(self.reference.bounds))

    # Money comes in.

    @rule(purse=st.integers(0, 1), cents=amounts, crash=crashes)
    def top_up(self, purse: int, cents: int, crash: int | None) -> None:
        came = self.await_(self.real.top_up(purse, cents, self.new_key(), crash))
        self.same(came, cents * CENT)
        self.reference.credit(purse, cents * CENT, paid_in=True)

    def new_key(self) -> str:
        return f"{id(self)} {next(self.keys)} {self.real.callers[0][0]}"

    @rule(purse=st.integers(0, 1), cents=amounts, crash=crashes)
    def redeem_voucher(self, purse: int, cents: int, crash: int | None) -> None:
        code = self.await_(self.real.voucher(cents))
        self.await_(self.real.redeem(purse, code, crash))
        self.reference.credit(purse, cents * CENT)
        self.same(self.await_(self.real.redeem(1 - purse, code)), expected=False)

    @rule(cents=amounts)
    def redeem_at_once(self, cents: int) -> None:
        code = self.await_(self.real.voucher(cents))
        came = self.at_once(self.real.redeem(n % 2, code) for n in range(4))
        self.same(came.count(True), 1)
        self.reference.credit(came.index(True) % 2, cents * CENT)

    @rule(purse=st.integers(0, 1), cents=amounts)
    def top_up_at_once(self, purse: int, cents: int) -> None:
        key = self.new_key()
        self.at_once(self.real.top_up(purse, cents, key) for _ in range(AT_ONCE))
        self.reference.credit(purse, cents * CENT, paid_in=True)

    # Money goes back, and is moved by hand.

    @rule(pick=picks, cents=st.sampled_from([None, 1, 7, 60, 300]), crash=crashes)
    def refund(self, pick: int, cents: int | None, crash: int | None) -> None:
        number = self.picked(pick, "settled")
        if number is None:
            return
        came = self.await_(self.real.refund(number, cents, self.new_key(), crash))
        amount = None if cents is None else cents * CENT
        self.same(came, self.reference.refund(number, amount))

    @rule(pick=picks, cents=st.sampled_from([1, 7, 60]))
    def refund_at_once(self, pick: int, cents: int) -> None:
        """Several of one size: whoever comes first, together no more than was charged."""
        number = self.picked(pick, "settled")
        if number is None:
            return
        came = self.at_once(self.real.refund(number, cents, self.new_key()) for _ in range(AT_ONCE))
        expected = [self.reference.refund(number, cents * CENT) for _ in range(AT_ONCE)]
        self.same(sorted(came), sorted(expected))

    @rule(purse=st.integers(0, 1), cents=st.sampled_from([-2_000, -130, -1, 1, 500]), crash=crashes)
    def adjust(self, purse: int, cents: int, crash: int | None) -> None:
        came = self.await_(self.real.adjust(purse, cents, self.new_key(), crash))
        self.same(came, self.reference.adjust(purse, cents * CENT))

    @rule(purse=st.integers(0, 1), cents=st.sampled_from([None, 1, 150, 2_000]), crash=crashes)
    def pay_back(self, purse: int, cents: int | None, crash: int | None) -> None:
        came = self.await_(self.real.pay_back(purse, cents, self.new_key(), crash))
        amount = None if cents is None else cents * CENT
        self.same(came, self.reference.pay_back(purse, amount))

    # A call.

    @rule(
        purse=st.integers(0, 1),
        expert=st.integers(0, 4),
        day=st.sampled_from([0, 1, 10]),
        act=acts,
    )
    def call(self, purse: int, expert: int, day: int, *, act: bool) -> None:
        self.await_(self.real.receive())
        self.reference.talks.append(Talk(purse, day))
        self._quote(len(self.reference.talks) - 1, expert, None, act=act)

    @rule(pick=picks, expert=st.integers(0, 4), crash=crashes, act=acts)
    def quote(self, pick: int, expert: int, crash: int | None, *, act: bool) -> None:
        """Also after a segment: the expert is then the one he talks with."""
        number = self.picked(pick, "opened", "quoted")
        if number is None:
            return
        talk = self.reference.talks[number]
        with_whom = talk.expert if talk.before.seconds else None
        self._quote(number, expert if with_whom is None else with_whom, crash, act=act)

    def picked(self, pick: int, *states: str) -> int | None:
        """One of the calls in these states; None: there is none, and the step does nothing.

        No rule has a precondition: who wins a race of several calls is chance, and Hypothesis
        takes rules that are sometimes there after the same steps for a mistake of the test.
        """
        among = self.talks(*states)
        return among[pick % len(among)] if among else None

    def _quote(self, number: int, expert: int, crash: int | None, *, act: bool) -> None:
        talk = self.reference.talks[number]
        quoted = self.real.quote(number, talk.purse, expert, talk.day, crash, act=act)
        self.same(self.await_(quoted), self.reference.quote(number, expert, act=act))

    @rule(pick=picks, crash=crashes)
    def initial(self, pick: int, crash: int | None) -> None:
        number = self.picked(pick, "quoted")
        if number is None:
            return
        came = self.await_(self.real.initial(number, crash))
        self.same(came, self.reference.initial(number))

    @rule(pick=picks, more=st.integers(0, 30), crash=crashes)
    def update(self, pick: int, more: int, crash: int | None) -> None:
        number = self.picked(pick, "granted")
        if number is None:
            return
        talk = self.reference.talks[number]
        used = min(talk.used + more, talk.granted)
        came = self.await_(self.real.update(number, talk.requests, used, crash))
        self.same(came, self.reference.update(number, used))

    @rule(
        purse=st.integers(0, 1),
        experts=st.permutations(range(len(PRICES))),
        day=st.sampled_from([0, 1, 10]),
        act=acts,
    )
    def call_at_once(self, purse: int, experts: list[int], day: int, *, act: bool) -> None:
        """Several calls on one wallet, whose first grants are asked for in one moment."""
        for expert in experts[:AT_ONCE]:
            self.call(purse=purse, expert=expert, day=day, act=act)
        # Who sells no service has quoted none.
        newest = [n for n in self.talks("quoted") if n >= len(self.reference.talks) - AT_ONCE]
        came = self.at_once(self.real.initial(n) for n in newest)
        self._as_in_some_order(dict(zip(newest, came, strict=True)))

    @rule(pick=picks)
    def ask_at_once(self, pick: int) -> None:
        """Initials and updates of several calls in one moment: as in some order of them."""
        among = self.talks("quoted", "granted")
        if not among:
            return
        asked = (among[pick % len(among) :] + among)[: min(AT_ONCE, len(among))]
        talks = self.reference.talks
        came = self.at_once(
            self.real.initial(n)
            if talks[n].state == "quoted"
            else self.real.update(n, talks[n].requests, talks[n].granted)
            for n in asked
        )
        self._as_in_some_order(dict(zip(asked, came, strict=True)))

    def _as_in_some_order(self, came: dict[int, Answer]) -> None:
        for order in itertools.permutations(came):
            reference = deepcopy(self.reference)
            expected = {number: self._asked(reference, number) for number in order}
            if expected == came:
                self.reference = reference
                return
        self.sound = False
        raise AssertionError(f"No order of the requests gives {came}.")

    def _asked(self, reference: Reference, number: int) -> Answer:
        talk = reference.talks[number]
        if talk.state == "quoted":
            return reference.initial(number)
        return reference.update(number, talk.granted)

    def untouched(self) -> list[int]:
        """Granted calls in which nobody talked for money so far."""
        talks = self.reference.talks if hasattr(self, "reference") else []
        return [
            n for n in self.talks("granted") if not talks[n].used and not talks[n].before.seconds
        ]

    @rule(pick=picks, crash=crashes)
    def let_go(self, pick: int, crash: int | None) -> None:
        among = self.untouched()
        if not among:
            return
        number = among[pick % len(among)]
        self.same(self.await_(self.real.let_go(number, crash)), self.reference.let_go(number))

    @rule(pick=picks, overrun=st.integers(-20, 2), crash=crashes)
    def close_segment(self, pick: int, overrun: int, crash: int | None) -> None:
        """The talk goes on for nothing; a further quote may make it a paid one again."""
        number = self.picked(pick, "granted")
        if number is None:
            return
        talk = self.reference.talks[number]
        seconds = max(talk.used, talk.granted + overrun, 1)
        came = self.await_(self.real.close_segment(number, seconds, crash))
        self.same(came, self.reference.close_segment(number, seconds))

    @rule(pick=picks, overrun=st.integers(-20, 2), crash=crashes, at_once=st.booleans())
    def settle(self, pick: int, overrun: int, crash: int | None, *, at_once: bool) -> None:
        number = self.picked(pick, "opened", "quoted", "granted")
        if number is None:
            return
        talk = self.reference.talks[number]
        seconds = None
        if talk.state == "granted":
            seconds = max(talk.used, talk.granted + overrun)
        expected = self.reference.settle(number, seconds or 0)
        if at_once:
            came = self.at_once(self.real.settle(number, seconds) for _ in range(2))
            self.same(came, [expected, expected])
        else:
            self.same(self.await_(self.real.settle(number, seconds, crash)), expected)

    def at_once(self, steps: Iterable[Coroutine[Any, Any, Came]]) -> list[Came]:
        async def gathered() -> list[Came]:
            return list(await asyncio.gather(*steps))

        return self.await_(gathered())

    # What must be true after every step, and at the end.

    @invariant()
    def wallets_say_what_transfers_and_the_reference_say(self) -> None:
        if not hasattr(self, "reference"):
            return
        expected = [(p.posted, p.pending, p.posted, p.pending) for p in self.reference.purses]
        self.same(self.await_(self.real.wallets()), expected)
        for purse in self.reference.purses:
            assert purse.posted - purse.pending >= 0

    @invariant()
    def every_grant_is_covered_by_its_holds(self) -> None:
        if not hasattr(self, "reference"):
            return
        talks = self.reference.talks
        self.same(self.await_(self.real.held()), [talk.held for talk in talks])
        for talk in talks:
            if talk.state == "granted":
                assert talk.held >= talk.quoted.cost(talk.granted, talk.before)

    def teardown(self) -> None:
        """End all calls; then nothing is held, nobody is taken and the books are right."""
        if not self.sound or not hasattr(self, "reference"):
            return
        for number in self.talks("opened", "quoted", "granted"):
            used = self.reference.talks[number].used
            talked = used if self.reference.talks[number].state == "granted" else None
            expected = self.reference.settle(number, used)
            assert self.await_(self.real.settle(number, talked)) == expected
        assert [wallet[1] for wallet in self.await_(self.real.wallets())] == [0, 0]
        assert self.await_(self.real.findings()) == []


@pytest.fixture
def template(first_world: World) -> str:
    """The database begins with the world, for its menu number."""
    assert first_world
    return WORLD


@contextmanager
def money_model(world: World, database: str) -> Iterator[type[MoneyModel]]:
    """A model on a database, with connections of its own."""
    with asyncio.Runner() as runner:
        engine = make_engine(Settings(database_url=database))

        class OnThisDatabase(MoneyModel):
            pass

        OnThisDatabase.runner = runner
        OnThisDatabase.engine, OnThisDatabase.crasher = engine, Crasher(engine)
        OnThisDatabase.number_id = world.number_id
        yield OnThisDatabase
        runner.run(engine.dispose())


SETTINGS: Final = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_on_random_paths_money_is_as_plain_integers_say(
    first_world: World, fresh_database: str
) -> None:
    with money_model(first_world, fresh_database) as model:
        run_state_machine_as_test(model, settings=SETTINGS)


def test_the_model_catches_a_hold_that_reads_and_then_writes(
    first_world: World, fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "hold_in_wallet", read_then_write)
    fixed = settings(
        SETTINGS, max_examples=20, derandomize=True, database=None, phases=[Phase.generate]
    )
    with (
        money_model(first_world, fresh_database) as model,
        pytest.raises((AssertionError, Flaky)),
    ):
        run_state_machine_as_test(model, settings=fixed)
