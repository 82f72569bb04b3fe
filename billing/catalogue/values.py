"""Numbers, experts and their phones as the call flow needs them."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID, uuid5

from billing.money.values import Money
from billing.tariffs.values import Tariff

NumberKind = Literal["menu", "direct", "account-line", "expert-line"]
"""What a number is for; the two lines are self-service by keypad and sell nothing."""

LINES: Final = frozenset({"account-line", "expert-line"})


class Availability(StrEnum):
    """Whether an expert can be rung now."""

    AVAILABLE = "available"
    BUSY = "busy"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone of an expert.

    `endpoint` is what Asterisk dials, made of our own tables alone: the name of a SIP phone, or
    `number@trunk` with the number as the trunk wants it.
    """

    phone_id: UUID
    endpoint: str


@dataclass(frozen=True, slots=True)
class ExpertChoice:
    """An expert as a caller meets him; `phones` in the order they ring."""

    expert_id: UUID
    name: str
    extension: str
    language: str
    availability: Availability
    phones: tuple[Phone, ...]


_CARRIERS = UUID("3c8f5c6e-2f0c-5d0b-9a36-7f6d8a1b4e57")
"""The namespace of carriers' ids. Changing it would split what each carrier owes in two."""


def carrier_id(name: str) -> UUID:
    """Name the owner of a carrier's ledger accounts: the same for the same name, always."""
    return uuid5(_CARRIERS, name)


@dataclass(frozen=True, slots=True)
class PremiumTerms:
    """What a premium-rate number costs its callers and what the carrier pays us for it.

    All amounts share one currency. The retail price includes tax; the outpayment is without it.
    Both are metered by the carrier, from the caller's answer to his release, by the second.
    `announced_by`: who tells the caller the price before anything is charged. The caps bound what
    one call, and all calls of one caller number in a day or month (of `time_zone`), may cost;
    None: the rule set's alone. `publisher`, `service` and `category` stand in public directories.
    """

    retail_per_minute: Money
    retail_per_call: Money
    outpayment_per_minute: Money
    outpayment_per_call: Money
    carrier: str
    announced_by: Literal["carrier", "us"]
    country: str
    publisher: str
    service: str
    category: str
    time_zone: str = "UTC"
    maximum_seconds: int = 3_600
    maximum_charge: Money | None = None
    day_maximum: Money | None = None
    month_maximum: Money | None = None

    @property
    def currency(self) -> str:
        """The currency of every amount in the terms."""
        return self.retail_per_minute.currency

    @property
    def retail(self) -> Tariff:
        """The retail price as a tariff, so that it is rated and spoken like any other."""
        return Tariff(
            price_per_minute=self.retail_per_minute,
            connect_fee=self.retail_per_call,
            minimum_charge=Money.zero(self.currency),
            maximum_charge=None,
            maximum_seconds=self.maximum_seconds,
        )


@dataclass(frozen=True, slots=True)
class ServedNumber:
    """A number of ours and how it is put to work.

    `expert` is set for a direct number. `free_limit_seconds` bounds a talk that nobody pays.
    `begins_free`: who can be charged begins free too, until the expert asks for a price.
    `trunk_trusted`: the trunk this call came by vouches for caller ids. `premium`: the carrier
    bills the caller for it, on these terms.
    """

    number_id: UUID
    e164: str
    kind: NumberKind
    language: str
    without_payer: Literal["refuse", "free"]
    free_limit_seconds: int
    trunk_trusted: bool
    expert: ExpertChoice | None
    premium: PremiumTerms | None = None
    begins_free: bool = False


_EXTENSION = re.compile(r"[0-9]{1,8}")


def is_extension(text: str) -> bool:
    """Whether it can be keyed: 1 to 8 digits."""
    return _EXTENSION.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, order=True)
class OpenHours:
    """A stretch of a weekday (0: Monday) in minutes of the day; `to_minute` isn't included."""

    weekday: int
    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True)
class PriceBounds:
    """What an expert may ask a minute, both included."""

    least: Money
    most: Money
