"""Callers, their credit and their limits as JSON."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.schemas.base import (
    UNSET,
    Amount,
    AmountIn,
    Answer,
    Currency,
    Edit,
    Id,
    Language,
    Moment,
    MomentIn,
    Name,
    Request,
    amount_of,
    optional_amount,
)
from api.schemas.numbers import E164
from billing.accounts.listing import CallerListed
from billing.accounts.service import TopUp as TopUpValue
from billing.accounts.vouchers import Redeemed as RedeemedValue
from billing.ledger.values import ExplainedLine

_ID = "3d6a1c2e-7b4f-4c8d-8e9a-0f1b2c3d4e5f"
_TWENTY = {"amount": "20.00", "currency": "EUR"}
_NUMBERS = "What he calls from, E.164; each belongs to one caller."
_LANGUAGE = "What he is spoken to in, ISO 639-1; null: the called number's language."
_ZONE = "Whose days and months his limits count by, an IANA time zone."
_ALONE = "So much a day without a PIN, from a trusted trunk; null: a PIN always."
_CALL = "The most that one call may cost; null: no limit."
_DAY = "The most that the calls of a day may cost; null: no limit."
_TERMS = (
    "When he accepted the terms of paid calls on toll-free numbers (rule R19); null: never, so"
    " nothing is charged there where the rules ask for it, as in the United States."
)
_RECEIPTS = "Whether he gets an SMS about each charged call; null: as the setting says."
_MONTH = "The most that the calls of a month may cost; null: no limit."


class CallerNew(Request):
    """A caller to be made, with an empty wallet."""

    name: Name = Field(description="His name.", examples=["Cleo"])
    numbers: list[E164] = Field(description=_NUMBERS, max_length=20, examples=[["+33639980001"]])
    currency: Currency = Field(
        default="EUR", description="Of his wallet, for ever; ISO 4217.", examples=["EUR"]
    )
    language: Language | None = Field(default=None, description=_LANGUAGE, examples=["fr"])
    time_zone: Name = Field(default="Europe/Paris", description=_ZONE, examples=["Europe/Paris"])
    number_alone_limit: AmountIn | None = Field(
        default=None, description=_ALONE, examples=[_TWENTY]
    )
    call_limit: AmountIn | None = Field(default=None, description=_CALL, examples=[_TWENTY])
    day_limit: AmountIn | None = Field(default=None, description=_DAY, examples=[_TWENTY])
    month_limit: AmountIn | None = Field(default=None, description=_MONTH, examples=[_TWENTY])


class CallerEdit(Edit):
    """What can be changed about a caller; what is left out stays. Null takes a limit away."""

    name: Name = Field(default=UNSET, description="His name.", examples=["Cleo C."])
    language: Language | None = Field(default=UNSET, description=_LANGUAGE, examples=["fr"])
    time_zone: Name = Field(default=UNSET, description=_ZONE, examples=["Europe/London"])
    number_alone_limit: AmountIn | None = Field(
        default=UNSET, description=_ALONE, examples=[_TWENTY]
    )
    call_limit: AmountIn | None = Field(default=UNSET, description=_CALL, examples=[_TWENTY])
    day_limit: AmountIn | None = Field(default=UNSET, description=_DAY, examples=[_TWENTY])
    month_limit: AmountIn | None = Field(default=UNSET, description=_MONTH, examples=[_TWENTY])
    terms_accepted_at: MomentIn | None = Field(
        default=UNSET, description=_TERMS, examples=["2026-11-22T12:00:00Z"]
    )
    receipts: bool | None = Field(default=UNSET, description=_RECEIPTS, examples=[True])

    def given(self) -> dict[str, Any]:
        """Give what the sender really sent; limits as money."""
        return {
            name: value.money() if isinstance(value, AmountIn) else value
            for name, value in super().given().items()
        }


class Numbers(Request):
    """The numbers a caller calls from, all of them."""

    numbers: list[E164] = Field(
        description=_NUMBERS, max_length=20, examples=[["+33639980001", "+33639980009"]]
    )


class Caller(Answer):
    """Somebody who calls and pays from a wallet."""

    id: Id = Field(description="The caller's id.", examples=[_ID])
    name: str = Field(description="His name.", examples=["Cleo"])
    numbers: list[str] = Field(description=_NUMBERS, examples=[["+33639980001"]])
    phones: list[str] = Field(description="SIP phones of his own, by name.", examples=[["cleo"]])
    language: str | None = Field(description=_LANGUAGE, examples=["fr"])
    time_zone: str = Field(description=_ZONE, examples=["Europe/Paris"])
    balance: Amount = Field(description="What is posted to his wallet.", examples=[_TWENTY])
    held: Amount = Field(
        description="Set aside for calls that go on.",
        examples=[{"amount": "6.00", "currency": "EUR"}],
    )
    available: Amount = Field(
        description="What he may spend now.", examples=[{"amount": "14.00", "currency": "EUR"}]
    )
    number_alone_limit: Amount | None = Field(description=_ALONE, examples=[_TWENTY])
    call_limit: Amount | None = Field(description=_CALL, examples=[_TWENTY])
    day_limit: Amount | None = Field(description=_DAY, examples=[_TWENTY])
    month_limit: Amount | None = Field(description=_MONTH, examples=[_TWENTY])
    receipts: bool | None = Field(description=_RECEIPTS, examples=[True])
    locked_until: Moment | None = Field(
        description="After too many wrong PINs from some number, none is looked at from there "
        "until then; numbers that he is known by may be open meanwhile. null: none yet.",
        examples=["2026-11-22T12:15:00Z"],
    )
    terms_accepted_at: Moment | None = Field(description=_TERMS, examples=["2026-11-22T12:00:00Z"])
    version: int = Field(description="Raised by each edit; also the ETag.", examples=[1])


class Pin(Answer):
    """A PIN just made."""

    pin: str = Field(description="Shown this once, kept nowhere.", examples=["480215"])


class CallerMade(Answer):
    """A caller just made."""

    caller: Caller = Field(description="The caller.")
    pin: str = Field(description="His PIN. Shown this once, kept nowhere.", examples=["480215"])


class TopUpNew(Request):
    """Credit to be added."""

    amount: AmountIn = Field(
        description="More than nothing, in the wallet's currency.", examples=[_TWENTY]
    )


class TopUp(Answer):
    """Credit that was added."""

    id: Id = Field(description="The transfer's id.", examples=[_ID])
    amount: Amount = Field(description="What was added.", examples=[_TWENTY])
    available: Amount = Field(
        description="What the caller could spend right after it.", examples=[_TWENTY]
    )


class VoucherKeyed(Request):
    """A voucher's code to be redeemed."""

    code: Annotated[str, StringConstraints(pattern="^[0-9 -]{1,40}$")] = Field(
        description="16 digits; blanks and hyphens don't count.", examples=["1234 5678 9012 3452"]
    )


