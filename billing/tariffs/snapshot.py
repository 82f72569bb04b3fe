"""A tariff frozen into a call's row, as JSON."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from billing.kit.snapshots import UnreadableSnapshot, check_fields, whole_number
from billing.money.values import MINOR_PER_MAJOR, Money
from billing.tariffs.values import Mode, Tariff

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
_ACT_FIELDS: Final = ("price_per_act", "act_minimum_seconds", "act_maximum_seconds", "mode")
"""A tariff frozen before acts were sold lacks them all."""
PRICES: Final = (
    "price_per_minute",
    "connect_fee",
    "minimum_charge",
    "maximum_charge",
    "price_per_act",
)
"""What one version of a tariff may have several of: windows have their own."""
_NO_ACTS: Final = {
    "price_per_act": None,
    "act_minimum_seconds": 10,
    "act_maximum_seconds": 1_800,
    "mode": "minute",
}


def to_json(tariff: Tariff) -> dict[str, Any]:
    """Freeze a tariff: amounts in ledger units beside one `currency`; no maximum charge is null."""
    highest, act = tariff.maximum_charge, tariff.price_per_act
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
        "price_per_act": None if act is None else act.amount,
        "act_minimum_seconds": tariff.act_minimum_seconds,
        "act_maximum_seconds": tariff.act_maximum_seconds,
        "mode": tariff.mode,
    }


def from_json(data: object) -> Tariff:
    """Thaw a tariff; UnreadableSnapshot for a missing, unknown or mistyped field."""
    if isinstance(data, Mapping) and not set(_ACT_FIELDS) & set(data):
        data = {**data, **_NO_ACTS}
    fields = check_fields(_WHAT, data, (*_FIELDS, *_ACT_FIELDS))
    currency = fields["currency"]
    if not isinstance(currency, str) or currency not in MINOR_PER_MAJOR:
        raise UnreadableSnapshot(_WHAT, "currency is none that we know")

    mode = fields["mode"]
    if mode not in get_args(Mode) or (mode == "act" and fields["price_per_act"] is None):
        raise UnreadableSnapshot(_WHAT, "it is paid neither by the minute nor by an act")

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
        price_per_act=None if fields["price_per_act"] is None else amount("price_per_act"),
        act_minimum_seconds=number("act_minimum_seconds"),
        act_maximum_seconds=number("act_maximum_seconds"),
        mode=mode,
    )
