"""`primeline restarts`: what was found when the call application came back."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import restarts
from billing.calls.restarts import RestartReport
from primeline.commands.common import JsonOption, show_list, transact
from primeline.commands.history import LimitOption


def list_restarts(limit: LimitOption = 20, as_json: JsonOption = False) -> None:
    """List the calls that were found after each restart, what they cost, what may be lost."""

    async def work(s: AsyncSession) -> tuple[RestartReport, ...]:
        return (await restarts.page_restarts(s, limit=limit)).items

    rows = [row for report in transact(work) for row in _rows(report)]
    show_list(rows, title="Restarts", as_json=as_json)


def _rows(report: RestartReport) -> list[dict[str, Any]]:
    return [
        {
            "found_at": report.found_at,
            "cause": str(report.cause),
            "asterisk": report.asterisk_id,
            "call": call.call_id,
            "state": call.state,
            "outcome": str(call.outcome),
            "charge": call.charge,
            "most_lost_ms": call.most_lost_ms,
            "most_lost": call.most_lost,
        }
        for call in report.calls
    ]
