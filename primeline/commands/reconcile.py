"""`primeline reconcile`: what we billed against Asterisk's own record."""

import sys
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.clock import from_ms, now
from billing.kit.zones import check_zone
from billing.reconciliation.asterisk import results, rules
from billing.reconciliation.asterisk.service import Scope
from billing.reconciliation.asterisk.service import reconcile as compare
from billing.reconciliation.asterisk.values import Cause, Difference, Report
from primeline.commands.common import JsonOption, actor, audited, show_list, show_one, transact
from primeline.running import find_settings

_DAY = timedelta(days=1)


def reconcile(
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="The first day; yesterday"),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, which counts; today"),
    ] = None,
    day: Annotated[
        datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="One day alone")
    ] = None,
    call: Annotated[UUID | None, typer.Option("--call", help="One call alone, by its id")] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Whose days these are; the operator's: Europe/Paris")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the result, as each night's is")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare paid time and charges with Asterisk's own record; status 1 if any is unexplained."""
    scope = _scope(first, last, day, call, time_zone or find_settings().time_zone)
    console = Console(stderr=True)

    with Progress(console=console, disable=as_json or not sys.stderr.isatty()) as bar:
        task = bar.add_task("Calls", total=None)

        async def work(s: AsyncSession) -> Report:
            found = await compare(
                s,
                scope,
                at=now(),
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
            if keep:
                kept_id = await results.keep(s, scope, found, by=actor(), at=now())
                await audited(s, "kept", "reconciliation", kept_id, unexplained=found.wrong)
            return found

        report = transact(work)
    _show(report, as_json=as_json)
    if report.wrong:
        raise typer.Exit(1)


def _scope(
    first: datetime | None,
    last: datetime | None,
    day: datetime | None,
    call: UUID | None,
    time_zone: str,
) -> Scope:
    if ((day or call) and (first or last)) or (day and call):
        raise typer.BadParameter("Give --from and --to, or --day, or --call.")
    place = ZoneInfo(check_zone(time_zone))
    from_day, to_day = day or first, day or last
    end = to_day.date() if to_day else now().astimezone(place).date()
    begin = from_day.date() if from_day else end - _DAY
    if begin > end:
        raise typer.BadParameter("--from is after --to.")
    return Scope(
        datetime.combine(begin, time(), place).astimezone(UTC),
        datetime.combine(end + _DAY, time(), place).astimezone(UTC),
        call,
    )


def _show(report: Report, *, as_json: bool) -> None:
    figures: dict[str, Any] = {
        "compared": report.compared,
        "exact": report.exact,
        f"within_{rules.TOLERANCE_MS}_ms": report.within,
        "without_paid_time": report.free,
        "differences": sum(report.causes.values()),
        "unexplained": report.wrong,
        "still_open": report.open_calls,
        "refused_before_us": report.strangers,
        "ours_ms": report.ours_ms,
        "asterisks_ms": report.asterisks_ms,
        "overrun_ms": report.overrun_ms,
    }
    lines = [line_of(one) for one in report.differences]
    if as_json:
        causes = {str(cause): n for cause, n in sorted(report.causes.items())}
        figures["kept_from"] = from_ms(report.kept_from_ms) if report.kept_from_ms else None
        show_one(figures | {"causes": causes, "listed": lines}, as_json=True)
        return
    show_one(figures, as_json=False)
    if lines:
        show_list(lines, title="Differences", as_json=False)
    if expired := report.causes[Cause.RECORD_EXPIRED]:
        kept = from_ms(report.kept_from_ms)
        typer.echo(
            f"Asterisk's record is kept since {kept:%Y-%m-%d %H:%M} UTC: of what was received"
            f" before, {expired} can't be compared any more, only charges were."
        )
    typer.echo(
        f"reconcile: {report.wrong} unexplained" if report.wrong else "reconcile: all explained"
    )


def line_of(one: Difference) -> dict[str, Any]:
    """Give a difference as it is listed."""
    ours, asterisks = one.ours, one.asterisks
    return {
        "call": one.call_id,
        "received": from_ms(one.received_ms),
        "what": one.what,
        "ours": ours,
        "asterisks": asterisks,
        "difference": None if ours is None or asterisks is None else ours - asterisks,
        "off_ms": one.off_ms,
        "cause": str(one.cause),
        "explained": one.explained,
        "sentence": one.sentence,
    }
