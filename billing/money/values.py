"""Money as integers: an amount in ledger units and a currency."""

from dataclasses import dataclass
from typing import Final, Self

from billing.kit.errors import PrimelineError

LEDGER_UNITS_PER_MINOR: Final = 100
"""Ledger units in one minor unit (cent): two digits more than the currency has, for shares."""

MINOR_PER_MAJOR: Final = {"EUR": 100, "GBP": 100, "USD": 100, "CHF": 100}
"""Minor units in one major unit, for the currencies supported."""


class CurrencyMismatch(PrimelineError):
    """Amounts of two currencies were mixed."""

    code = "currency-mismatch"

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"An amount in {right} can't be used with one in {left}.")


class UnknownCurrency(PrimelineError):
    """A currency that Primeline doesn't handle."""

    code = "unknown-currency"

    def __init__(self, currency: str) -> None:
        known = ", ".join(sorted(MINOR_PER_MAJOR))
        super().__init__(f"{currency!r} is not a currency Primeline knows: {known}.")


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`amount` ledger units (1.00 EUR = 10 000) of an ISO 4217 `currency`; may be negative."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in MINOR_PER_MAJOR:
            raise UnknownCurrency(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in `currency`."""
        return cls(0, currency)

    @classmethod
    def of_minor(cls, minor: int, currency: str) -> Self:
        """`minor` cents (or pence)."""
        return cls(minor * LEDGER_UNITS_PER_MINOR, currency)

    @property
    def is_whole_minor(self) -> bool:
        """Whether the amount is a whole number of cents, as all a caller pays must be."""
        return self.amount % LEDGER_UNITS_PER_MINOR == 0

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.amount

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount >= self._same(other)

    def __str__(self) -> str:
        """The exact amount for records and logs: `0.2917 EUR`. People read `money.text`."""
        scale = MINOR_PER_MAJOR[self.currency] * LEDGER_UNITS_PER_MINOR
        major, rest = divmod(abs(self.amount), scale)
        sign = "-" if self.amount < 0 else ""
        return f"{sign}{major}.{rest:0{len(str(scale)) - 1}d} {self.currency}"

    def __bool__(self) -> bool:
        return self.amount != 0
