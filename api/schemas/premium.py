"""Premium terms of numbers as JSON: what the carrier bills callers, and what it pays us."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import (
    Amount,
    AmountIn,
    Answer,
    Currency,
    Id,
    Moment,
    MomentIn,
    Name,
    Request,
    amount_of,
    optional_amount,
    optional_money,
)
from api.schemas.experts import Endpoint
from billing.catalogue.premium import KeptTerms
from billing.catalogue.values import PremiumTerms
from billing.money.text import parse
from billing.money.values import Money
from billing.rulesets.errors import RuleBroken
from billing.tariffs.rules import LONGEST_TALK_SECONDS

Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
AnnouncedBy = Literal["carrier", "us"]

_RETAIL_MINUTE = "What the caller pays a minute, tax included."
_RETAIL_CALL = "What the caller pays for each answered call, tax included."
_PAID_MINUTE = "What the carrier pays us a minute, without tax."
_PAID_CALL = "What the carrier pays us for each answered call, without tax."
_CARRIER = "The trunk's name; who bills the caller and pays us."
_ANNOUNCED = "Who tells the caller the price before anything is charged."
_COUNTRY = "Whose rules hold, ISO 3166."
_PUBLISHER = "Who answers for the service, by name."
_SERVICE = "What the service is called in public directories."
_CATEGORY = "What kind of service it is."
_ZONE = "Whose days and months the caps count by, an IANA time zone."
_LONGEST = "The longest call, in seconds."
_CALL_CAP = "The most a call costs; null: the country's rules alone."
_DAY_CAP = "The most a caller number spends in a day; null: no cap of ours."
_MONTH_CAP = "The most a caller number spends in a month; null: the country's rules alone."
_FROM = "Calls that come in from then on are on these terms, until later ones begin."

_EIGHTY = {"amount": "0.80", "currency": "EUR"}
_NOTHING = {"amount": "0.00", "currency": "EUR"}
_FIFTY = {"amount": "50.00", "currency": "EUR"}
_PAID = {"amount": "0.5432", "currency": "EUR"}
_ID: Final = "2e9d4b5a-7c1f-4a3b-9d8e-0f1a2b3c4d5e"


class FineAmountIn(Request):
    """Money that comes in with up to four decimals: what carriers pay."""

    amount: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,10}(\.[0-9]{1,4})?$")] = Field(
        description="In the currency's major unit, as a string with at most four decimals.",
        examples=["0.5432"],
    )
    currency: Currency = Field(description="ISO 4217.", examples=["EUR"])

    def money(self) -> Money:
        """Give the value."""
        return parse(self.amount, self.currency, ledger_units=True)


class TermsIn(Request):
    """What a premium-rate number costs its callers and brings us. All in one currency."""

    retail_per_minute: AmountIn | None = Field(
        default=None, description=_RETAIL_MINUTE + " Null: nothing.", examples=[_EIGHTY]
    )
    retail_per_call: AmountIn | None = Field(
        default=None, description=_RETAIL_CALL + " Null: nothing.", examples=[_NOTHING]
    )
    outpayment_per_minute: FineAmountIn | None = Field(
        default=None, description=_PAID_MINUTE + " Null: nothing.", examples=[_PAID]
    )
    outpayment_per_call: FineAmountIn | None = Field(
        default=None, description=_PAID_CALL + " Null: nothing.", examples=[_NOTHING]
    )
    currency: Currency = Field(default="EUR", description="Of all amounts.", examples=["EUR"])
    carrier: Endpoint = Field(description=_CARRIER, examples=["carrier"])
    announced_by: AnnouncedBy = Field(
        default="carrier", description=_ANNOUNCED, examples=["carrier"]
    )
    country: Country = Field(default="FR", description=_COUNTRY, examples=["FR"])
    publisher: Name = Field(description=_PUBLISHER, examples=["Example SARL"])
    service: Name = Field(description=_SERVICE, examples=["Advice by Ada"])
    category: Name = Field(default="advice", description=_CATEGORY, examples=["advice"])
    time_zone: Name = Field(default="Europe/Paris", description=_ZONE, examples=["Europe/Paris"])
    maximum_seconds: int = Field(
        default=3_600, ge=1, le=LONGEST_TALK_SECONDS, description=_LONGEST, examples=[1_800]
    )
    maximum_charge: AmountIn | None = Field(default=None, description=_CALL_CAP, examples=[_FIFTY])
    day_maximum: AmountIn | None = Field(default=None, description=_DAY_CAP, examples=[_FIFTY])
    month_maximum: AmountIn | None = Field(default=None, description=_MONTH_CAP, examples=[_FIFTY])

    def value(self) -> PremiumTerms:
        """Give the value; amounts left out are nothing."""
        zero = Money.zero(self.currency)

        def money(given: AmountIn | FineAmountIn | None) -> Money:
            return zero if given is None else given.money()

        return PremiumTerms(
            retail_per_minute=money(self.retail_per_minute),
            retail_per_call=money(self.retail_per_call),
            outpayment_per_minute=money(self.outpayment_per_minute),
            outpayment_per_call=money(self.outpayment_per_call),
            carrier=self.carrier,
            announced_by=self.announced_by,
            country=self.country,
            publisher=self.publisher,
            service=self.service,
            category=self.category,
            time_zone=self.time_zone,
            maximum_seconds=self.maximum_seconds,
            maximum_charge=optional_money(self.maximum_charge),
            day_maximum=optional_money(self.day_maximum),
            month_maximum=optional_money(self.month_maximum),
        )


TERMS_EXAMPLE: Final = {
    "retail_per_minute": _EIGHTY,
    "outpayment_per_minute": _PAID,
    "carrier": "carrier",
    "publisher": "Example SARL",
    "service": "Advice by Ada",
}


class VersionIn(Request):
    """Terms to be added; terms are never edited."""

    valid_from: MomentIn | None = Field(
        default=None,
        description=_FROM + " Null: from now on.",
        examples=["2027-01-01T00:00:00+01:00"],
    )
    terms: TermsIn = Field(
        description="What the number costs and brings.", examples=[TERMS_EXAMPLE]
    )


class TermsTried(VersionIn):
    """Terms to be tried, and calls to be priced by them."""

    seconds: list[Annotated[int, Field(ge=0, le=LONGEST_TALK_SECONDS)]] = Field(
        default=[60, 300, 600],
        description="Calls to be priced, in seconds from answer to release.",
        min_length=1,
        max_length=50,
        examples=[[60, 61, 600]],
    )


class Terms(Answer):
    """What a premium-rate number costs its callers and brings us."""

    retail_per_minute: Amount = Field(description=_RETAIL_MINUTE, examples=[_EIGHTY])
    retail_per_call: Amount = Field(description=_RETAIL_CALL, examples=[_NOTHING])
    outpayment_per_minute: Amount = Field(description=_PAID_MINUTE, examples=[_PAID])
    outpayment_per_call: Amount = Field(description=_PAID_CALL, examples=[_NOTHING])
    carrier: str = Field(description=_CARRIER, examples=["carrier"])
    announced_by: AnnouncedBy = Field(description=_ANNOUNCED, examples=["carrier"])
    country: str = Field(description=_COUNTRY, examples=["FR"])
    publisher: str = Field(description=_PUBLISHER, examples=["Example SARL"])
    service: str = Field(description=_SERVICE, examples=["Advice by Ada"])
    category: str = Field(description=_CATEGORY, examples=["advice"])
    time_zone: str = Field(description=_ZONE, examples=["Europe/Paris"])
    maximum_seconds: int = Field(description=_LONGEST, examples=[1_800])
    maximum_charge: Amount | None = Field(description=_CALL_CAP, examples=[_FIFTY])
    day_maximum: Amount | None = Field(description=_DAY_CAP, examples=[_FIFTY])
    month_maximum: Amount | None = Field(description=_MONTH_CAP, examples=[_FIFTY])


class TermsVersion(Answer):
    """A version of a number's premium terms."""

    id: Id = Field(description="The version's id.", examples=[_ID])
    number: str = Field(description="The number, E.164.", examples=["+33899001234"])
    valid_from: Moment = Field(description=_FROM, examples=["2026-12-31T23:00:00Z"])
    terms: Terms = Field(description="What the number costs and brings.")


