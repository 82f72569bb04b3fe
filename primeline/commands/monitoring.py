"""`primeline alarms` and `primeline status`: what is wrong, and how everything is."""

from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.clock import now
from billing.monitoring import alarms, states
from billing.monitoring.values import Alarm
from primeline.commands.common import JsonOption, actor, audited, show_list, show_one, transact


def list_alarms(
    cleared: Annotated[bool, typer.Option("--all", help="Those that were cleared, too")] = False,
    limit: Annotated[int, typer.Option(help="How many at most", min=1, max=10_000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """List what is wrong now, newest first."""

    async def work(s: AsyncSession) -> list[Alarm]:
        return await alarms.list_alarms(s, cleared_too=cleared, limit=limit)

    show_list([_values(one) for one in transact(work)], title="Alarms", as_json=as_json)


def acknowledge(
    alarm: Annotated[int, typer.Argument(help="The alarm's number", min=1, max=2**63 - 1)],
    as_json: JsonOption = False,
) -> None:
    """Note that you have seen an alarm; it stays until what it is about is right again."""

    async def work(s: AsyncSession) -> Alarm:
        found, new = await alarms.acknowledge(s, alarm, by=actor(), at=now())
        if new:
            await audited(s, "acknowledged", "alarm", alarm, kind=found.kind, about=found.subject)
        return found

    show_one(_values(transact(work)), as_json=as_json)


def _values(one: Alarm) -> dict[str, Any]:
    return {
        "alarm": one.alarm_id,
        "kind": str(one.kind),
        "subject": one.subject,
        "detail": one.detail,
        "raised_at": one.raised_at,
        "seen_at": one.seen_at,
        "times": one.times,
        "cleared_at": one.cleared_at,
        "acknowledged_by": one.acknowledged_by,
        "acknowledged_at": one.acknowledged_at,
    }


def status(as_json: JsonOption = False) -> None:
    """Show how Asterisk, trunks, our registrations and phones are, as the monitor last saw them."""

    async def work(s: AsyncSession) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = [
            {
                "kind": "asterisk",
                "name": one.asterisk_id,
                "condition": str(one.condition),
                "since": one.since,
                "seen_at": one.seen_at,
            }
            for one in await states.list_asterisks(s)
        ]
        seen = {row["name"]: row["seen_at"] for row in rows}
        return rows + [
            {
                "kind": str(one.kind),
                "name": one.name,
                "condition": str(one.condition),
                "since": one.since,
                "seen_at": seen.get(one.asterisk_id),
            }
            for one in await states.list_endpoints(s)
        ]

    show_list(transact(work), title="Status", as_json=as_json)