class Redeemed(Answer):
    """A voucher that was redeemed."""

    id: Id = Field(description="The voucher's id.", examples=[_ID])
    amount: Amount = Field(description="What it was worth.", examples=[_TWENTY])
    available: Amount = Field(
        description="What the caller could spend right after it.", examples=[_TWENTY]
    )


class Line(Answer):
    """One step of a wallet's balance."""

    position: int = Field(description="Rises with time.", examples=[42])
    at: Moment = Field(description="When.", examples=["2026-11-22T12:00:00Z"])
    kind: str = Field(
        description="`single`: at once; `pending`: a hold; `post`, `void`: what became of one.",
        examples=["single"],
    )
    reason: str = Field(description="What for.", examples=["top-up"])
    call_id: Id | None = Field(description="The call it belongs to, if any.", examples=[_ID])
    transferred: Amount = Field(description="What was moved or held.", examples=[_TWENTY])
    change: Amount = Field(
        description="What it did to the balance, signed; a hold does nothing.", examples=[_TWENTY]
    )
    balance: Amount = Field(description="The balance after it.", examples=[_TWENTY])
    made_by: str | None = Field(
        description="Who made it, as the audit log names him; null: a call or the caller did, or"
        " it is a top-up from before the audit log named its transfer.",
        examples=["till"],
    )


def shown(caller: CallerListed) -> Caller:
    """Show a caller."""
    return Caller(
        id=caller.account_id,
        name=caller.name,
        numbers=list(caller.numbers),
        phones=list(caller.endpoints),
        language=caller.language,
        time_zone=caller.time_zone,
        balance=amount_of(caller.posted),
        held=amount_of(caller.pending),
        available=amount_of(caller.available),
        number_alone_limit=optional_amount(caller.number_alone_limit),
        call_limit=optional_amount(caller.call_limit),
        day_limit=optional_amount(caller.day_limit),
        month_limit=optional_amount(caller.month_limit),
        receipts=caller.receipts,
        locked_until=caller.locked_until,
        terms_accepted_at=caller.terms_accepted_at,
        version=caller.version,
    )


def top_up_shown(done: TopUpValue) -> TopUp:
    """Show a top-up."""
    return TopUp(
        id=done.transfer_id, amount=amount_of(done.amount), available=amount_of(done.available)
    )


def redeemed_shown(done: RedeemedValue) -> Redeemed:
    """Show a voucher that was redeemed."""
    return Redeemed(
        id=done.voucher_id, amount=amount_of(done.amount), available=amount_of(done.available)
    )


def line_shown(one: ExplainedLine, made_by: str | None) -> Line:
    """Show one step of a balance."""
    return Line(
        position=one.line.position,
        at=one.line.at,
        kind=one.line.kind,
        reason=one.line.reason,
        call_id=one.line.call_id,
        transferred=amount_of(one.line.amount),
        change=amount_of(one.amount),
        balance=amount_of(one.balance),
        made_by=made_by,
    )
