"""The same requests as `reference` answers, made to Primeline's own services and PostgreSQL."""

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from billing.accounts import service as accounts
from billing.accounts import vouchers
from billing.accounts.vouchers import Redeemed
from billing.adjustments import service as adjustments
from billing.adjustments.errors import CreditTooLittle, PaidInTooLittle
from billing.adjustments.values import AdjustmentReason, Why
from billing.calls import books, settling
from billing.calls import service as calls
from billing.calls.values import EndReason, Interval
from billing.catalogue import service as catalogue
from billing.charging import service as charging
from billing.charging.limits import set_limits
from billing.charging.values import Grant, Quote, Refusal, Refused
from billing.kit.clock import to_ms
from billing.kit.database import make_sessions
from billing.kit.ids import new_call_id
from billing.kit.limits import Limits
from billing.money.values import Money
from billing.refunds import service as refunds
from billing.refunds.asked import Asked
from billing.refunds.errors import NothingCharged, RefundTooMuch
from billing.refunds.values import RefundReason
from billing.tariffs import service as tariffs
from billing.tariffs.values import Tariff
from tests.database.reference import (
    BUSY,
    CENT,
    GRANT_SECONDS,
    MINIMUM_TALK_SECONDS,
    REFUSED,
    Answer,
    Bounds,
    Price,
    Purse,
)
from tests.database.world import MENU, NOW

LIMITS: Final = replace(
    Limits(), grant_seconds=GRANT_SECONDS, minimum_talk_seconds=MINIMUM_TALK_SECONDS
)
KEY: Final = "a key of the tests, long enough to be one"
_numbers = itertools.count(1)
_years = itertools.count(NOW.year)
Came = TypeVar("Came")


class Crashed(Exception):
    """The process died here."""


