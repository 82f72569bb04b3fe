"""Rating: what talk costs, how much talk a credit buys. One formula for every use."""

from dataclasses import dataclass
from typing import Final

from billing.kit.errors import PrimelineError
from billing.money.rules import LARGEST_MINOR
from billing.money.values import LEDGER_UNITS_PER_MINOR, CurrencyMismatch, Money
from billing.tariffs.values import Tariff

LONGEST_TALK_SECONDS: Final = 86_400
HIGHEST_TAX_BASIS_POINTS: Final = 10_000

_SECONDS_PER_MINUTE: Final = 60


class InvalidTariff(PrimelineError):
    """A tariff that can't be used; the sentence says what is wrong with it."""

    code = "invalid-tariff"


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier paid segments of the same call have used up.

    Fee, minimum, maximum, free seconds and `maximum_seconds` count over the whole call. The fee
    was taken if anything was charged. `rated` is `charged` without what a minimum added to it:
    later segments use the minimum up before they add to it.
    """

    used_seconds: int
    charged: Money
    rated: Money


@dataclass(frozen=True, slots=True)
class Rated:
    """How a charge comes about, in the order of its steps.

    An act has no free seconds, blocks or fee: all seconds are `billable_seconds` once it is due.
    `free_seconds` of the `used_seconds` cost nothing; what is left is rounded up to increments:
    `billable_seconds`. `connect_fee` is what of it applies here. `rounded_down` is fee and minutes
    in whole cents, `bounded` the same for the whole call within minimum and maximum, and `charge`
    what this segment adds to what was charged before.
    """

    used_seconds: int
    free_seconds: int
    billable_seconds: int
    connect_fee: Money
    rounded_down: Money
    bounded: Money
    charge: Money


def check(tariff: Tariff) -> None:
    """Raise InvalidTariff, with a sentence, unless the tariff can be rated."""
    _check_amounts(tariff)
    if tariff.maximum_charge is not None and tariff.maximum_charge < tariff.minimum_charge:
        raise InvalidTariff("The maximum charge is below the minimum charge.")
    longest = tariff.maximum_seconds
    if not 1 <= longest <= LONGEST_TALK_SECONDS:
        raise InvalidTariff(
            f"The longest talk must be 1 to {LONGEST_TALK_SECONDS} seconds, not {longest}."
        )
    for name, increment in (
        ("first", tariff.first_increment_seconds),
        ("next", tariff.next_increment_seconds),
    ):
        if not 1 <= increment <= longest:
            raise InvalidTariff(
                f"The {name} increment must be 1 second up to the longest talk"
                f" ({longest} seconds), not {increment}."
            )
    if not 0 <= tariff.free_seconds <= longest:
        raise InvalidTariff(
            f"The free seconds must be 0 up to the longest talk ({longest} seconds),"
            f" not {tariff.free_seconds}."
        )
    if tariff.price_per_act is not None:
        _check_act(tariff)
    if not 0 <= tariff.tax_basis_points <= HIGHEST_TAX_BASIS_POINTS:
        raise InvalidTariff(
            f"The tax rate must be 0 to {HIGHEST_TAX_BASIS_POINTS} basis points,"
            f" not {tariff.tax_basis_points}."
        )


def _check_act(tariff: Tariff) -> None:
    least, longest = tariff.act_minimum_seconds, tariff.act_maximum_seconds
    if not 1 <= longest <= LONGEST_TALK_SECONDS:
        raise InvalidTariff(
            f"The longest act must be 1 to {LONGEST_TALK_SECONDS} seconds, not {longest}."
        )
    if not 1 <= least <= tariff.by("act").longest_seconds:
        raise InvalidTariff(
            "The seconds that make an act due must be 1 up to the longest act and the longest"
            f" talk ({tariff.by('act').longest_seconds} seconds), not {least}."
        )


def _check_amounts(tariff: Tariff) -> None:
    amounts = {
        "price per minute": tariff.price_per_minute,
        "connect fee": tariff.connect_fee,
        "minimum charge": tariff.minimum_charge,
    }
    if tariff.maximum_charge is not None:
        amounts["maximum charge"] = tariff.maximum_charge
    if tariff.price_per_act is not None:
        amounts["price of an act"] = tariff.price_per_act
    for name, money in amounts.items():
        if money.currency != tariff.currency:
            raise InvalidTariff(
                f"The {name} is in {money.currency}, the price in {tariff.currency};"
                " a tariff has one currency."
            )
        if money.amount < 0:
            raise InvalidTariff(f"The {name} is below zero.")
        if not money.is_whole_minor:
            raise InvalidTariff(f"The {name} is not a whole number of cents.")
        if money.amount > LARGEST_MINOR * LEDGER_UNITS_PER_MINOR:
            raise InvalidTariff(f"The {name} is too large.")


def billable_seconds(tariff: Tariff, paid_seconds: int) -> int:
    """Round talk past the free seconds up to whole increments: with 20/15, 21 s become 35 s.

    30/60: 31 s → 90 s. 60/60: 61 s → 120 s. Nothing talked is nothing billed.
    """
    if paid_seconds <= 0:
        return 0
    first, following = tariff.first_increment_seconds, tariff.next_increment_seconds
    blocks_after_first = max(0, -((first - paid_seconds) // following))
    return first + blocks_after_first * following


def charge(tariff: Tariff, used_seconds: int, *, earlier: Earlier | None = None) -> Money:
    """Rate one segment of `used_seconds`; by the minute rounded down, once, to whole cents.

    At 1.20 a minute: 1/1, 61 s → 1.22. 60/60, 61 s → 2.40. 30/60, 31 s → 1.80 (90 s billed).
    60/60 with 30 s free, 20 s → 0 and 31 s → 1.20. At 0.35, 1/1, 61 s → 0.35 (0.3558 down).
    An act at 5.00, due after 10 s: 9 s → 0, 10 s or 20 min → 5.00, without fee or minimum.
    ValueError below zero seconds; CurrencyMismatch if `earlier` is in another currency.
    """
    return rate(tariff, used_seconds, earlier=earlier).charge


def rate(tariff: Tariff, used_seconds: int, *, earlier: Earlier | None = None) -> Rated:
    """Give what `charge` gives, with each step that leads to it.

    30/60 at 1.20 with a fee of 0.10, 31 s: 90 s billed, 1.80 and the fee, 1.90.
    """
    if used_seconds < 0:
        raise ValueError(f"{used_seconds} seconds can't be charged.")
    if tariff.mode == "act":
        return _rate_act(tariff, used_seconds, earlier)
    used_before = earlier.used_seconds if earlier else 0
    free_left = max(0, tariff.free_seconds - used_before)
    billable = billable_seconds(tariff, used_seconds - free_left)
    charged_before = _charged_before(tariff, earlier)
    fee = rounded = bounded = added = 0
    if billable:
        fee = 0 if charged_before else tariff.connect_fee.amount
        sixtieths = _SECONDS_PER_MINUTE * fee + tariff.price_per_minute.amount * billable
        minor = sixtieths // (_SECONDS_PER_MINUTE * LEDGER_UNITS_PER_MINOR)
        rounded = minor * LEDGER_UNITS_PER_MINOR
        bounded = max(_rated_before(earlier) + rounded, tariff.minimum_charge.amount)
        if tariff.maximum_charge is not None:
            bounded = min(bounded, tariff.maximum_charge.amount)
        added = max(0, bounded - charged_before)
    currency = tariff.currency
    return Rated(
        used_seconds=used_seconds,
        free_seconds=min(used_seconds, free_left),
        billable_seconds=billable,
        connect_fee=Money(fee, currency),
        rounded_down=Money(rounded, currency),
        bounded=Money(bounded, currency),
        charge=Money(added, currency),
    )


def _rate_act(tariff: Tariff, used_seconds: int, earlier: Earlier | None) -> Rated:
    charged_before = _charged_before(tariff, earlier)
    price = bounded = added = 0
    if tariff.price_per_act is not None and used_seconds >= tariff.act_minimum_seconds:
        price = tariff.price_per_act.amount
        bounded = _rated_before(earlier) + price
        if tariff.maximum_charge is not None:
            bounded = min(bounded, tariff.maximum_charge.amount)
        added = max(0, bounded - charged_before)
    currency = tariff.currency
    return Rated(
        used_seconds=used_seconds,
        free_seconds=0,
        billable_seconds=used_seconds if price else 0,
        connect_fee=Money.zero(currency),
        rounded_down=Money(price, currency),
        bounded=Money(bounded, currency),
        charge=Money(added, currency),
    )


def affordable_seconds(tariff: Tariff, credit: Money, *, earlier: Earlier | None = None) -> int:
    """Give the greatest n, up to what is left of `maximum_seconds`, with `charge(n) <= credit`.

    0.50 at 1.20 a minute (1/1) buys 25 s. Without credit the answer is 0 even if the first seconds
    would cost nothing (free, or less than a cent): nobody is rung for a caller who can't pay on.
    A tariff that charges nothing up to its maximum gives that maximum, whatever the credit. An act
    is bought whole or not at all, so its seconds before it is due are nobody's who can't pay it.
    """
    if credit.currency != tariff.currency:
        raise CurrencyMismatch(tariff.currency, credit.currency)
    used_before = earlier.used_seconds if earlier else 0
    longest = max(0, min(tariff.longest_seconds, tariff.maximum_seconds - used_before))
    units = max(0, credit.amount)
    if rate(tariff, longest, earlier=earlier).charge.amount <= units:
        return longest
    if units == 0 or tariff.mode == "act":
        return 0
    # The charge never falls as n grows: halve between what is affordable and what isn't.
    affordable, too_dear = 0, longest
    while too_dear - affordable > 1:
        middle = (affordable + too_dear) // 2
        if rate(tariff, middle, earlier=earlier).charge.amount <= units:
            affordable = middle
        else:
            too_dear = middle
    return affordable


def after(earlier: Earlier | None, rated: Rated) -> Earlier:
    """Sum up a call's segments so far: `rated` and what came before it.

    1.00 a minute with a minimum of 2.00, one minute: 2.00 charged, 1.00 of it rated; so a second
    minute costs nothing more.
    """
    used, charged, units = rated.used_seconds, rated.charge, rated.rounded_down.amount
    if earlier is not None:
        used, charged = used + earlier.used_seconds, charged + earlier.charged
        units += _rated_before(earlier)
    # What a maximum took off was never charged, so nothing later may bring it back.
    return Earlier(used, charged, Money(min(units, charged.amount), charged.currency))


def _rated_before(earlier: Earlier | None) -> int:
    return 0 if earlier is None else min(earlier.rated.amount, earlier.charged.amount)


def _charged_before(tariff: Tariff, earlier: Earlier | None) -> int:
    if earlier is None:
        return 0
    if earlier.charged.currency != tariff.currency:
        raise CurrencyMismatch(tariff.currency, earlier.charged.currency)
    return earlier.charged.amount


def dearer(new: Tariff, old: Tariff) -> bool:
    """Whether some call may cost more by `new` than by `old`: any component counts.

    1.20 a minute by the second after 1.20 by the minute isn't; the other way round it is.
    """
    higher = (
        new.price_per_minute > old.price_per_minute,
        new.connect_fee > old.connect_fee,
        new.minimum_charge > old.minimum_charge,
        new.first_increment_seconds > old.first_increment_seconds,
        new.next_increment_seconds > old.next_increment_seconds,
        new.free_seconds < old.free_seconds,
        _act_dearer(new, old),
    )
    if any(higher):
        return True
    if old.maximum_charge is None:
        return False
    return new.maximum_charge is None or new.maximum_charge > old.maximum_charge


def _act_dearer(new: Tariff, old: Tariff) -> bool:
    """Whether an act costs more, or as much sooner; acts that weren't sold before aren't dearer."""
    if new.price_per_act is None or old.price_per_act is None:
        return False
    return new.price_per_act > old.price_per_act or (
        new.act_minimum_seconds < old.act_minimum_seconds
        or new.act_maximum_seconds < old.act_maximum_seconds
    )
