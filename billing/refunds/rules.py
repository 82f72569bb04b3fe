"""What of a call goes back, and who gives it: pure arithmetic over what was charged."""

from collections.abc import Sequence

from billing.money.rules import allocate
from billing.money.values import Money
from billing.shares.values import Split
from billing.tariffs.rules import Earlier, after, rate
from billing.tariffs.values import Tariff


def given_back(charged: Split, *, shared: int, alone: int) -> Split:
    """Take all that went back of a call so far apart: what each party has given of it.

    Of `shared` ledger units each gives in proportion to what he got of the charge, by largest
    remainder; of `alone` the platform gives the expert's part too. 5.04 as 0.84 · 2.94 · 1.26,
    2.52 of it shared: 0.42 · 1.47 · 0.63; alone: 0.42 · 0 · 2.10. ValueError for more than the
    charge.
    """
    total = shared + alone
    if not 0 <= total <= charged.charge.amount:
        raise ValueError(f"{total} of {charged.charge.amount} can't have gone back.")
    weights = charged.tax.amount, charged.expert.amount, charged.platform.amount
    tax = allocate(total, weights)[0]
    expert = allocate(shared, weights)[1]
    currency = charged.charge.currency
    return Split(
        charge=Money(total, currency),
        tax=Money(tax, currency),
        expert=Money(expert, currency),
        platform=Money(total - tax - expert, currency),
    )


def difference(before: Split, now: Split) -> Split:
    """Give what is to be moved from one state to the next; a part may be a unit below zero."""
    return Split(
        charge=now.charge - before.charge,
        tax=now.tax - before.tax,
        expert=now.expert - before.expert,
        platform=now.platform - before.platform,
    )


def charge_without(talked: Sequence[tuple[Tariff, int]], seconds: int) -> Money:
    """Rate a call again without its last `seconds`.

    `talked` are its segments in order: tariff and seconds billed. 61 s at 1.20 a minute by the
    second without 31: 0.60; by the minute: 1.20 without 1 to 60, rounded as the tariff says.
    ValueError without segments, or if fewer seconds were billed.
    """
    if not talked:
        raise ValueError("A call without segments was never rated.")
    left = [billed for _, billed in talked]
    for index in reversed(range(len(left))):
        taken = min(seconds, left[index])
        left[index] -= taken
        seconds -= taken
    if seconds:
        raise ValueError(f"{seconds} more seconds than were billed can't go back.")
    earlier: Earlier | None = None
    charged = Money.zero(talked[0][0].currency)
    for (tariff, _), billed in zip(talked, left, strict=True):
        rated = rate(tariff, billed, earlier=earlier)
        charged += rated.charge
        earlier = after(earlier, rated)
    return charged
