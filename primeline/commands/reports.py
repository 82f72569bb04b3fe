"""`primeline revenue` and `primeline price`: what calls earned, and what one would cost."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.revenue import By, RevenueLine, RevenueReport, report
from billing.charging.enquiry import PriceEnquiry, enquire
from billing.kit.clock import now
from billing.money.text import parse
from dialplan.prompts.sentences import transcript
from dialplan.prompts.values import Phrase
from primeline.commands.common import JsonOption, show_list, show_one, transact

DAYS = 30


def revenue(
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="The first day; 30 days ago"),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, which counts; today"),
    ] = None,
    by: Annotated[By, typer.Option(help="What there is a line for")] = By.DAY,
    time_zone: Annotated[str, typer.Option(help="Whose days these are: Europe/Paris")] = "UTC",
    as_json: JsonOption = False,
) -> None:
    """Report what calls earned, from the settlements: the sums are those of the ledger."""
    end = last.date() if last else now().date()
    begin = first.date() if first else end - timedelta(days=DAYS - 1)

    async def work(s: AsyncSession) -> RevenueReport:
        return await report(s, by=by, first=begin, last=end, time_zone=time_zone)

    found = transact(work)
    lines = [_line(line, by, whole=as_json) for line in found.lines]
    totals = [_line(line, by, whole=as_json) for line in found.totals]
    if as_json:
        show_one(
            _head(by, begin, end, time_zone) | {"lines": lines, "totals": totals}, as_json=True
        )
        return
    show_list(lines, title=f"Revenue, {begin} to {end}", as_json=False)
    show_list(totals, title="In all", as_json=False)


def _head(by: By, first: date, last: date, time_zone: str) -> dict[str, Any]:
    return {
        "by": str(by),
        "first": first.isoformat(),
        "last": last.isoformat(),
        "time_zone": time_zone,
    }


def _line(line: RevenueLine, by: By, *, whole: bool) -> dict[str, Any]:
    named = {"name": line.expert_name} if by is By.EXPERT else {}
    shown = {
        str(by): line.key,
        **named,
        "currency": line.currency,
        "calls": line.calls,
        "paid": line.paid_calls,
        "seconds": line.billed_seconds,
        "gross": line.gross,
        "tax": line.tax,
        "expert": line.expert,
        "platform": line.platform,
        "refunded": line.refunded,
        "expected": line.expected.outpayment,
    }
    if whole:
        return shown | {
            "expert_id": line.expert_id,
            "metered_seconds": line.expected.metered_seconds,
            "expected_retail": line.expected.retail,
            "expected_expert": line.expected.expert,
            "expected_platform": line.expected.platform,
            "unpaid": dict(line.unpaid),
        }
    return shown | {"unpaid": ", ".join(f"{n} {reason}" for reason, n in line.unpaid.items())}


def price(
    number: Annotated[str, typer.Argument(help="A number of ours: +33 1 99 00 12 34")],
    expert: Annotated[str | None, typer.Option(help="The expert's extension")] = None,
    amount: Annotated[str | None, typer.Option(help="How much there is to spend: 10.00")] = None,
    language: Annotated[str, typer.Option(help="Of the announced sentence: en or fr")] = "en",
    as_json: JsonOption = False,
) -> None:
    """Say what a call would cost if it were made now, and how long an amount lasts."""

    async def work(s: AsyncSession) -> PriceEnquiry:
        return await enquire(s, number=number, extension=expert, at=now())

    found = transact(work)
    tariff = found.tariff
    values: dict[str, Any] = {
        "number": found.number,
        "expert": found.expert,
        "billed_by": found.billed_by,
        "tariff": found.name,
        "valid_from": found.valid_from,
        "window": found.window,
        "announced": transcript(Phrase("price", tariff), language),
    }
    if amount is not None:
        values["buys_seconds"] = found.buys(parse(amount, tariff.currency))
    for seconds, cost in found.costs():
        values[f"cost_of_{seconds}_seconds"] = cost
    show_one(values, as_json=as_json)
