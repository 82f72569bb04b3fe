"""Each night: yesterday against Asterisk's record, and an alarm for what nothing explains."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.database import allow
from billing.monitoring.alarms import clear_alarm, list_alarms, raise_alarm
from billing.monitoring.values import AlarmKind
from billing.reconciliation.asterisk import results
from billing.reconciliation.asterisk.service import Scope, reconcile
from billing.reconciliation.asterisk.values import Report

LONGEST_MS: Final = 600_000
"""How long one request to the database may take here."""

REPEATED: Final = timedelta(days=30)
"""A day that differs is compared again each night for so long: what is put right clears itself."""

NAMED: Final = 3
"""Calls that the alarm names; the others are in the comparison that is kept."""

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


def sentence_of(day: date, time_zone: str, report: Report) -> str:
    """Say what is wrong with a day's calls, which calls these are, and where to look.

    "1 difference of 2026-11-22 in Europe/Paris can't be explained: call 019a… (talk:
    not-billed). 9 calls were compared; see primeline reconcile --day 2026-11-22 …"
    """
    wrong = [one for one in report.differences if not one.explained]
    named = ", ".join(f"call {one.call_id} ({one.what}: {one.cause})" for one in wrong[:NAMED])
    more = report.wrong - min(len(wrong), NAMED)
    return (
        f"{_counted(report.wrong, 'difference')} of {day} in {time_zone} can't be explained:"
        f" {named}{f' and {more} more' if more else ''}."
        f" {_counted(report.compared, 'call')} {'was' if report.compared == 1 else 'were'}"
        f" compared; see primeline reconcile --day {day} --time-zone {time_zone}."
    )


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


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
    """Compare a day and keep the result; raises its alarm, or clears it.

    Who has acknowledged the alarm isn't asked again, unless there is something new in it.
    """
    await allow(s, LONGEST_MS)
    scope = scope_of(day, time_zone)
    report = await reconcile(s, scope, at=at)
    news = await results.has_news(s, scope, report)
    await results.keep(s, scope, report, by=results.NIGHTLY, at=at)
    if report.wrong:
        sentence = sentence_of(day, time_zone, report)
        await raise_alarm(s, _KIND, day.isoformat(), sentence, at=at, news=news)
    else:
        await clear_alarm(s, _KIND, day.isoformat(), at=at)
    return report