class Broken(Answer):
    """A rule that terms would break."""

    rule: str = Field(description="Which one, as the reference names it.", examples=["R4"])
    sentence: str = Field(
        description="What is against it.", examples=["Rule R4: 1.00 EUR a minute is too much."]
    )


class MeteredCall(Answer):
    """What a call would come to."""

    metered_seconds: int = Field(description="Seconds on the carrier's meter.", examples=[62])
    retail: Amount = Field(
        description="What the caller pays, tax included.",
        examples=[{"amount": "0.82", "currency": "EUR"}],
    )
    outpayment: Amount = Field(
        description="What the carrier pays us, without tax.", examples=[_PAID]
    )


class TermsPreview(Answer):
    """What terms mean before they are saved."""

    ok: bool = Field(description="Whether they could be saved.", examples=[True])
    broken: list[Broken] = Field(description="The rules that they would break.")
    calls: list[MeteredCall] = Field(
        description="What the calls asked for come to; longer ones than the longest are left out."
    )
    announcements: dict[str, str] = Field(
        description="What callers hear where we announce the price, by language: all that the"
        " rules of the country ask for.",
        examples=[{"en": "This call costs eighty cents a minute."}],
    )


def terms_shown(terms: PremiumTerms) -> Terms:
    """Show terms."""
    return Terms(
        retail_per_minute=amount_of(terms.retail_per_minute),
        retail_per_call=amount_of(terms.retail_per_call),
        outpayment_per_minute=amount_of(terms.outpayment_per_minute),
        outpayment_per_call=amount_of(terms.outpayment_per_call),
        carrier=terms.carrier,
        announced_by=terms.announced_by,
        country=terms.country,
        publisher=terms.publisher,
        service=terms.service,
        category=terms.category,
        time_zone=terms.time_zone,
        maximum_seconds=terms.maximum_seconds,
        maximum_charge=optional_amount(terms.maximum_charge),
        day_maximum=optional_amount(terms.day_maximum),
        month_maximum=optional_amount(terms.month_maximum),
    )


def version_shown(kept: KeptTerms) -> TermsVersion:
    """Show a version of terms."""
    return TermsVersion(
        id=kept.terms_id,
        number=kept.number,
        valid_from=kept.valid_from,
        terms=terms_shown(kept.terms),
    )


def broken_shown(broken: RuleBroken) -> Broken:
    """Show a rule that terms would break."""
    return Broken(rule=broken.rule, sentence=broken.sentence)