class Crasher:
    """Ends a transaction before a statement, or before its commit, as a kill would."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._left: int | None = None
        event.listen(engine.sync_engine, "before_cursor_execute", self._statement)
        event.listen(engine.sync_engine, "commit", self._step)

    def arm(self, statements: int | None) -> None:
        """Let so many statements (a commit is one) pass, then crash once; None: never."""
        self._left = statements

    def _statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # Torn off there, the driver's connection would be lost to the pool; and the statement
        # changes nothing that one before or after it doesn't.
        if not statement.startswith("RELEASE SAVEPOINT"):
            self._step()

    def _step(self, *_: Any) -> None:
        if self._left is None:
            return
        if self._left == 0:
            self._left = None
            raise Crashed
        self._left -= 1


@dataclass
class RealMoney:
    """Callers, experts and calls by number, as the reference knows them."""

    engine: AsyncEngine
    crasher: Crasher
    number_id: UUID
    callers: list[tuple[UUID, UUID]] = field(default_factory=list)
    experts: list[UUID] = field(default_factory=list)
    calls: list[UUID] = field(default_factory=list)
    talked: dict[int, list[Interval]] = field(default_factory=dict)
    """Of each call, the paid time of its closed segments."""
    voucher_tries: int = 0
    year: int = field(default_factory=lambda: next(_years))
    """What all callers spend in a day must be nobody else's: each path has a year of its own."""

    async def step(
        self, work: Callable[[AsyncSession], Awaitable[Came]], crash: int | None
    ) -> Came:
        """One transaction; with `crash`, one that dies on its way or whose answer is lost, first.

        Whoever asked can't tell which, and asks again with the same keys.
        """
        sessions = make_sessions(self.engine)
        if crash is not None:
            self.crasher.arm(crash)
            try:
                async with sessions.begin() as s:
                    await work(s)
            except Crashed:
                pass
            finally:
                self.crasher.arm(None)
        async with sessions.begin() as s:
            return await work(s)

    async def add_people(self, purses: Sequence[Purse], prices: Sequence[Price]) -> None:
        """Make the callers and the experts."""
        async with make_sessions(self.engine).begin() as s:
            for purse in purses:
                made = await accounts.add_caller(
                    s,
                    name="Cleo",
                    numbers=[],
                    currency="EUR",
                    pin="4711",
                    at=NOW,
                    call_limit=_limit(purse.call_limit),
                    day_limit=_limit(purse.day_limit),
                    month_limit=_limit(purse.month_limit),
                )
                self.callers.append((made.account_id, made.wallet_id))
            for price in prices:
                number = next(_numbers)
                kept = await tariffs.add_version(
                    s, name=f"price {number}", tariff=_tariff(price), valid_from=NOW, at=NOW
                )
                self.experts.append(
                    await catalogue.add_expert(
                        s,
                        name=f"Expert {number}",
                        extension=str(10_000 + number),
                        endpoints=[f"model-{number}"],
                        tariff_id=kept.tariff_id,
                        at=NOW,
                    )
                )

    async def bound(self, bounds: Sequence[Bounds]) -> None:
        """Set the operator's limits, and the number's."""
        async with make_sessions(self.engine).begin() as s:
            for number_id, one in zip((None, self.number_id), bounds, strict=True):
                await set_limits(
                    s,
                    number_id=number_id,
                    currency="EUR",
                    values={
                        "per_call": _limit(one.call),
                        "per_caller_day": _limit(one.caller_day),
                        "per_caller_month": _limit(one.caller_month),
                        "per_day": _limit(one.day),
                    },
                    expected=None,
                )

    async def receive(self) -> None:
        """One more call."""
        call_id = new_call_id()
        async with make_sessions(self.engine).begin() as s:
            await calls.receive(
                s,
                call_id=call_id,
                asterisk_id="asterisk",
                channel_id=f"{call_id}-caller",
                dialled=MENU,
                caller_number=None,
                trunk=None,
                language_default="en",
                at=NOW,
            )
        self.calls.append(call_id)

    async def quote(
        self,
        call: int,
        purse: int,
        expert: int,
        day: int,
        crash: int | None = None,
        *,
        act: bool = False,
    ) -> Answer:
        came = await self.step(
            lambda s: charging.quote(
                s,
                self.calls[call],
                account_id=self.callers[purse][0],
                expert_id=self.experts[expert],
                number_id=self.number_id,
                limits=LIMITS,
                at=self._on(day),
                mode="act" if act else "minute",
            ),
            crash,
        )
        return ("quoted", came.affordable_seconds, 0) if isinstance(came, Quote) else REFUSED

    def _on(self, day: int) -> datetime:
        return NOW.replace(year=self.year) + timedelta(days=day)

    async def initial(self, call: int, crash: int | None = None) -> Answer:
        came = await self.step(lambda s: charging.initial(s, self.calls[call], LIMITS, NOW), crash)
        return _answer(came)

    async def update(self, call: int, request: int, used: int, crash: int | None = None) -> Answer:
        came = await self.step(
            lambda s: charging.update(
                s,
                self.calls[call],
                request_number=request,
                used_seconds=used,
                limits=LIMITS,
                at=NOW,
            ),
            crash,
        )
        return _answer(came)

    async def let_go(self, call: int, crash: int | None = None) -> Answer:
        await self.step(
            lambda s: calls.release(s, self.calls[call], reason=EndReason.EXPERT_NO_ANSWER), crash
        )
        return ("let go", 0, 0)

    async def close_segment(self, call: int, seconds: int, crash: int | None = None) -> Answer:
        talked = self._and(call, seconds)
        await self.step(
            lambda s: settling.close_segment(s, self.calls[call], intervals=talked, at=NOW), crash
        )
        self.talked[call] = talked
        return ("closed", 0, 0)

    async def settle(self, call: int, seconds: int | None, crash: int | None = None) -> Answer:
        talked = self._and(call, seconds)
        came = await self.step(
            lambda s: calls.settle(
                s,
                self.calls[call],
                intervals=talked,
                reason=EndReason.CALLER_HUNG_UP,
                no_payer=None,
                at=NOW,
            ),
            crash,
        )
        return ("settled", came.billed_seconds, came.charge.amount if came.charge else 0)

    def _and(self, call: int, seconds: int | None) -> list[Interval]:
        """All paid time of a call, with so many seconds and a bit more of the present segment."""
        before = self.talked.get(call, [])
        if seconds is None:
            return before
        start = (before[-1].end_ms or 0) + 5_000 if before else to_ms(NOW)
        return [*before, Interval(start, start + seconds * 1_000 + 250)]

    async def top_up(self, purse: int, cents: int, key: str, crash: int | None = None) -> int:
        money = Money.of_minor(cents, "EUR")
        account_id = self.callers[purse][0]
        came = await self.step(
            lambda s: accounts.top_up(s, account_id, money, idempotency_key=key, at=NOW), crash
        )
        return came.amount.amount

    async def voucher(self, cents: int) -> str:
        async with make_sessions(self.engine).begin() as s:
            money = Money.of_minor(cents, "EUR")
            batch = await vouchers.add_batch(s, count=1, amount=money, key=KEY, at=NOW)
        return batch.codes[0]

    async def redeem(self, purse: int, code: str, crash: int | None = None) -> bool:
        """Whether this very request credited it; wrong tries are long forgotten each time."""
        self.voucher_tries += 1
        at = NOW + self.voucher_tries * vouchers.TRIES_FORGOTTEN
        account_id = self.callers[purse][0]
        came = await self.step(
            lambda s: vouchers.redeem(s, account_id, code, key=KEY, source=str(account_id), at=at),
            crash,
        )
        return isinstance(came, Redeemed)

    async def refund(
        self, call: int, cents: int | None, key: str, crash: int | None = None
    ) -> Answer:
        asked = Asked(amount=None if cents is None else Money.of_minor(cents, "EUR"))
        try:
            came = await self.step(
                lambda s: refunds.refund(
                    s,
                    self.calls[call],
                    asked,
                    reason=RefundReason.EXPERT_FAULT,
                    note="He could not be heard.",
                    by="model",
                    idempotency_key=key,
                    at=NOW,
                ),
                crash,
            )
        except (NothingCharged, RefundTooMuch):
            return REFUSED
        return ("refunded", came.left.amount, came.refund.amount.amount)

    async def adjust(self, purse: int, cents: int, key: str, crash: int | None = None) -> Answer:
        why = Why(AdjustmentReason.CORRECTION, "A mistake of ours.", "model")
        money = Money.of_minor(cents, "EUR")
        account_id = self.callers[purse][0]
        try:
            came = await self.step(
                lambda s: adjustments.adjust_caller(
                    s, account_id, money, why, idempotency_key=key, at=NOW
                ),
                crash,
            )
        except CreditTooLittle:
            return REFUSED
        return ("adjusted", came.left.amount, came.adjustment.amount.amount)

    async def pay_back(
        self, purse: int, cents: int | None, key: str, crash: int | None = None
    ) -> Answer:
        why = Why(AdjustmentReason.ASKED_FOR, "He moves abroad.", "model")
        money = None if cents is None else Money.of_minor(cents, "EUR")
        account_id = self.callers[purse][0]
        try:
            came = await self.step(
                lambda s: adjustments.pay_back(
                    s, account_id, money, why, idempotency_key=key, at=NOW
                ),
                crash,
            )
        except PaidInTooLittle:
            return REFUSED
        return ("paid back", came.left.amount, -came.adjustment.amount.amount)

    # What is written.

    async def wallets(self) -> list[tuple[int, int, int, int]]:
        """Of each caller: posted and pending as the wallet says, and as its transfers do."""
        async with make_sessions(self.engine)() as s:
            rows = {row[0]: tuple(row[1:]) for row in await s.execute(WALLETS)}
        return [rows[wallet_id] for _, wallet_id in self.callers]

    async def held(self) -> list[int]:
        """Of each call: what its holds still hold, by its transfers."""
        async with make_sessions(self.engine)() as s:
            rows = {row[0]: int(row[1]) for row in await s.execute(HELD)}
        return [rows.get(call_id, 0) for call_id in self.calls]

    async def findings(self) -> list[str]:
        """What `books check` says."""
        async with make_sessions(self.engine)() as s:
            return [finding.sentence for finding in await books.check(s)]


