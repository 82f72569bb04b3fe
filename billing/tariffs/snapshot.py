"""A tariff frozen into a call's row, as JSON."""

from typing import Any, Final

from billing.kit.snapshots import UnreadableSnapshot, check_fields, whole_number
from billing.money.values import MINOR_PER_MAJOR, Money
from billing.tariffs.values import Tariff

_WHAT: Final = "tariff"
_FIELDS: Final = (
    "currency",
    "price_per_minute",
    "connect_fee",
    "minimum_charge",
    "maximum_charge",
    "first_increment_seconds",
    "next_increment_seconds",
    "free_seconds",
    "maximum_seconds",
    "tax_basis_points",
)


def to_json(tariff: Tariff) -> dict[str, Any]:
    """Freeze a tariff: amounts in ledger units beside one `currency`; no maximum charge is null."""
    highest = tariff.maximum_charge
    return {
        "currency": tariff.currency,
        "price_per_minute": tariff.price_per_minute.amount,
        "connect_fee": tariff.connect_fee.amount,
        "minimum_charge": tariff.minimum_charge.amount,
        "maximum_charge": None if highest is None else highest.amount,
        "first_increment_seconds": tariff.first_increment_seconds,
        "next_increment_seconds": tariff.next_increment_seconds,
        "free_seconds": tariff.free_seconds,
        "maximum_seconds": tariff.maximum_seconds,
        "tax_basis_points": tariff.tax_basis_points,
    }


def from_json(data: object) -> Tariff:
    """Thaw a tariff; UnreadableSnapshot for a missing, unknown or mistyped field."""
    fields = check_fields(_WHAT, data, _FIELDS)
    currency = fields["currency"]
    if not isinstance(currency, str) or currency not in MINOR_PER_MAJOR:
        raise UnreadableSnapshot(_WHAT, "currency is none that we know")

    def amount(name: str) -> Money:
        return Money(whole_number(_WHAT, fields, name), currency)

    def number(name: str) -> int:
        return whole_number(_WHAT, fields, name)

    return Tariff(
        price_per_minute=amount("price_per_minute"),
        connect_fee=amount("connect_fee"),
        minimum_charge=amount("minimum_charge"),
        maximum_charge=None if fields["maximum_charge"] is None else amount("maximum_charge"),
        first_increment_seconds=number("first_increment_seconds"),
        next_increment_seconds=number("next_increment_seconds"),
        free_seconds=number("free_seconds"),
        maximum_seconds=number("maximum_seconds"),
        tax_basis_points=number("tax_basis_points"),
    )
