"""Numbers bought, given up and compared with ours; every step audited, none paid for twice."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.adapters.twilio import numbers
from api.adapters.twilio.account import TwilioAccount
from api.adapters.twilio.errors import TwilioRefused
from api.adapters.twilio.values import Owned
from billing.catalogue import purchases
from billing.catalogue.errors import NumberUnknown
from billing.catalogue.models import Number
from billing.catalogue.purchases import PurchaseState
from billing.kit import audit
from billing.kit.clock import now
from billing.kit.database import Sessions
from billing.kit.errors import PrimelineError
from billing.kit.phones import require_e164

PROVIDER: Final = "twilio"
LEFT: Final = "no longer at Twilio"


class NumberAtWork(PrimelineError):
    """A number that callers still reach can't be given up."""

    code = "number-at-work"

    def __init__(self, number: str) -> None:
        super().__init__(f"{number} is at work here; close it first, then give it up.")


class NumberNotAtTwilio(NumberUnknown):
    """Twilio's account doesn't have the number."""

    code = "number-not-at-twilio"

    def __init__(self, number: str) -> None:
        PrimelineError.__init__(self, f"The Twilio account has no number {number}.")


@dataclass(frozen=True, slots=True)
class Compared:
    """A number at Twilio, in our catalogue, or in both."""

    e164: str
    at_twilio: bool
    here: bool
    trunk_sid: str | None


async def owned(account: TwilioAccount, given: str) -> Owned:
    """Give a number of the account; raises NumberInvalid or NumberNotAtTwilio."""
    e164 = require_e164(given)
    found = await numbers.find(account, e164)
    if found is None:
        raise NumberNotAtTwilio(e164)
    return found


async def buy(sessions: Sessions, account: TwilioAccount, given: str, *, actor: str) -> Owned:
    """Buy a number once, however often it is asked and whatever broke in between.

    The intent is committed first; then, with the row locked, Twilio is asked whether the account
    has the number already, and only then to sell it. A purchase of before whose number has left
    the account is closed first. Raises PurchaseUnderWay, or what Twilio says.
    """
    e164 = require_e164(given)
    async with sessions.begin() as s:
        purchase = await purchases.intend(s, e164, provider=PROVIDER, asked_by=actor, at=now())
    async with sessions.begin() as s:
        row = await purchases.take(s, purchase)
        if row.state == PurchaseState.BOUGHT:
            there = await numbers.find(account, e164)
            if there is not None and there.sid == row.provider_id:
                return there
            # A release that broke off after Twilio's answer, or the number was given up there.
            await purchases.close(s, purchase, PurchaseState.RELEASED, at=now())
            await _audit(s, actor, "released", e164, sid=row.provider_id, reason=LEFT)
            purchase = await purchases.intend(s, e164, provider=PROVIDER, asked_by=actor, at=now())
    try:
        async with sessions.begin() as s:
            await purchases.take(s, purchase)
            number = await numbers.find(account, e164) or await numbers.buy(account, e164)
            await purchases.close(
                s, purchase, PurchaseState.BOUGHT, at=now(), provider_id=number.sid
            )
            await _audit(s, actor, "bought", e164, sid=number.sid)
    except TwilioRefused as refused:
        async with sessions.begin() as s:
            state = PurchaseState.REFUSED
            await purchases.close(s, purchase, state, at=now(), result=refused.sentence)
            await _audit(s, actor, "not-bought", e164, reason=refused.sentence)
        raise
    return number


async def release(sessions: Sessions, account: TwilioAccount, given: str, *, actor: str) -> Owned:
    """Give a number up; raises NumberAtWork while callers reach it here, NumberNotAtTwilio."""
    number = await owned(account, given)
    async with sessions.begin() as s:
        at_work = await s.scalar(
            select(Number.id).where(Number.e164 == number.e164, Number.open).with_for_update()
        )
        if at_work is not None:
            raise NumberAtWork(number.e164)
        await numbers.release(account, number.sid)
        await purchases.released(s, number.e164, number.sid, now())
        await _audit(s, actor, "released", number.e164, sid=number.sid)
    return number


async def note_attached(
    s: AsyncSession, number: Owned, *, actor: str, **detail: str | None
) -> None:
    """Note in the audit log where a number's calls go from now on."""
    await _audit(s, actor, "attached", number.e164, sid=number.sid, **detail)


async def compare(s: AsyncSession, account: TwilioAccount) -> list[Compared]:
    """List every number that Twilio has for us or that is in our catalogue; changes nothing."""
    there = {one.e164: one for one in await numbers.list_owned(account)}
    here = set(await s.scalars(select(Number.e164)))
    return [
        Compared(
            e164=e164,
            at_twilio=e164 in there,
            here=e164 in here,
            trunk_sid=there[e164].trunk_sid if e164 in there else None,
        )
        for e164 in sorted(here | there.keys())
    ]


async def _audit(s: AsyncSession, actor: str, action: str, e164: str, **detail: str | None) -> None:
    await audit.record(
        s,
        actor=actor,
        action=action,
        subject="twilio-number",
        subject_id=e164,
        detail=detail,
        at=now(),
    )
