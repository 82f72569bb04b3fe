"""Prices stated without tax, converted once, on entry: all that is kept and spoken includes it."""

from dataclasses import replace

from billing.money.values import LEDGER_UNITS_PER_MINOR, Money
from billing.tariffs.rules import HIGHEST_TAX_BASIS_POINTS
from billing.tariffs.values import Tariff
from billing.tariffs.windows import Prices, Timetable

_WHOLE = 10_000  # basis points


def gross(net: Money, tax_basis_points: int) -> Money:
    """Add tax to a net amount and round, half up, to whole cents.

    At 20 %: 1.00 → 1.20. At 19 %: 0.99 → 1.18 (1.1781). At 5.5 %: 1.00 → 1.06 (1.055).
    ValueError for a tax or an amount that no tariff has.
    """
    if net.amount < 0 or not 0 <= tax_basis_points <= HIGHEST_TAX_BASIS_POINTS:
        raise ValueError(f"{net} can't be taxed with {tax_basis_points} basis points.")
    scale = _WHOLE * LEDGER_UNITS_PER_MINOR
    minor = (2 * net.amount * (_WHOLE + tax_basis_points) + scale) // (2 * scale)
    return Money(minor * LEDGER_UNITS_PER_MINOR, net.currency)


def with_tax(tariff: Tariff) -> Tariff:
    """Give a tariff whose amounts were stated without the tax that it names."""
    tax, highest, act = tariff.tax_basis_points, tariff.maximum_charge, tariff.price_per_act
    return replace(
        tariff,
        price_per_minute=gross(tariff.price_per_minute, tax),
        connect_fee=gross(tariff.connect_fee, tax),
        minimum_charge=gross(tariff.minimum_charge, tax),
        maximum_charge=None if highest is None else gross(highest, tax),
        price_per_act=None if act is None else gross(act, tax),
    )


def windows_with_tax(timetable: Timetable, tax_basis_points: int) -> Timetable:
    """Give a timetable whose windows' prices were stated without tax."""
    return replace(
        timetable,
        windows=tuple(
            replace(window, prices=_prices_with_tax(window.prices, tax_basis_points))
            for window in timetable.windows
        ),
    )


def _prices_with_tax(prices: Prices, tax: int) -> Prices:
    highest, act = prices.maximum_charge, prices.price_per_act
    return Prices(
        price_per_minute=gross(prices.price_per_minute, tax),
        connect_fee=gross(prices.connect_fee, tax),
        minimum_charge=gross(prices.minimum_charge, tax),
        maximum_charge=None if highest is None else gross(highest, tax),
        price_per_act=None if act is None else gross(act, tax),
    )
