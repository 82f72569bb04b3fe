"""What a dialogue asks of the services, for the one person who calls."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import limits as spending_limits
from billing.accounts import service as accounts
from billing.accounts import vouchers
from billing.calls import lines
from billing.calls.lines import LineCall
from billing.catalogue import opening, pins, presence, pricing
from billing.catalogue.errors import ExpertUnknown
from billing.catalogue.models import Expert
from billing.catalogue.service import expert_by_extension
from billing.kit import audit
from billing.kit.clock import now
from billing.kit.errors import PrimelineError
from billing.kit.limits import Limits
from billing.money.plain import plain
from billing.pins.values import PinCheck
from dialplan.menus import values as v

LAST_CALLS: Final = 3


@dataclass(frozen=True, slots=True)
class Answered:
    """A service's answer. `note`: what the call's timeline says of it, None: nothing."""

    event: v.Answer
    note: str | None = None


class LineServices:
    """Answers the requests of one call. `language` is the expert's own once he is known."""

    def __init__(self, call: LineCall, limits: Limits, secret_key: str) -> None:
        self._call = call
        self._limits = limits
        self._secret_key = secret_key
        self._expert: Expert | None = None
        self._proven = False
        self.language = call.language

    async def answer(self, s: AsyncSession, request: v.Request) -> v.Answer:
        """Carry a request out in the session's transaction, and note it in the call's timeline."""
        at = now()
        answered = await self._answer(s, request, at)
        if answered.note is not None:
            await lines.note(s, self._call.call_id, answered.note, at)
        return answered.event

    async def _answer(self, s: AsyncSession, request: v.Request, at: datetime) -> Answered:
        if isinstance(request, v.CheckPin):
            return await self._check_pin(s, request, at)
        # A dialogue asks for nothing else before the PIN was right; this holds if it ever did.
        assert self._proven
        match request:
            case v.Read():
                return Answered(await self._read(s, request, at))
            case v.RedeemVoucher(code):
                return await self._redeem(s, code, at)
            case v.SetDayLimit():
                return await self._set_day_limit(s, request, at)
            case v.SetOnLine():
                return await self._set_on_line(s, request, at)
            case v.SetPrice():
                return await self._set_price(s, request, at)
        assert_never(request)

    async def _check_pin(self, s: AsyncSession, request: v.CheckPin, at: datetime) -> Answered:
        check = PinCheck.WRONG
        if request.extension is not None:
            check = await self._check_expert(s, request.extension, request.pin, at)
        elif self._call.account_id is not None:
            check = await accounts.check_pin(
                s, self._call.account_id, request.pin, source=self._call.source, at=at
            )
        self._proven = check is PinCheck.RIGHT
        return Answered(v.PinTried(check), f"PIN {check}")

    async def _check_expert(
        self, s: AsyncSession, extension: str, pin: str, at: datetime
    ) -> PinCheck:
        try:
            expert_id = await expert_by_extension(s, extension)
        except ExpertUnknown:
            return PinCheck.WRONG
        check = await pins.check_pin(s, expert_id, pin, source=self._call.source, at=at)
        if check is PinCheck.RIGHT:
            self._expert = await s.get(Expert, expert_id)
            assert self._expert is not None  # his PIN was right
            self.language = self._expert.language
        return check

    @property
    def _account_id(self) -> UUID:
        assert self._call.account_id is not None  # a PIN was right
        return self._call.account_id

    @property
    def _expert_id(self) -> UUID:
        assert self._expert is not None  # a PIN was right
        return self._expert.id

    async def _read(self, s: AsyncSession, request: v.Read, at: datetime) -> v.Answer:
        readers: dict[v.Readable, Callable[[AsyncSession, datetime], Awaitable[v.Answer]]] = {
            "balance": self._balance,
            "calls": self._calls,
            "limits": self._limits_of,
            "on-line": self._on_line,
            "earnings": self._earnings,
            "price": self._price,
        }
        return await readers[request.what](s, at)

    async def _balance(self, s: AsyncSession, _at: datetime) -> v.Answer:
        (caller,) = await accounts.list_callers(s, self._account_id)
        return v.Balance(caller.available)

    async def _limits_of(self, s: AsyncSession, _at: datetime) -> v.Answer:
        own = await spending_limits.limits_of(s, self._account_id)
        return v.SpendingLimits(own.per_call, own.per_day, own.per_month)

    async def _earnings(self, s: AsyncSession, at: datetime) -> v.Answer:
        assert self._expert is not None  # a PIN was right
        earned = await lines.earnings(s, self._expert_id, self._expert.time_zone, at)
        return v.Earnings(earned.today, earned.month, earned.expected)

    async def _price(self, s: AsyncSession, at: datetime) -> v.Answer:
        settable = await pricing.settable_price(s, self._expert_id, at)
        if settable is None:
            return v.Price(None)
        return v.Price(settable.price, settable.bounds.least, settable.bounds.most)

    async def _calls(self, s: AsyncSession, at: datetime) -> v.Calls:
        zone = ZoneInfo(await accounts.time_zone_of(s, self._account_id))
        today = at.astimezone(zone).date()
        heard = []
        for call in await lines.last_calls(s, self._account_id, LAST_CALLS):
            local = call.at.astimezone(zone)
            ago = (today - local.date()).days
            heard.append(v.PastCall(local.date(), ago, local.time(), call.seconds, call.cost))
        return v.Calls(tuple(heard))

    async def _redeem(self, s: AsyncSession, code: str, at: datetime) -> Answered:
        done = await vouchers.redeem(
            s,
            self._account_id,
            code,
            key=self._secret_key,
            source=self._call.caller_number or "withheld",
            at=at,
        )
        if isinstance(done, vouchers.Redeemed):
            return Answered(v.Redeemed(done.amount, done.available), "voucher redeemed")
        return Answered(v.Refused(str(done)), "voucher refused")

    async def _set_day_limit(
        self, s: AsyncSession, request: v.SetDayLimit, at: datetime
    ) -> Answered:
        try:
            await spending_limits.lower_day_limit(s, self._account_id, request.limit)
        except spending_limits.LimitNotLower:
            return Answered(v.Refused("limit-not-lower"))
        await self._audit(s, "day-limit-set", "caller", self._account_id, at)
        return Answered(v.Done(), "limit for a day set")

    async def _on_line(self, s: AsyncSession, at: datetime) -> v.OnLine:
        expert = await s.get(Expert, self._expert_id)
        assert expert is not None  # none is ever deleted
        if not await presence.takes_calls(s, expert, at):
            return v.OnLine(on_line=False)
        until = expert.available_until
        zone = ZoneInfo(expert.time_zone)
        hour = None if until is None else until.astimezone(zone).time()
        return v.OnLine(on_line=True, until=hour)

    async def _set_on_line(self, s: AsyncSession, request: v.SetOnLine, at: datetime) -> Answered:
        assert self._expert is not None  # a PIN was right
        until = None
        if request.until is not None:
            until = opening.next_at(request.until, at, self._expert.time_zone)
        said: presence.Presence = "available" if request.on_line else "away"
        before = self._expert.presence
        version = await presence.set_presence(s, self._expert_id, said, until=until)
        changed = {"presence": {"from": before, "to": said}, "until": {"to": until}}
        await self._audit(
            s, "presence-set", "expert", self._expert_id, at, version=version, changed=changed
        )
        note = "on line" if request.on_line else "off line"
        return Answered(
            v.OnLine(request.on_line, request.until), note if until is None else f"{note} until"
        )

    async def _set_price(self, s: AsyncSession, request: v.SetPrice, at: datetime) -> Answered:
        valid_from = at + timedelta(milliseconds=self._limits.price_change_ms)
        try:
            async with s.begin_nested():
                await pricing.change_price(
                    s, self._expert_id, request.price, valid_from=valid_from, at=at
                )
        except PrimelineError:
            return Answered(v.Refused("price-not-allowed"), "price refused")
        await self._audit(s, "price-set", "expert", self._expert_id, at)
        return Answered(v.Done(), "price set")

    async def _audit(
        self,
        s: AsyncSession,
        action: str,
        subject: str,
        subject_id: UUID,
        at: datetime,
        **detail: Any,
    ) -> None:
        await audit.record(
            s,
            actor=self._call.line,
            action=action,
            subject=subject,
            subject_id=subject_id,
            detail={"call": str(self._call.call_id)} | plain(detail),
            at=at,
        )
