"""What a call costs, as a frozen value."""

from dataclasses import dataclass

from billing.money.values import Money


@dataclass(frozen=True, slots=True)
class Tariff:
    """One version of a tariff; all amounts share one currency and include tax.

    `first_increment_seconds` and `next_increment_seconds` are the blocks billed (60/60, 30/6, 1/1).
    `minimum_charge` and `maximum_charge` bound a call that is charged at all; `maximum_charge`
    None means no bound. `tax_basis_points`: 2 000 is 20 %.
    """

    price_per_minute: Money
    connect_fee: Money
    minimum_charge: Money
    maximum_charge: Money | None
    first_increment_seconds: int = 1
    next_increment_seconds: int = 1
    free_seconds: int = 0
    maximum_seconds: int = 3_600
    tax_basis_points: int = 0

    @property
    def currency(self) -> str:
        """The currency of every amount in the tariff."""
        return self.price_per_minute.currency
