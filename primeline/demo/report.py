"""What the demo proved, told from the database: timeline, ledger, shares, books."""

from dataclasses import dataclass
from typing import Any

from billing.calls import books
from billing.calls import service as calls
from billing.calls.records import CallRecord
from billing.kit.database import Sessions
from billing.money.text import format_money, to_decimal_string
from billing.money.values import Money
from primeline.demo import cast
from primeline.demo.screen import Screen

CUT_REASONS = {"credit-used-up", "maximum-reached"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The records of both calls and the state of the books."""

    paid: CallRecord
    refused: CallRecord
    findings: list[str]


async def outcome(sessions: Sessions) -> Outcome:
    """Read both calls, the latest last, and check the books."""
    async with sessions() as s:
        refused, paid, *_ = await calls.list_calls(s)
        paid_record = await calls.get_call(s, paid.call_id)
        refused_record = await calls.get_call(s, refused.call_id)
    async with sessions() as s:
        findings = [str(finding) for finding in await books.check(s)]
    return Outcome(paid_record, refused_record, findings)


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
    if result.findings:
        screen.say("[red]books check:[/]")
        for finding in result.findings:
            screen.say(f"  {finding}")
    else:
        screen.say("books check: [green]ok[/]")


def as_json(result: Outcome, cut_error_ms: int) -> dict[str, Any]:
    """The outcome as one flat object; money as decimal strings with four places."""
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
        "books_ok": not result.findings,
    }


def _money(money: Money) -> str:
    return format_money(money, cast.LANGUAGE)
