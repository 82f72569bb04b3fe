"""`primeline calls`: the latest calls, and each one's whole story."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import finding, live, story
from billing.calls.live import LiveCall
from billing.calls.records import CallRecord, CallSummary
from billing.calls.searching import CallFilter, search
from billing.calls.story import Story
from billing.calls.values import EndReason
from billing.charging.premium.values import PremiumDue
from billing.charging.values import Settlement
from billing.disputes import service as disputes
from billing.disputes.values import Dispute
from billing.kit.clock import now, to_ms
from billing.kit.logs import masked
from billing.money.text import parse
from billing.refunds import service as refunds
from billing.refunds.values import Refund
from primeline.commands import orders
from primeline.commands.common import JsonOption, show_list, show_one, transact

app = typer.Typer(invoke_without_command=True, help="Calls, open and ended.")

app.command("end")(orders.end)
app.command("propose-paid")(orders.propose_paid)
app.command("back-to-free")(orders.back_to_free)
app.command("free-minutes")(orders.free_minutes)

LimitOption = Annotated[int, typer.Option(help="How many at most", min=1, max=10_000)]
OpenOption = Annotated[bool, typer.Option("--open", help="Only calls that go on")]


SinceOption = Annotated[datetime | None, typer.Option(help="Received then or later, local time")]
UntilOption = Annotated[datetime | None, typer.Option(help="Received before, local time")]


@app.callback()
def latest(ctx: typer.Context) -> None:
    """Without a command: list the latest."""
    if ctx.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(
    limit: LimitOption = 50,
    only_open: OpenOption = False,
    since: SinceOption = None,
    until: UntilOption = None,
    number: Annotated[str | None, typer.Option(help="A number of ours")] = None,
    expert: Annotated[str | None, typer.Option(help="An expert's extension")] = None,
    caller: Annotated[
        str | None, typer.Option(help="The number called from, or one of the caller's")
    ] = None,
    reason: Annotated[EndReason | None, typer.Option(help="Why it ended")] = None,
    min_charge: Annotated[str | None, typer.Option(help="It cost at least this: 1.00")] = None,
    currency: Annotated[str, typer.Option(help="Of --min-charge")] = "EUR",
    as_json: JsonOption = False,
) -> None:
    """List calls, newest first."""
    least = None if min_charge is None else parse(min_charge, currency)
    wanted = CallFilter(
        state="open" if only_open else None,
        since=since and since.astimezone(),
        until=until and until.astimezone(),
        number=number,
        expert=expert,
        caller=caller,
        reason=reason,
        least_charge=None if least is None else least.amount,
        currency=None if least is None else least.currency,
    )

    async def work(s: AsyncSession) -> tuple[Sequence[CallSummary], dict[UUID, str]]:
        found = (await search(s, wanted, limit=limit)).items
        return found, await finding.beginnings(s, [call.call_id for call in found])

    found, short = transact(work)
    rows = [_line(call) if as_json else _row(call, short[call.call_id]) for call in found]
    show_list(rows, title="Calls", as_json=as_json)


@app.command("live")
def live_(as_json: JsonOption = False) -> None:
    """List the calls that go on, with what each would cost if it ended now."""

    async def work(s: AsyncSession) -> tuple[list[LiveCall], dict[UUID, str]]:
        found = await live.list_live(s, now())
        return found, await finding.beginnings(s, [call.call_id for call in found])

    found, short = transact(work)
    rows = [_running(call, short[call.call_id], whole=as_json) for call in found]
    show_list(rows, title="Calls that go on", as_json=as_json)


@app.command()
def show(
    call_id: Annotated[str, typer.Argument(help="A call's id, or its beginning")],
    as_json: JsonOption = False,
) -> None:
    """Show a call: what happened when, what it cost, who got what."""

    async def work(s: AsyncSession) -> tuple[Story, Dispute | None, tuple[Refund, ...]]:
        found = await finding.call_by_beginning(s, call_id)
        given_back = await refunds.refunds_of(s, found)
        return await story.tell(s, found), await disputes.of_call(s, found), given_back

    told, dispute, given_back = transact(work)
    call = told.record
    head = (
        _line(call.summary)
        | _money(call.summary.settlement)
        | _after_refunds(call.summary.settlement, given_back)
        | _premium(call)
        | _priced_by(told)
        | {"nobody_pays": call.no_payer}
        | ({"dispute": str(dispute.state), "disputed": dispute.reason} if dispute else {})
    )
    parts = _parts(call) | {"arithmetic": _arithmetic(told), "receipts": _receipts(told)}
    if given_back:
        parts["refunds"] = [
            {
                "amount": one.amount,
                "why": str(one.reason),
                "made": one.made_at,
                "borne_by": str(one.borne_by),
                "note": one.note,
            }
            for one in given_back
        ]
    if as_json:
        show_one(head | parts, as_json=True)
        return
    show_one(head, as_json=False)
    for name, rows in parts.items():
        show_list(rows, title=name.replace("_", " ").capitalize(), as_json=False)


def _after_refunds(settled: Settlement | None, given_back: tuple[Refund, ...]) -> dict[str, Any]:
    # What went back of a premium-rate call was its carrier's, not a charge of ours.
    if settled is None or not settled.charge or not given_back:
        return {}
    return {"after_refunds": sum((-one.amount for one in given_back), settled.charge)}


def _priced_by(told: Story) -> dict[str, str | None]:
    if told.priced_by is None:
        return {}
    tariff, window = told.priced_by
    return {"tariff": tariff, "window": window}


def _parts(call: CallRecord) -> dict[str, list[dict[str, Any]]]:
    """Give what a call is made of; times are seconds from its start."""
    start_ms = min([to_ms(call.summary.received_at), *(one.at_ms for one in call.timeline)])

    def since(at: int | datetime | None) -> str | None:
        at_ms = to_ms(at) if isinstance(at, datetime) else at
        return None if at_ms is None else _seconds(at_ms - start_ms)

    return {
        "timeline": [
            {
                "seconds": since(entry.at_ms),
                "what": entry.what,
                "detail": " ".join(f"{name}={value}" for name, value in entry.detail.items()),
            }
            for entry in call.timeline
        ],
        "phones": [
            {
                "phone": dial.endpoint,
                "rung_at": since(dial.began_at),
                "ended_at": since(dial.ended_at),
                "result": dial.result,
            }
            for dial in call.dials
        ],
        "grants": [
            {
                "request": grant.request_number,
                "granted_seconds": grant.granted_seconds,
                "held": grant.held,
                "final": grant.final,
            }
            for grant in call.grants
        ],
        "paid_time": [
            {
                "from": since(interval.start_ms),
                "to": since(interval.end_ms),
                "seconds": interval.end_ms and _seconds(interval.end_ms - interval.start_ms),
            }
            for interval in call.intervals
        ],
        "ledger": [
            {
                "kind": line.kind,
                "from": line.debit,
                "to": line.credit,
                "amount": line.amount,
                "reason": line.reason,
            }
            for line in call.ledger
        ],
    }


def _arithmetic(told: Story) -> list[dict[str, Any]]:
    return [{"step": step.what, "how": step.sentence} for step in told.steps]


def _receipts(told: Story) -> list[dict[str, Any]]:
    return [
        {"to": masked(one.to_e164), "state": one.state, "text": one.text} for one in told.receipts
    ]


def _running(call: LiveCall, short: str, *, whole: bool) -> dict[str, Any]:
    """Give a call that goes on as a line; `whole`: ids and numbers in full."""
    talk = call.talk
    return {
        "call": call.call_id if whole else short,
        "state": call.state,
        "since": call.state_since if whole else f"{call.state_since.astimezone():%H:%M:%S}",
        "dialled": call.dialled,
        "caller": (call.caller_number or "anonymous") if whole else masked(call.caller_number),
        "expert": call.expert_name,
        "seconds": talk.used_seconds if talk else None,
        "costs_now": talk.charge if talk else None,
        "granted_left": talk.granted_seconds_left if talk else None,
    }


def _seconds(ms: int) -> str:
    return f"{ms // 1_000}.{ms % 1_000:03}"


def _row(call: CallSummary, short: str) -> dict[str, Any]:
    """Give a call as a line of the table: times are local, callers' numbers masked."""
    settlement = call.settlement
    return {
        "call": short,
        "time": f"{call.received_at.astimezone():%m-%d %H:%M:%S}",
        "dialled": call.dialled,
        "caller": masked(call.caller_number),
        "expert": call.expert_name,
        "seconds": settlement.billed_seconds if settlement else None,
        "charge": settlement.charge if settlement else None,
        "reason": call.reason or call.state,
    }


