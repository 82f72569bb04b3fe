"""Callers' accounts as the call flow needs them."""

from dataclasses import dataclass
from uuid import UUID

from billing.money.values import Money


@dataclass(frozen=True, slots=True)
class Identified:
    """The account a caller's number belongs to.

    `pin_needed` is false only if the account allows its number alone for what it may still spend
    that way today *and* the trunk is trusted. `locked`: too many wrong PINs from there lately.
    """

    account_id: UUID
    language: str | None
    pin_needed: bool
    locked: bool
    available: Money
