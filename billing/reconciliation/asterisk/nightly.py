"""Each night: yesterday against Asterisk's record, and an alarm for what nothing explains."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.database import allow
from billing.monitoring.alarms import clear_alarm, list_alarms, raise_alarm
from billing.monitoring.values import AlarmKind
from billing.reconciliation.asterisk.service import Scope, reconcile
from billing.reconciliation.asterisk.values import EXPLAINED, Report

LONGEST_MS: Final = 600_000
"""How long one request to the database may take here."""

REPEATED: Final = timedelta(days=30)
"""A day that differs is compared again each night for so long: what is put right clears itself."""

_DAY: Final = timedelta(days=1)
_KIND: Final = AlarmKind.RECORD_DIFFERS


def scope_of(day: date, time_zone: str) -> Scope:
    """Give the calls of a day, and those received before that were settled since it began.

    2026-03-29 in Europe/Paris, a day of 23 hours, ends at 22:00 UTC.
    """
    place = ZoneInfo(time_zone)
    first, last = (
        datetime.combine(one, time(), place).astimezone(UTC) for one in (day, day + _DAY)
    )
    return Scope(first, last, late_too=True)


def sentence_of(day: date, report: Report) -> str:
    """Say what is wrong with a day's calls, and where to look.

    "1 difference of 2026-11-22 can't be explained (not-billed: 1), 9 calls were compared; …"
    """
    causes = ", ".join(
        f"{cause}: {times}"
        for cause, times in sorted(report.causes.items())
        if cause not in EXPLAINED
    )
    many = "s" if report.wrong > 1 else ""
    return (
        f"{report.wrong} difference{many} of {day} can't be explained ({causes}),"
        f" {report.compared} calls were compared; see primeline reconcile --day {day}."
    )


async def open_days(s: AsyncSession, *, at: datetime) -> list[date]:
    """List the days whose differences are open, oldest first; those too old are given up."""
    days = []
    for alarm in await list_alarms(s, kind=_KIND):
        if at - alarm.raised_at > REPEATED:
            await clear_alarm(s, _KIND, alarm.subject, at=at)
        else:
            days.append(date.fromisoformat(alarm.subject))
    return sorted(days)


def yesterday(at: datetime, time_zone: str) -> date:
    """Give the day that is over where the operator is."""
    return at.astimezone(ZoneInfo(time_zone)).date() - _DAY


async def compare_day(s: AsyncSession, day: date, time_zone: str, *, at: datetime) -> Report:
    """Compare a day; raises its alarm, or clears it. Doing it again does no harm."""
    await allow(s, LONGEST_MS)
    report = await reconcile(s, scope_of(day, time_zone), at=at)
    if report.wrong:
        await raise_alarm(s, _KIND, day.isoformat(), sentence_of(day, report), at=at)
    else:
        await clear_alarm(s, _KIND, day.isoformat(), at=at)
    return report
