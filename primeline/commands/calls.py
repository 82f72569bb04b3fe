"""`primeline calls`: the latest calls, and each one's whole story."""

from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import service
from billing.calls.records import CallRecord, CallSummary
from billing.charging.values import Settlement
from billing.kit.clock import from_ms
from primeline.commands.common import JsonOption, show_list, show_one, transact

app = typer.Typer(invoke_without_command=True, help="Calls, open and ended.")

LimitOption = Annotated[int, typer.Option(help="How many at most", min=1, max=10_000)]
OpenOption = Annotated[bool, typer.Option("--open", help="Only calls that go on")]


@app.callback()
def latest(ctx: typer.Context) -> None:
    """Without a command: list the latest."""
    if ctx.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(
    limit: LimitOption = 50, only_open: OpenOption = False, as_json: JsonOption = False
) -> None:
    """List the latest calls, newest first."""

    async def work(s: AsyncSession) -> list[CallSummary]:
        return await service.list_calls(s, limit=limit, open_only=only_open)

    show_list([_line(call) for call in transact(work)], title="Calls", as_json=as_json)


@app.command()
def show(call_id: UUID, as_json: JsonOption = False) -> None:
    """Show a call: what happened when, what it cost, who got what."""

    async def work(s: AsyncSession) -> CallRecord:
        return await service.get_call(s, call_id)

    call = transact(work)
    parts: dict[str, list[dict[str, Any]]] = {
        "timeline": [
            {
                "at": from_ms(entry.at_ms),
                "ms": entry.at_ms % 1_000,
                "what": entry.what,
                "detail": " ".join(f"{name}={value}" for name, value in entry.detail.items()),
            }
            for entry in call.timeline
        ],
        "phones": [
            {
                "phone": dial.endpoint,
                "rung_at": dial.began_at,
                "ended_at": dial.ended_at,
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
            {"from_ms": interval.start_ms, "to_ms": interval.end_ms} for interval in call.intervals
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
    head = _line(call.summary) | _money(call.summary.settlement) | {"nobody_pays": call.no_payer}
    if as_json:
        show_one(head | parts, as_json=True)
        return
    show_one(head, as_json=False)
    for name, rows in parts.items():
        show_list(rows, title=name.replace("_", " ").capitalize(), as_json=False)


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
