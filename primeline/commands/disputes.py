"""`primeline dispute`: calls whose bill somebody contests, each named by its call."""

from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import finding
from billing.disputes import service
from billing.disputes.errors import DisputeUnknown
from billing.disputes.service import DisputeFilter
from billing.disputes.values import Dispute, DisputeState, Outcome
from billing.kit.clock import now
from primeline.commands.common import JsonOption, actor, audited, show_list, show_one, transact

app = typer.Typer(no_args_is_help=True, help="Calls whose bill somebody contests.")

CallArgument = Annotated[str, typer.Argument(help="A call's id, or its beginning")]


@app.command("open")
def open_(
    call: CallArgument,
    reason: Annotated[str, typer.Option(help="Why it is contested, in words")],
    late: Annotated[
        bool, typer.Option("--late", help="Accept it after the last day to claim")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Contest an ended call, at no cost; its money stays where it is meanwhile."""

    async def work(s: AsyncSession) -> Dispute:
        call_id = await finding.call_by_beginning(s, call)
        made = await service.open_dispute(
            s, call_id, reason=reason, by=actor(), at=now(), late=late
        )
        detail = {"call": call_id, "reason": reason, "answer_by": made.answer_by}
        await audited(s, "opened", "dispute", made.dispute_id, **detail)
        return made

    show_one(values_of(transact(work)), as_json=as_json)


@app.command()
def close(
    call: CallArgument,
    outcome: Annotated[Outcome, typer.Argument(help="Upheld: all that the call moved goes back")],
    note: Annotated[str, typer.Option(help="Why, in words")],
    as_json: JsonOption = False,
) -> None:
    """Uphold or reject a call's dispute, once."""

    async def work(s: AsyncSession) -> Dispute:
        before = await _of(s, call)
        changed = await service.close_dispute(
            s,
            before.dispute_id,
            outcome=outcome,
            note=note,
            by=actor(),
            at=now(),
            expected=frozenset({before.version}),
        )
        closed = await service.get_dispute(s, before.dispute_id)
        detail = {"version": closed.version, "changed": changed}
        await audited(s, "closed", "dispute", closed.dispute_id, **detail)
        return closed

    show_one(values_of(transact(work)), as_json=as_json)


@app.command("list")
def list_(
    state: Annotated[DisputeState | None, typer.Option(help="Only these")] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only open ones past their day to answer")
    ] = False,
    limit: Annotated[int, typer.Option(help="How many at most", min=1, max=10_000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """List disputes, newest first."""
    wanted = DisputeFilter(state=state, overdue_on=now().date() if overdue else None)

    async def work(s: AsyncSession) -> list[dict[str, Any]]:
        found = (await service.page_disputes(s, wanted=wanted, limit=limit)).items
        if as_json:
            return [values_of(one) for one in found]
        short = await finding.beginnings(s, [one.call_id for one in found])
        return [
            {
                "call": short[one.call_id],
                "state": str(one.state),
                "answer_by": one.answer_by,
                "opened": one.opened_at,
                "reason": one.reason,
            }
            for one in found
        ]

    show_list(transact(work), title="Disputes", as_json=as_json)


@app.command()
def show(call: CallArgument, as_json: JsonOption = False) -> None:
    """Show a call's latest dispute."""

    async def work(s: AsyncSession) -> Dispute:
        return await _of(s, call)

    show_one(values_of(transact(work)), as_json=as_json)


async def _of(s: AsyncSession, call: str) -> Dispute:
    found = await service.of_call(s, await finding.call_by_beginning(s, call))
    if found is None:
        raise DisputeUnknown(f"of call {call}")
    return found


def values_of(dispute: Dispute) -> dict[str, Any]:
    """Give a dispute as a command shows it."""
    return {
        "call": dispute.call_id,
        "state": str(dispute.state),
        "reason": dispute.reason,
        "country": dispute.country,
        "claim_by": dispute.claim_by,
        "answer_by": dispute.answer_by,
        "opened_at": dispute.opened_at,
        "opened_by": dispute.opened_by,
        "closed_at": dispute.closed_at,
        "note": dispute.note,
        "returned": dispute.returned,
        "dispute": dispute.dispute_id,
    }
