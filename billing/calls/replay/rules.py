"""Rating a past call again, as it was or under other prices: pure."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from billing.calls.replay.values import (
    Difference,
    Figures,
    LeftOut,
    PastCall,
    PastMeter,
    PastSegment,
    Prices,
    Replayed,
    Repriced,
)
from billing.calls.rules import Arithmetic, arithmetic
from billing.charging.premium.rules import outcome
from billing.charging.premium.values import PremiumOutcome
from billing.charging.rules import bill, left_seconds, used_seconds
from billing.kit.errors import PrimelineError
from billing.money.values import Money
from billing.shares.rules import InvalidShareRule
from billing.shares.rules import check as check_share
from billing.tariffs.rules import Earlier, after
from billing.tariffs.values import Tariff

PARTS = ("charge", "tax", "expert", "platform")


def replay(call: PastCall) -> Replayed:
    """Rate a call again from what was frozen into it, and compare with what is recorded.

    61 s at 1.20 a minute recorded as 1.23: one difference, `charge`, 1.23 and 1.22 (and its parts).
    """
    if call.unreadable is not None:
        return Replayed(call, {}, problem=call.unreadable)
    try:
        if call.premium is not None:
            return _replay_premium(call, call.premium)
        return _replay_paid(call)
    except (PrimelineError, ValueError) as error:
        return Replayed(call, {}, problem=str(error))


def _replay_paid(call: PastCall) -> Replayed:
    done = _rate(call.segments)
    figures = _sum(done) if done else _unquoted(call)
    differences = [
        one
        for number, (kept, now) in enumerate(zip(call.segments, done, strict=True), 1)
        if kept.recorded is not None
        for one in _compare(f"segment {number}", kept.recorded, _sum([now]))
    ]
    differences += _compare("call", call.recorded, figures)
    return Replayed(call, figures, done, differences=tuple(differences))


def _replay_premium(call: PastCall, premium: PastMeter) -> Replayed:
    came = outcome(premium.terms, premium.meter, premium.share_rule)
    # The carrier bills: all of the talk is its meter's, and no wallet is charged.
    used = used_seconds(call.intervals)
    nothing = dict.fromkeys(PARTS, 0)
    settled: Figures = {
        "used_seconds": used,
        "billed_seconds": used,
        "overrun_ms": 0,
        "currency": None,
        **nothing,
    }
    expected = premium_figures(came)
    return Replayed(
        call,
        {**settled, **expected},
        premium=came,
        differences=(
            *_compare("call", call.recorded, settled),
            *_compare("carrier", premium.recorded, expected),
        ),
    )


def premium_figures(came: PremiumOutcome) -> Figures:
    """Give what a carrier is to bill and pay, by the names of its record."""
    return {
        "carrier": came.carrier,
        "metered_seconds": came.metered_seconds,
        "retail": came.retail,
        "outpayment": came.outpayment,
        "expert": came.expert,
        "platform": came.platform,
    }


def _rate(segments: Sequence[PastSegment]) -> tuple[Arithmetic, ...]:
    """Do what each end of a segment did; fee, minimum and free seconds are the whole call's."""
    done: list[Arithmetic] = []
    earlier: Earlier | None = None
    for one in segments:
        rated = arithmetic(one.tariff, one.share_rule, one.intervals, one.granted_seconds, earlier)
        earlier = after(earlier, rated.rated)
        done.append(rated)
    return tuple(done)


def _sum(done: Sequence[Arithmetic]) -> Figures:
    zero = Money.zero(done[0].tariff.currency)
    return {
        "used_seconds": sum(one.used_seconds for one in done),
        "billed_seconds": sum(one.billed_seconds for one in done),
        "overrun_ms": sum(one.overrun_ms for one in done),
        "currency": zero.currency,
        **{part: sum((getattr(one.split, part) for one in done), zero) for part in PARTS},
    }


