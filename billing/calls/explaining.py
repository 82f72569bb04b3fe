"""The arithmetic of a call in sentences, one for each step that the rules took."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from billing.calls.rules import Arithmetic
from billing.catalogue.values import PremiumTerms
from billing.charging.premium.values import PremiumOutcome
from billing.money.values import Money


@dataclass(frozen=True, slots=True)
class Step:
    """One step, its sentence, and its result as a time or as money."""

    what: str
    sentence: str
    seconds: int | None = None
    amount: Money | None = None


def explain(done: Arithmetic) -> tuple[Step, ...]:
    """Say how a charge came about, from the milliseconds talked to everybody's part."""
    return (*_time(done), *_price(done), *_shares(done))


def explain_segments(done: Sequence[Arithmetic]) -> tuple[Step, ...]:
    """Say how the charge of each paid segment came about, and what they come to together."""
    steps: list[Step] = []
    for number, one in enumerate(done, 1):
        steps += [
            replace(step, sentence=f"Paid stretch {number} of {len(done)}: {step.sentence}")
            for step in explain(one)
        ]
    total = sum((one.rated.charge for one in done[1:]), done[0].rated.charge)
    return (*steps, Step("total", f"The caller pays {total} for the call.", amount=total))


def explain_premium(terms: PremiumTerms, outcome: PremiumOutcome) -> tuple[Step, ...]:
    """Say how what a carrier bills and pays came about, from its meter to everybody's part."""
    if outcome.answered_ms is None or outcome.released_ms is None:
        never = "The call was never answered, so nobody pays anything."
        return (Step("metered", never, seconds=0),)
    metered = outcome.metered_seconds
    ran = f"{(ms := outcome.released_ms - outcome.answered_ms) // 1_000}.{ms % 1_000:03}"
    prices = _prices(terms.retail_per_call, terms.retail_per_minute, metered)
    payments = _prices(terms.outpayment_per_call, terms.outpayment_per_minute, metered)
    return (
        Step(
            "metered",
            f"{ran} s from answer to release; each begun second counts: {metered} s.",
            seconds=metered,
        ),
        Step(
            "retail",
            f"{prices}, rounded down to whole cents: {outcome.retail}, which the caller pays his"
            " phone company.",
            amount=outcome.retail,
        ),
        Step(
            "outpayment",
            f"{payments}: {outcome.outpayment}, which {outcome.carrier} is to pay us.",
            amount=outcome.outpayment,
        ),
        Step("expert", f"The expert's part of that: {outcome.expert}.", amount=outcome.expert),
        Step(
            "platform", f"The platform keeps the rest: {outcome.platform}.", amount=outcome.platform
        ),
    )


def _prices(per_call: Money, per_minute: Money, seconds: int) -> str:
    fee = f"{per_call} + " if per_call else ""
    return f"{fee}{per_minute} a minute for {seconds} s"


def _time(done: Arithmetic) -> Iterator[Step]:
    talked = f"{done.talked_ms // 1_000}.{done.talked_ms % 1_000:03}"
    yield Step(
        "used",
        f"{talked} s were talked; whole seconds count: {done.used_seconds} s.",
        seconds=done.used_seconds,
    )
    granted = f"{done.granted_seconds} s were granted"
    if done.overrun_ms:
        sentence = f"{granted}; {done.overrun_ms} ms beyond them are not charged."
    else:
        sentence = f"{granted}, so all of it counts."
    yield Step("billed", f"{sentence} {done.billed_seconds} s.", seconds=done.billed_seconds)
    tariff, rated = done.tariff, done.rated
    if tariff.mode == "act":
        return
    if tariff.free_seconds:
        left = done.billed_seconds - rated.free_seconds
        yield Step(
            "free",
            f"The first {tariff.free_seconds} s are free: {left} s are left.",
            seconds=left,
        )
    first, following = tariff.first_increment_seconds, tariff.next_increment_seconds
    blocks = f"in blocks of {first} s, then {following} s"
    if first == following == 1:
        blocks = "by the second"
    yield Step(
        "billable",
        f"Counted {blocks}: {rated.billable_seconds} s.",
        seconds=rated.billable_seconds,
    )


def _price(done: Arithmetic) -> Iterator[Step]:
    tariff, rated = done.tariff, done.rated
    if tariff.mode == "act":
        due = f"An act is due once it has lasted {tariff.act_minimum_seconds} s"
        sentence = f"{due}: {rated.rounded_down}."
        yield Step("price", sentence, amount=rated.rounded_down)
    else:
        yield _price_a_minute(done)
    so_far, earlier = rated.rounded_down, done.earlier
    if earlier is not None and earlier.charged:
        so_far += earlier.rated
        sentence = f"The stretches before count for {earlier.rated}, which makes {so_far}."
        yield Step("before", sentence, amount=so_far)
    if rated.bounded > so_far:
        yield Step(
            "minimum",
            f"A call that costs anything costs at least {tariff.minimum_charge}.",
            amount=rated.bounded,
        )
    elif rated.billable_seconds and rated.bounded < so_far:
        yield Step(
            "maximum",
            f"A call costs {tariff.maximum_charge} at most.",
            amount=rated.bounded,
        )
    if earlier is not None and earlier.charged and rated.billable_seconds:
        sentence = f"{earlier.charged} of that was charged before."
        yield Step("charged-before", sentence, amount=earlier.charged)
    yield Step("charge", f"The caller pays {rated.charge}.", amount=rated.charge)


def _price_a_minute(done: Arithmetic) -> Step:
    tariff, rated = done.tariff, done.rated
    fee = f"{rated.connect_fee} + " if rated.connect_fee else ""
    return Step(
        "price",
        f"{fee}{tariff.price_per_minute} a minute for {rated.billable_seconds} s,"
        f" rounded down to whole cents: {rated.rounded_down}.",
        amount=rated.rounded_down,
    )


def _shares(done: Arithmetic) -> Iterator[Step]:
    split, rule = done.split, done.share_rule
    tax, part = _percent(done.tariff.tax_basis_points), _percent(rule.expert_basis_points)
    of = "what is left without tax" if rule.basis == "net" else "the charge"
    yield Step("tax", f"{tax} tax are in it: {split.tax}.", amount=split.tax)
    yield Step("expert", f"The expert gets {part} of {of}: {split.expert}.", amount=split.expert)
    yield Step("platform", f"The platform keeps the rest: {split.platform}.", amount=split.platform)


def _percent(basis_points: int) -> str:
    whole, rest = divmod(basis_points, 100)
    return f"{whole} %" if not rest else f"{whole}.{rest:02} %"
