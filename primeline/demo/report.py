"""What the demo proved, told from the database: timeline, ledger, shares, books."""

from dataclasses import dataclass
from typing import Any

from billing.calls import books
from billing.calls import service as calls
from billing.calls.records import CallRecord
from billing.charging.premium.values import PremiumOutcome
from billing.kit.database import Sessions
from billing.money.text import format_money, to_decimal_string
from billing.money.values import Money
from primeline.demo import cast
from primeline.demo.screen import Screen
from primeline.demo.story import PremiumCall

CUT_REASONS = {"credit-used-up", "maximum-reached"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The records of the calls, what the phones saw of the last, and the state of the books."""

    paid: CallRecord
    refused: CallRecord
    carried: CallRecord
    premium: PremiumCall
    receipt: str | None
    findings: list[str]

    @property
    def records(self) -> tuple[CallRecord, ...]:
        """All calls."""
        return (self.paid, self.refused, self.carried)


async def outcome(sessions: Sessions, premium: PremiumCall, receipt: str | None) -> Outcome:
    """Read the calls and check the books. `receipt`: the SMS that Alice got."""
    async with sessions() as s:
        carried, refused, paid, *_ = [
            await calls.get_call(s, one.call_id) for one in await calls.list_calls(s)
        ]
    async with sessions() as s:
        findings = [str(finding) for finding in await books.check(s)]
    return Outcome(paid, refused, carried, premium, receipt, findings)


def show(screen: Screen, result: Outcome, cut_error_ms: int) -> None:
    """Print timeline, ledger, shares and books."""
    paid = result.paid
    start = paid.timeline[0].at_ms
    rows = [
        (
            f"{(entry.at_ms - start) // 1000}.{(entry.at_ms - start) % 1000:03d}",
            entry.what,
            ", ".join(f"{key} {value}" for key, value in entry.detail.items()),
        )
        for entry in paid.timeline
    ]
    screen.table("Timeline of the call", ("second", "what", ""), rows)
    ledger = [
        (line.kind, line.debit, line.credit, _money(line.amount), line.reason)
        for line in paid.ledger
    ]
    screen.table("Ledger lines", ("kind", "from", "to", "amount", "for"), ledger)
    settlement = paid.summary.settlement
    if settlement is not None and settlement.split is not None:
        split = settlement.split
        screen.table(
            "Who got what",
            ("who", "amount"),
            [
                ("Alice paid", _money(split.charge)),
                ("Ada, the expert", _money(split.expert)),
                ("the platform", _money(split.platform)),
                ("tax", _money(split.tax)),
            ],
        )
        screen.say()
        screen.say(
            f"Talked {settlement.used_seconds} s, billed {settlement.billed_seconds} s;"
            f" the cut came {cut_error_ms:+d} ms from the credit's end, measured at both phones."
        )
    screen.say(f"Boris was refused: {result.refused.summary.reason}.")
    _show_premium(screen, result)
    if result.findings:
        screen.say("[red]books check:[/]")
        for finding in result.findings:
            screen.say(f"  {finding}")
    else:
        screen.say("books check: [green]ok[/]")


def _show_premium(screen: Screen, result: Outcome) -> None:
    expected = _expected(result)
    screen.table(
        "What the premium-rate call brings, once the carrier's statement confirms it",
        ("who", "amount"),
        [
            ("Clara pays her phone company", _money(expected.retail)),
            ("the carrier is to pay us", _money(expected.outpayment)),
            ("of that: Luc, the expert", _money(expected.expert)),
            ("of that: the platform", _money(expected.platform)),
        ],
    )
    screen.say()


def _expected(result: Outcome) -> PremiumOutcome:
    settlement = result.carried.summary.settlement
    assert settlement is not None  # the demo waited for it
    assert settlement.premium is not None  # the carrier bills
    return settlement.premium


def as_json(result: Outcome, cut_error_ms: int) -> dict[str, Any]:
    """The outcome as one object; money as decimal strings with four places."""
    settlement = result.paid.summary.settlement
    assert settlement is not None  # the demo waited for it
    assert settlement.split is not None  # somebody paid
    split = settlement.split
    after = settlement.wallet_available or Money.zero(cast.CURRENCY)
    return {
        "call_id": str(settlement.call_id),
        "talk_seconds": settlement.used_seconds,
        "charge": to_decimal_string(split.charge),
        "currency": split.charge.currency,
        "expert_share": to_decimal_string(split.expert),
        "platform_share": to_decimal_string(split.platform),
        "tax": to_decimal_string(split.tax),
        "cut_off": settlement.reason in CUT_REASONS,
        "cut_error_ms": cut_error_ms,
        "wallet_before": to_decimal_string(after + split.charge),
        "wallet_after": to_decimal_string(after),
        "refused_reason": result.refused.summary.reason,
        "premium": _premium_json(result),
        "receipt": result.receipt,
        "books_ok": not result.findings,
    }


def _premium_json(result: Outcome) -> dict[str, Any]:
    expected, settlement = _expected(result), result.carried.summary.settlement
    return {
        "answered_before_acceptance": result.premium.answered_before_acceptance,
        "talk_seconds": settlement.used_seconds if settlement else 0,
        "retail": to_decimal_string(expected.retail),
        "outpayment_expected": to_decimal_string(expected.outpayment),
        "expert_expected": to_decimal_string(expected.expert),
        "bye_ms": result.premium.bye_ms,
    }


def _money(money: Money) -> str:
    return format_money(money, cast.LANGUAGE)
