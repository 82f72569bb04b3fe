"""What rule sets mean: pure decisions over sets, numbers, prices and moments."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from billing.money.values import Money
from billing.rulesets.errors import RuleBroken
from billing.rulesets.values import (
    CallRules,
    Figure,
    FigureValue,
    Kind,
    NumberRange,
    PremiumNumber,
    RuleSet,
    SpendNotice,
)

NO_RULES: Final = "none"
"""The name of the rules of a country that has none here."""


def in_force(sets: Sequence[RuleSet], country: str, on: date) -> tuple[RuleSet, ...]:
    """Pick, for each area that the country is in, the latest set that begins not after `on`."""
    picked: dict[str, RuleSet] = {}
    for one in sorted(sets, key=lambda one: one.valid_from):
        if country in one.countries and one.valid_from <= on:
            picked[one.area] = one
    return tuple(picked[area] for area in sorted(picked))


def with_overrides(one: RuleSet, overrides: Mapping[tuple[str, str], FigureValue]) -> RuleSet:
    """Put the operator's values, by area and name, in place of unsure figures."""
    figures = {
        name: replace(figure, value=overrides[one.area, name], set_by_operator=True)
        if not figure.sure and (one.area, name) in overrides
        else figure
        for name, figure in one.figures.items()
    }
    return replace(one, figures=figures)


def range_of(sets: Sequence[RuleSet], e164: str) -> NumberRange | None:
    """Find the range of a number, the longest prefix first; None: an ordinary number."""
    found = [one for each in sets for one in each.ranges if e164.startswith(one.prefix)]
    return max(found, key=lambda one: len(one.prefix), default=None)


def kind_of(sets: Sequence[RuleSet], e164: str) -> Kind:
    """Say what a number is by its prefix."""
    found = range_of(sets, e164)
    return found.kind if found else "ordinary"


def call_rules(sets: Sequence[RuleSet], kind: Kind) -> CallRules:
    """Sum up what sets ask of one call; of two amounts, the lower.

    A set in another currency than the call's is the saving check's business.
    """
    if not sets:
        return CallRules(NO_RULES)
    figures = _merged(sets)
    message = _words(figures, "message-parts") or ("price",)
    if _yes(figures, "access-charge-said"):
        message += ("access-charge",)
    if _yes(figures, "parents-said"):
        message += ("parents",)
    skippable = _yes(figures, "message-skippable")
    if kind == "toll-free" and _yes(figures, "toll-free-disclosure-each-call"):
        skippable = False
    return CallRules(
        rule_set=" ".join(one.name for one in sets),
        maximum_seconds=_value(figures, "maximum-seconds"),
        maximum_charge=_value(figures, "maximum-charge"),
        month_maximum=_value(figures, "month-maximum"),
        notices=_notices(figures),
        tone_gap_ms=_value(figures, "tone-gap-ms") or 0,
        message=message,
        message_free_below=_value(figures, "message-free-below"),
        message_least_seconds=_value(figures, "message-least-seconds") or 0,
        message_most_seconds=_value(figures, "message-most-seconds"),
        message_skippable=skippable,
        skip_off_days_after_rise=_value(figures, "skip-off-days-after-rise") or 0,
        caller_pin_required=kind == "toll-free" and _yes(figures, "toll-free-needs-pin"),
        partner_check_required=_yes(figures, "partner-checked"),
    )


def broken_by(sets: Sequence[RuleSet], number: PremiumNumber) -> tuple[RuleBroken, ...]:
    """List every rule that a premium-rate number and its price would break."""
    return (*number_broken(sets, number), *price_broken(sets, number))


def number_broken(sets: Sequence[RuleSet], number: PremiumNumber) -> tuple[RuleBroken, ...]:
    """List the rules broken by the number itself: its range and what is published of it."""
    figures, broken = _merged(sets), []
    kind = kind_of(sets, number.e164)
    if kind == "ordinary" and _yes(figures, "surcharge-range-required"):
        rule = figures["surcharge-range-required"].rule
        broken.append(RuleBroken(rule, f"{number.e164} is in no range that may cost more."))
    if kind == "toll-free":
        rule = "R19" if _yes(figures, "toll-free-surcharge-refused") else "R4"
        broken.append(RuleBroken(rule, f"{number.e164} is toll-free and can't cost anything."))
    broken += [
        RuleBroken("R7", f"{number.e164} needs a {name}.")
        for name in _words(figures, "directory-fields")
        if not str(getattr(number, name)).strip()
    ]
    prefixes = _words(figures, "adult-prefixes")
    if prefixes and number.category == "adult" and not number.e164.startswith(prefixes):
        allowed = ", ".join(prefixes)
        broken.append(RuleBroken("R7", f"Adult services are for {allowed} alone."))
    if number.category in _words(figures, "refused-categories"):
        broken.append(RuleBroken("R17", f"No service of the category {number.category} is sold."))
    return tuple(broken)