WALLETS: Final = text(
    """
    SELECT w.account_id, w.posted, w.pending,
        coalesce(sum(CASE WHEN t.kind NOT IN ('single', 'post') THEN 0
            WHEN t.credit_id = w.account_id THEN t.amount ELSE -t.amount END), 0)::bigint,
        coalesce(sum(CASE t.kind WHEN 'pending' THEN t.amount WHEN 'single' THEN 0
            ELSE -t.amount END), 0)::bigint
    FROM wallets w LEFT JOIN transfers t ON w.account_id IN (t.debit_id, t.credit_id)
    GROUP BY w.account_id
    """
)
HELD: Final = text(
    """
    SELECT call_id, sum(CASE kind WHEN 'pending' THEN amount ELSE -amount END)
    FROM transfers WHERE kind IN ('pending', 'post', 'void') GROUP BY call_id
    """
)


def _answer(came: Grant | Refused) -> Answer:
    if isinstance(came, Refused):
        return BUSY if came.refusal is Refusal.EXPERT_BUSY else REFUSED
    return ("granted", came.granted_seconds, came.held.amount)


def _limit(amount: int | None) -> Money | None:
    return None if amount is None else Money(amount, "EUR")


def _tariff(price: Price) -> Tariff:
    def cents(count: int) -> Money:
        return Money(count * CENT, "EUR")

    return Tariff(
        price_per_minute=cents(price.per_minute),
        connect_fee=cents(price.fee),
        minimum_charge=cents(price.least),
        maximum_charge=None if price.most is None else cents(price.most),
        first_increment_seconds=price.first,
        next_increment_seconds=price.following,
        free_seconds=price.free,
        maximum_seconds=price.longest,
        price_per_act=None if price.act is None else cents(price.act),
        act_minimum_seconds=price.act_due,
        act_maximum_seconds=price.act_lasts,
        tax_basis_points=2_000,
    )
