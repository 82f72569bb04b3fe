"""Periods of whole days on somebody's clock, as commands take them."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from billing.kit.clock import now
from billing.kit.zones import check_zone

FirstOption = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day; yesterday")
]
LastOption = Annotated[
    datetime | None,
    typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, which counts; today"),
]
ZoneOption = Annotated[str, typer.Option(help="Whose days these are: Europe/Paris")]

_DAY = timedelta(days=1)


def period_of(
    first: datetime | None, last: datetime | None, time_zone: str
) -> tuple[datetime, datetime]:
    """Give the moments from the first day's midnight to the one after the last day."""
    place = ZoneInfo(check_zone(time_zone))
    end = last.date() if last else now().astimezone(place).date()
    begin = first.date() if first else end - _DAY
    if begin > end:
        raise typer.BadParameter("--from is after --to.")
    return (
        datetime.combine(begin, time(), place).astimezone(UTC),
        datetime.combine(end + _DAY, time(), place).astimezone(UTC),
    )
