"""Premium terms frozen into a call's row, as JSON."""

from typing import Any, Final

from billing.catalogue.values import PremiumTerms
from billing.kit.snapshots import UnreadableSnapshot, check_fields, whole_number
from billing.money.values import MINOR_PER_MAJOR, Money

_WHAT: Final = "premium terms"
_PRICES: Final = (
    "retail_per_minute",
    "retail_per_call",
    "outpayment_per_minute",
    "outpayment_per_call",
)
_CAPS: Final = ("maximum_charge", "day_maximum", "month_maximum")
_WORDS: Final = ("carrier", "country", "publisher", "service", "category", "time_zone")
_FIELDS: Final = ("currency", *_PRICES, *_CAPS, *_WORDS, "announced_by", "maximum_seconds")


def to_json(terms: PremiumTerms) -> dict[str, Any]:
    """Freeze terms: amounts in ledger units beside one `currency`; no cap is null."""
    return {
        "currency": terms.currency,
        "announced_by": terms.announced_by,
        "maximum_seconds": terms.maximum_seconds,
        **{name: getattr(terms, name).amount for name in _PRICES},
        **{
            name: None if getattr(terms, name) is None else getattr(terms, name).amount
            for name in _CAPS
        },
        **{name: getattr(terms, name) for name in _WORDS},
    }


def from_json(data: object) -> PremiumTerms:
    """Thaw terms; UnreadableSnapshot for a missing, unknown or mistyped field."""
    fields = check_fields(_WHAT, data, _FIELDS)
    currency, announced_by = fields["currency"], fields["announced_by"]
    if not isinstance(currency, str) or currency not in MINOR_PER_MAJOR:
        raise UnreadableSnapshot(_WHAT, "currency is none that we know")
    if announced_by not in {"carrier", "us"}:
        raise UnreadableSnapshot(_WHAT, "announced_by is neither carrier nor us")

    def amount(name: str) -> Money:
        return Money(whole_number(_WHAT, fields, name), currency)

    def word(name: str) -> str:
        value = fields[name]
        if not isinstance(value, str):
            raise UnreadableSnapshot(_WHAT, f"{name} is no text")
        return value

    def cap(name: str) -> Money | None:
        return None if fields[name] is None else amount(name)

    return PremiumTerms(
        retail_per_minute=amount("retail_per_minute"),
        retail_per_call=amount("retail_per_call"),
        outpayment_per_minute=amount("outpayment_per_minute"),
        outpayment_per_call=amount("outpayment_per_call"),
        carrier=word("carrier"),
        announced_by=announced_by,
        country=word("country"),
        publisher=word("publisher"),
        service=word("service"),
        category=word("category"),
        time_zone=word("time_zone"),
        maximum_seconds=whole_number(_WHAT, fields, "maximum_seconds"),
        maximum_charge=cap("maximum_charge"),
        day_maximum=cap("day_maximum"),
        month_maximum=cap("month_maximum"),
    )
