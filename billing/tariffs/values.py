"""What a call costs, as a frozen value."""

from dataclasses import dataclass, replace
from typing import Literal

from billing.money.values import Money

Mode = Literal["minute", "act"]
"""What a segment is paid by."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """One version of a tariff; all amounts share one currency and include tax.

    `first_increment_seconds` and `next_increment_seconds` are the blocks billed (60/60, 30/6, 1/1).
    `minimum_charge` and `maximum_charge` bound a call that is charged at all; `maximum_charge`
    None means no bound. `tax_basis_points`: 2 000 is 20 %.

    `price_per_act` None: no acts are sold. An act is a service at one price, due once it has lasted
    `act_minimum_seconds`; it ends after `act_maximum_seconds`. `mode` says which of the two prices
    is meant: a version has both, a frozen tariff the one that was announced.
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
    price_per_act: Money | None = None
    act_minimum_seconds: int = 10
    act_maximum_seconds: int = 1_800
    mode: Mode = "minute"

    @property
    def currency(self) -> str:
        """The currency of every amount in the tariff."""
        return self.price_per_minute.currency

    @property
    def longest_seconds(self) -> int:
        """The longest segment, if nothing was used up before it."""
        if self.mode == "act":
            return min(self.act_maximum_seconds, self.maximum_seconds)
        return self.maximum_seconds

    @property
    def after_paid_talk(self) -> "Tariff":
        """The price as it is announced to who has paid for talk in the same call before.

        Free seconds count once a call, so none are promised again; a fee that is announced and not
        charged again harms nobody.
        """
        return replace(self, free_seconds=0)

    def by(self, mode: Mode) -> "Tariff":
        """Give the tariff as the price by the minute or of an act. ValueError: it sells no acts."""
        if mode == "act" and self.price_per_act is None:
            raise ValueError("The tariff has no price of an act.")
        return replace(self, mode=mode)
