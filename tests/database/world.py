"""A small world that most tests begin with."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update

from billing.accounts import service as accounts
from billing.accounts.models import CallerAccount
from billing.calls import service as calls
from billing.calls.records import CallRecord
from billing.calls.values import EndReason, Interval, Reception
from billing.catalogue import service as catalogue
from billing.catalogue.values import Availability
from billing.charging import service as charging
from billing.charging.values import Grant, Quote, Refused, Settlement
from billing.endpoints.trunks import add_trunk
from billing.endpoints.values import Trunk
from billing.kit.clock import to_ms
from billing.kit.database import Sessions
from billing.kit.ids import new_call_id
from billing.kit.limits import Limits
from billing.money.text import parse
from billing.money.values import Money
from billing.shares.service import set_share
from billing.shares.values import ShareRule
from billing.tariffs import service as tariffs
from billing.tariffs.values import Tariff

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MENU = "+33199001234"
DIRECT = "+33199001235"
CALLER = "+33639980001"
PIN = "4711"


def eur(text: str) -> Money:
    return parse(text, "EUR")


def tariff_of(price: str = "1.20", **changes: Any) -> Tariff:
    values: dict[str, Any] = {
        "price_per_minute": eur(price),
        "connect_fee": eur("0"),
        "minimum_charge": eur("0"),
        "maximum_charge": None,
        "tax_basis_points": 2_000,
    }
    return Tariff(**values | changes)


@dataclass
class World:
    """Two experts, a menu number, a direct number, a trusted trunk and a caller."""

    sessions: Sessions
    account_id: UUID
    wallet_id: UUID
    expert_id: UUID
    other_expert_id: UUID
    phone_id: UUID
    number_id: UUID
    now: datetime = NOW
    limits: Limits = field(default_factory=Limits)

    async def top_up(self, amount: str, key: str = "first") -> None:
        async with self.sessions.begin() as s:
            await accounts.top_up(s, self.account_id, eur(amount), idempotency_key=key, at=self.now)

    async def set_limits(self, **limits: Money | None) -> None:
        values = {name: limit and limit.amount for name, limit in limits.items()}
        async with self.sessions.begin() as s:
            await s.execute(
                update(CallerAccount).where(CallerAccount.id == self.account_id).values(values)
            )

    async def availability(self, expert_id: UUID) -> Availability:
        async with self.sessions() as s:
            choice = await catalogue.expert_choice(s, expert_id)
            assert choice is not None
            return choice.availability

    async def record(self, call_id: UUID) -> CallRecord:
        async with self.sessions() as s:
            return await calls.get_call(s, call_id)

    async def available(self) -> Money:
        async with self.sessions() as s:
            (caller,) = await accounts.list_callers(s, self.account_id)
            return caller.available

    async def receive(self, *, trunk: str = "untrusted", number: str = CALLER) -> UUID:
        call_id = new_call_id()
        await self.receive_as(call_id, trunk=trunk, number=number)
        return call_id

    async def receive_as(
        self, call_id: UUID, *, trunk: str | None = "untrusted", number: str | None = CALLER
    ) -> Reception:
        async with self.sessions.begin() as s:
            return await calls.receive(
                s,
                call_id=call_id,
                asterisk_id="asterisk",
                channel_id=f"{call_id}-caller",
                dialled=MENU,
                caller_number=number,
                trunk=trunk,
                language_default="en",
                at=self.now,
            )

    async def quote(self, call_id: UUID, expert_id: UUID | None = None) -> Quote | Refused:
        async with self.sessions.begin() as s:
            return await charging.quote(
                s,
                call_id,
                account_id=self.account_id,
                expert_id=expert_id or self.expert_id,
                number_id=self.number_id,
                limits=self.limits,
                at=self.now,
            )

    async def initial(self, call_id: UUID) -> Grant | Refused:
        async with self.sessions.begin() as s:
            return await charging.initial(s, call_id, self.limits, self.now)

    async def update(self, call_id: UUID, request_number: int, used_seconds: int) -> Grant:
        async with self.sessions.begin() as s:
            return await charging.update(
                s,
                call_id,
                request_number=request_number,
                used_seconds=used_seconds,
                limits=self.limits,
                at=self.now,
            )

    async def granted_call(self, expert_id: UUID | None = None) -> UUID:
        """A call with its first grant held."""
        call_id = await self.receive()
        assert isinstance(await self.quote(call_id, expert_id), Quote)
        assert isinstance(await self.initial(call_id), Grant)
        return call_id

    async def settle(
        self,
        call_id: UUID,
        seconds: int | None,
        reason: EndReason = EndReason.CALLER_HUNG_UP,
    ) -> Settlement:
        start = to_ms(self.now)
        talked = () if seconds is None else (Interval(start, start + seconds * 1_000),)
        async with self.sessions.begin() as s:
            return await calls.settle(
                s,
                call_id,
                intervals=talked,
                reason=reason,
                no_payer=None,
                at=self.now + timedelta(seconds=seconds or 0),
                timeline=(),
            )

    async def paid_call(self, seconds: int) -> UUID:
        """A whole call of so many paid seconds."""
        call_id = await self.granted_call()
        await self.settle(call_id, seconds)
        return call_id


async def add_experts(
    world: World, count: int, *, currency: str = "EUR", valid_from_days: int = 0
) -> list[UUID]:
    """Experts with extensions 100, 101 … and a tariff of their own at 1.20."""
    one_twenty = parse("1.20", currency)
    zero = Money.zero(currency)
    async with world.sessions.begin() as s:
        tariff = await tariffs.add_version(
            s,
            name=f"{currency} from day {valid_from_days}",
            tariff=tariff_of(price_per_minute=one_twenty, connect_fee=zero, minimum_charge=zero),
            valid_from=NOW + timedelta(days=valid_from_days),
            at=NOW,
        )
        return [
            await catalogue.add_expert(
                s,
                name=f"Expert {number}",
                extension=str(100 + number),
                endpoints=[f"expert-{100 + number}"],
                tariff_id=tariff.tariff_id,
                at=NOW,
            )
            for number in range(count)
        ]


async def make_world(sessions: Sessions) -> World:
    """The world with nothing in the caller's wallet and everybody available."""
    async with sessions.begin() as s:
        tariff = await tariffs.add_version(
            s, name="standard", tariff=tariff_of(), valid_from=NOW - timedelta(days=1), at=NOW
        )
        ada, ben = [
            await catalogue.add_expert(
                s,
                name=name,
                extension=extension,
                endpoints=[f"expert-{extension}"],
                tariff_id=tariff.tariff_id,
                at=NOW,
            )
            for name, extension in (("Ada", "11"), ("Ben", "12"))
        ]
        number_id = await catalogue.add_number(s, number=MENU, kind="menu", at=NOW)
        await catalogue.add_number(s, number=DIRECT, kind="direct", expert_id=ada, at=NOW)
        await add_trunk(s, Trunk("carrier", trusted=True, addresses=("203.0.113.10",)))
        await add_trunk(s, Trunk("untrusted", addresses=("203.0.113.11",)))
        await set_share(s, ShareRule(), at=NOW, expert_id=ada)
        caller = await accounts.add_caller(
            s, name="Cleo", numbers=[CALLER], currency="EUR", pin=PIN, at=NOW
        )
        choice = await catalogue.expert_choice(s, ada)
        assert choice is not None
    return World(
        sessions,
        caller.account_id,
        caller.wallet_id,
        ada,
        ben,
        choice.phones[0].phone_id,
        number_id,
    )
