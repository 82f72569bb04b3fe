"""Who gets what part of a charge."""

from typing import Final

from billing.kit.errors import PrimelineError
from billing.money.rules import allocate
from billing.money.values import Money
from billing.shares.values import ShareRule, Split

_WHOLE_BASIS_POINTS: Final = 10_000


class InvalidShareRule(PrimelineError):
    """A share rule that can't be used; the sentence says what is wrong with it."""

    code = "invalid-share-rule"


def check(rule: ShareRule, tax_basis_points: int) -> None:
    """Raise InvalidShareRule, with a sentence, unless the rule leaves each party at least nothing.

    A part of the gross price can be more than what is left after tax: 90 % of the gross at 20 %
    tax (a sixth of the gross) is refused, 80 % isn't.
    """
    expert = rule.expert_basis_points
    if not 0 <= expert <= _WHOLE_BASIS_POINTS:
        raise InvalidShareRule(
            f"The expert's part must be 0 to {_WHOLE_BASIS_POINTS} basis points, not {expert}."
        )
    if _weights(tax_basis_points, rule)[2] < 0:
        raise InvalidShareRule(
            f"{expert} basis points of the price with tax are more than what is left"
            f" after {tax_basis_points} basis points of tax."
        )


def split(charge: Money, tax_basis_points: int, rule: ShareRule) -> Split:
    """Take tax, expert's and platform's part from a charge together, by largest remainder.

    5.04 with 20 % tax at 70 % of the net → 0.84 · 2.94 · 1.26; 0.50 → 0.0833 · 0.2917 · 0.1250.
    Ties go to the tax, then the expert. ValueError for a negative charge or a rule that `check`
    refuses.
    """
    tax, expert, platform = allocate(charge.amount, _weights(tax_basis_points, rule))
    currency = charge.currency
    return Split(
        charge=charge,
        tax=Money(tax, currency),
        expert=Money(expert, currency),
        platform=Money(platform, currency),
    )


def _weights(tax_basis_points: int, rule: ShareRule) -> tuple[int, int, int]:
    """Tax, expert, platform as numerators over 10 000 · (10 000 + tax)."""
    gross = _WHOLE_BASIS_POINTS + tax_basis_points
    tax = tax_basis_points * _WHOLE_BASIS_POINTS
    basis = gross if rule.basis == "gross" else _WHOLE_BASIS_POINTS
    expert = rule.expert_basis_points * basis
    return tax, expert, gross * _WHOLE_BASIS_POINTS - tax - expert