def _line(call: CallSummary) -> dict[str, Any]:
    settlement = call.settlement
    return {
        "id": call.call_id,
        "received": call.received_at,
        "from": call.caller_number or "anonymous",
        "to": call.dialled,
        "expert": call.expert_name,
        "state": call.state,
        "reason": call.reason,
        "seconds": settlement.billed_seconds if settlement else None,
        "charge": settlement.charge if settlement else None,
    }


def _premium(call: CallRecord) -> dict[str, Any]:
    """What the carrier charges the caller and is expected to pay, where it bills him."""
    if call.premium is None:
        return {}
    terms, settlement = call.premium.terms, call.summary.settlement
    prices = {
        "carrier": terms.carrier,
        "retail_per_minute": terms.retail_per_minute,
        "retail_per_call": terms.retail_per_call,
        "cap_seconds": call.premium.cap.seconds,
        "rule_sets": call.premium.bounds.rule_set,
    }
    if settlement is None or settlement.premium is None:
        return prices
    outcome = settlement.premium
    return prices | {
        "metered_seconds": outcome.metered_seconds,
        "retail_price": outcome.retail,
        "outpayment_expected": outcome.outpayment,
        "expert_expected": outcome.expert,
        "platform_expected": outcome.platform,
        **_due(call.premium_due),
    }


def _due(due: PremiumDue | None) -> dict[str, Any]:
    """Where the outpayment stands by the carrier's statements."""
    if due is None:
        return {}
    return {
        "outpayment_state": due.state,
        "outpayment_due": due.outpayment,
        "expert_due": due.expert,
        "platform_due": due.platform,
    }


def _money(settlement: Settlement | None) -> dict[str, Any]:
    if settlement is None or settlement.split is None:
        return {}
    return {
        "talked_seconds": settlement.used_seconds,
        "tax": settlement.split.tax,
        "expert_gets": settlement.split.expert,
        "platform_gets": settlement.split.platform,
        "overrun_ms": settlement.overrun_ms,
        "credit_left": settlement.wallet_available,
    }