def price_broken(sets: Sequence[RuleSet], number: PremiumNumber) -> tuple[RuleBroken, ...]:
    """List the rules broken by a price: caps of the range, per minute or per call, blocks."""
    figures, broken = _merged(sets), []
    currency = number.per_minute.currency
    for one in sets:
        if one.currency != currency and (one.ranges or _value(one.figures, "maximum-charge")):
            rule = next(iter(one.figures.values())).rule
            problem = f"Prices in {one.area} are in {one.currency}, not {currency}."
            return (RuleBroken(rule, problem),)
    found = range_of(sets, number.e164)
    for unit, price in (("minute", number.per_minute), ("call", number.per_call)):
        cap = figures.get(f"cap-{found.name}-per-{unit}") if found else None
        if cap and isinstance(cap.value, Money) and price > cap.value:
            assert found is not None  # it has a cap
            problem = f"{price} a {unit} is above the cap of {found.name}, {cap.value}."
            broken.append(RuleBroken(cap.rule, problem))
    if _yes(figures, "one-price-only") and number.per_minute and number.per_call:
        broken.append(RuleBroken("R5", "A price is per call or per minute, never both."))
    increment = _value(figures, "increment-seconds")
    if increment is not None and number.increment_seconds > increment:
        problem = f"Calls are metered by {increment} s, not by {number.increment_seconds} s."
        broken.append(RuleBroken("R6", problem))
    most = _value(figures, "maximum-charge")
    if most is not None and number.per_call > most:
        broken.append(RuleBroken("R22", f"{number.per_call} a call is above {most}."))
    return tuple(broken)


def may_skip(rules: CallRules, *, rose_at: datetime | None, at: datetime) -> bool:
    """Whether the caller's # ends the message of a call that came in at `at`.

    Not for a while after the price rose (`rose_at`), so that regular callers hear of it.
    """
    if not rules.message_skippable:
        return False
    return rose_at is None or at >= rose_at + timedelta(days=rules.skip_off_days_after_rise)


def partner_may_earn(rules: CallRules, *, checked_at: datetime | None, at: datetime) -> bool:
    """Whether a partner's first paid call may come: checked, where the rules ask for it."""
    return not rules.partner_check_required or (checked_at is not None and checked_at <= at)


def message_fits(rules: CallRules, message_ms: int) -> bool:
    """Whether what is said before the talk is neither too short nor too long."""
    most = rules.message_most_seconds
    longest_ms = message_ms if most is None else most * 1_000
    return rules.message_least_seconds * 1_000 <= message_ms <= longest_ms


def dispute_dates(sets: Sequence[RuleSet], *, call_on: date, disputed_on: date) -> dict[str, date]:
    """Give the last day to claim a call and the day by which a dispute is answered, if known."""
    figures, dates = _merged(sets), {}
    if (claim := _value(figures, "claim-days")) is not None:
        dates["claim"] = call_on + timedelta(days=claim)
    if (answer := _value(figures, "dispute-answer-days")) is not None:
        dates["answer"] = disputed_on + timedelta(days=answer)
    return dates


def change_allowed_from(sets: Sequence[RuleSet], kind: Kind, told_on: date) -> date:
    """Give the first day of a new price on a toll-free line whose callers were told on a day."""
    days = _value(_merged(sets), "price-change-notice-days") if kind == "toll-free" else None
    return told_on + timedelta(days=days or 0)


def message_needed(rules: CallRules, greatest: Money) -> bool:
    """Whether a call that may come to `greatest` has the free message: always, unless set."""
    return rules.message_free_below is None or greatest > rules.message_free_below


def call_back_allowed(sets: Sequence[RuleSet], *, requested: bool) -> bool:
    """Whether we may call a caller back."""
    return requested or not _yes(_merged(sets), "call-back-needs-request")


def _notices(figures: Mapping[str, Figure]) -> tuple[SpendNotice, ...]:
    kinds: tuple[Any, ...] = ("tell", "confirm", "end")
    found = [(kind, _value(figures, f"notice-{kind}")) for kind in kinds]
    return tuple(SpendNotice(at, kind) for kind, at in found if at is not None)


def _merged(sets: Sequence[RuleSet]) -> dict[str, Figure]:
    merged: dict[str, Figure] = {}
    for one in sets:
        merged |= one.figures
    return merged


def _value(figures: Mapping[str, Figure], name: str) -> Any:
    figure = figures.get(name)
    return None if figure is None else figure.value


def _yes(figures: Mapping[str, Figure], name: str) -> bool:
    return _value(figures, name) is True


def _words(figures: Mapping[str, Figure], name: str) -> tuple[str, ...]:
    return tuple(_value(figures, name) or ())