def _unquoted(call: PastCall) -> Figures:
    """Nobody was to pay: all that was talked is beyond what was granted, which is nothing."""
    talked = bill(call.intervals, 0)
    return {
        "used_seconds": talked.used_seconds,
        "billed_seconds": talked.billed_seconds,
        "overrun_ms": talked.overrun_ms,
        "currency": None,
        **dict.fromkeys(PARTS, 0),
    }


def _compare(where: str, recorded: Figures, replayed: Figures) -> list[Difference]:
    return [
        Difference(where, name, kept, replayed[name])
        for name, kept in recorded.items()
        if kept != replayed[name]
    ]


def reprice(call: PastCall, prices: Callable[[PastSegment], Prices | None]) -> Repriced:
    """Rate a call under other prices: the seconds billed stay, up to the new longest talk.

    `prices` gives the other tariff of a segment, or None: it keeps its own. 61 s billed at 1.20
    cost 1.22; under 1.00 a minute in whole minutes they cost 2.00: 0.78 more.
    """
    chosen = _choose(call, prices)
    if isinstance(chosen, LeftOut):
        return Repriced(call, left_out=chosen)
    before = _amounts(call.recorded)
    if all(other is None for _, other in chosen):
        return Repriced(call, before=before, after=before)
    try:
        done, cut_seconds = _rate_within([segment for segment, _ in chosen])
    except (PrimelineError, ValueError):
        return Repriced(call, left_out=LeftOut.UNREADABLE)
    return Repriced(
        call,
        done,
        before=before,
        after=_amounts(_sum(done)),
        touched=True,
        cut_seconds=cut_seconds,
    )


def _choose(
    call: PastCall, prices: Callable[[PastSegment], Prices | None]
) -> list[tuple[PastSegment, Prices | None]] | LeftOut:
    """Put each segment under its other tariff, or say why the call has no charge then."""
    if call.premium is not None:
        return LeftOut.PREMIUM
    currencies = {one.currency for one in _amounts(call.recorded).values()}
    if call.unreadable is not None or currencies != {one.tariff.currency for one in call.segments}:
        return LeftOut.UNREADABLE
    if not call.segments:
        return LeftOut.UNQUOTED
    chosen: list[tuple[PastSegment, Prices | None]] = []
    for one in call.segments:
        other = prices(one)
        if other is None:
            chosen.append((one, None))
            continue
        tariff = other(one.announced_at)
        reason = _impossible(one, tariff)
        if reason is not None:
            return reason
        chosen.append((replace(one, tariff=tariff.by(one.tariff.mode)), other))
    return chosen


def _impossible(one: PastSegment, other: Tariff) -> LeftOut | None:
    """Say why a segment can't be rated by another tariff; None: it can."""
    if other.currency != one.tariff.currency:
        return LeftOut.CURRENCY
    if one.tariff.mode == "act" and other.price_per_act is None:
        return LeftOut.ACTS
    try:
        check_share(one.share_rule, other.tax_basis_points)
    except InvalidShareRule:
        return LeftOut.SHARES
    return None


def _rate_within(segments: Sequence[PastSegment]) -> tuple[tuple[Arithmetic, ...], int]:
    """Rate each segment, none longer than its tariff lets it be; also the seconds cut off."""
    done: list[Arithmetic] = []
    earlier: Earlier | None = None
    cut = 0
    for one in segments:
        longest = max(0, left_seconds(one.tariff, earlier))
        granted = min(one.granted_seconds, longest)
        rated = arithmetic(one.tariff, one.share_rule, one.intervals, granted, earlier)
        cut += min(rated.used_seconds, one.granted_seconds) - rated.billed_seconds
        earlier = after(earlier, rated.rated)
        done.append(rated)
    return tuple(done), cut


def _amounts(figures: Figures) -> dict[str, Money]:
    return {part: kept for part in PARTS if isinstance(kept := figures[part], Money)}
