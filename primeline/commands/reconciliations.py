"""`primeline reconciliations`: what comparisons with Asterisk's record came to."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.reconciliation.asterisk import results
from billing.reconciliation.asterisk.values import Difference, Kept
from primeline.commands.common import JsonOption, list_all, show_list, show_one, transact
from primeline.commands.reconcile import line_of


def reconciliations(
    reconciliation: Annotated[
        UUID | None, typer.Argument(help="Its id: show this one with all that it found")
    ] = None,
    wrong: Annotated[
        bool, typer.Option("--wrong", help="Only those with something unexplained")
    ] = False,
    limit: Annotated[int, typer.Option(help="How many at most", min=1, max=10_000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the comparisons with Asterisk's record that are kept, the latest first; or show one."""

    async def listed(s: AsyncSession) -> tuple[Kept, ...]:
        return (await results.page(s, limit=limit, wrong_only=wrong)).items

    if reconciliation is None:
        rows = [_values(one) for one in transact(listed)]
        show_list(rows, title="Reconciliations", as_json=as_json)
        return

    async def one_shown(s: AsyncSession) -> tuple[Kept, list[Difference]]:
        kept = await results.get(s, reconciliation)
        pages = partial(_differences, reconciliation)
        return kept, await list_all(pages, s)

    kept, differences = transact(one_shown)
    lines = [line_of(one) for one in differences]
    if as_json:
        show_one(_values(kept) | {"causes": dict(kept.causes), "listed": lines}, as_json=True)
        return
    show_one(_values(kept), as_json=False)
    show_list(lines, title="Differences", as_json=False)


async def _differences(kept_id: UUID, s: AsyncSession, /, *, limit: int, after: Any = None) -> Any:
    return await results.page_differences(s, kept_id, limit=limit, after=after)


def _values(one: Kept) -> dict[str, Any]:
    return {
        "reconciliation": one.kept_id,
        "first": one.first_at,
        "until": one.until,
        "call": one.call_id,
        "compared_at": one.compared_at,
        "by": one.compared_by,
        "calls": one.calls,
        "differences": one.differences,
        "unexplained": one.unexplained,
        "record_kept_from": one.kept_from,
    }
