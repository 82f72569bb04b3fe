"""What a caller is told by SMS after a charged call, if he wants that."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import phonenumbers
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import CallerAccount, CallerNumber
from billing.calls.models import CallRow
from billing.catalogue.models import Number
from billing.charging.segments import closed_of
from billing.ledger.models import RefundRow, SettlementRow
from billing.money.text import format_money
from billing.money.values import Money
from billing.notifications import service as notifications
from billing.notifications.models import Notification

TEXTS: Final = {
    "en": "Primeline: your call to {number} cost {charge} for {seconds} s."
    " Credit left: {available}.",
    "fr": "Primeline : votre appel au {number} : {charge} pour {seconds} s."
    " Crédit restant : {available}.",
}
WITHOUT_SMS: Final = frozenset(
    {
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.UAN,
        phonenumbers.PhoneNumberType.VOICEMAIL,
    }
)
"""A range that is too new to be known may well be of mobile phones."""


def receipt_text(
    language: str,
    *,
    number: str,
    charge: Money,
    seconds: int,
    available: Money,
    parts: Sequence[Money] = (),
) -> str:
    """Write the receipt; without the odd spaces that would make one SMS two.

    `parts` are what the paid talks of one call cost, each at a price of its own, if several were.
    """
    paid = format_money(charge, language)
    if len(parts) > 1:
        paid += f" ({' + '.join(format_money(part, language) for part in parts)})"
    text = TEXTS.get(language, TEXTS["en"]).format(
        number=number,
        charge=paid,
        seconds=seconds,
        available=format_money(available, language),
    )
    return text.replace("\u00a0", " ").replace("\u202f", " ")


async def queue_receipt(
    s: AsyncSession, call_id: UUID, *, wanted_by_default: bool, at: datetime
) -> bool:
    """Queue the SMS about a charged call, once; gives whether one was queued.

    It tells what is left of the charge after what went back by now. Not for a caller who wants
    none, where all went back, and where no phone of his takes SMS.
    """
    found = (
        await s.execute(
            select(CallRow, SettlementRow, CallerAccount, Number.e164)
            .join(SettlementRow, SettlementRow.call_id == CallRow.id)
            .join(CallerAccount, CallerAccount.id == CallRow.account_id)
            .join(Number, Number.id == CallRow.number_id)
            .where(CallRow.id == call_id)
        )
    ).first()
    if found is None:
        return False
    call, settled, account, number = found
    wanted = wanted_by_default if account.receipts is None else account.receipts
    if not wanted or not settled.charge or settled.wallet_available is None:
        return False
    phone = await _phone(s, account.id, call.caller_number)
    if phone is None:
        return False
    back, seconds_back = await _given_back(s, call_id)
    if back >= settled.charge:
        return False
    charge = Money(settled.charge, account.currency)
    text = receipt_text(
        account.language or call.language,
        number=number,
        charge=Money(settled.charge - back, account.currency),
        seconds=settled.billed_seconds - seconds_back,
        available=Money(settled.wallet_available + back, account.currency),
        # They would not add up to what is left.
        parts=() if back else await _parts(s, call_id, charge),
    )
    return await notifications.queue(s, key=_key(call_id), to_e164=phone, text=text, at=at)


async def _given_back(s: AsyncSession, call_id: UUID) -> tuple[int, int]:
    """Give what of a call went back already, as silence does at its end: ledger units, seconds."""
    sums = select(func.sum(RefundRow.amount), func.sum(RefundRow.seconds))
    found = await s.execute(sums.where(RefundRow.call_id == call_id))
    units, some_seconds = found.one()
    return int(units or 0), int(some_seconds or 0)


async def _parts(s: AsyncSession, call_id: UUID, charge: Money) -> list[Money]:
    """Give what each paid talk of a call cost, without those that cost nothing."""
    closed = [one.split.charge for one in await closed_of(s, call_id)]
    last = charge - sum(closed, Money.zero(charge.currency))
    return [part for part in (*closed, last) if part]


async def receipts_of(s: AsyncSession, call_id: UUID) -> Sequence[Notification]:
    """Give what the caller was told of a call by SMS: nothing, or one message."""
    return (await notifications.page_notifications(s, limit=1, key=_key(call_id))).items


def _key(call_id: UUID) -> str:
    return f"receipt:{call_id}"


async def _phone(s: AsyncSession, account_id: UUID, called_from: str | None) -> str | None:
    """Give the phone he called from if it is his own and takes SMS, else the first that does."""
    own = list(
        await s.scalars(
            select(CallerNumber.e164)
            .where(CallerNumber.account_id == account_id)
            .order_by(CallerNumber.e164 != called_from, CallerNumber.e164)
        )
    )
    return next((number for number in own if _takes_sms(number)), None)


def _takes_sms(e164: str) -> bool:
    return phonenumbers.number_type(phonenumbers.parse(e164)) not in WITHOUT_SMS
