"""`primeline tariff`: prices by name, in versions that are never edited."""

import re
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.tollfree import check_notice
from billing.kit.clock import now
from billing.money.text import parse
from billing.tariffs import listing, service
from billing.tariffs.net import windows_with_tax, with_tax
from billing.tariffs.rules import check
from billing.tariffs.service import KeptTariff, TariffNotBegun, TariffUnknown
from billing.tariffs.text import window_of
from billing.tariffs.values import Tariff
from billing.tariffs.windows import Timetable
from primeline.commands.common import JsonOption, audited, show_list, show_one, transact
from primeline.commands.tariff_shown import show_all, values_of, windows_of

app = typer.Typer(no_args_is_help=True, help="What calls cost.")

_INCREMENTS = re.compile(r"(\d{1,5})/(\d{1,5})")
_PERCENT = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))?")


def increments_of(text: str) -> tuple[int, int]:
    """Read "60/60": the first and each next block in seconds."""
    match = _INCREMENTS.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter("write two numbers of seconds, like 60/60 or 1/1")
    return int(match[1]), int(match[2])


def basis_points_of(text: str) -> int:
    """Read a percentage, "20" or "5.5", as basis points."""
    match = _PERCENT.fullmatch(text.strip().removesuffix("%").strip())
    if match is None:
        raise typer.BadParameter("write a percentage with at most two decimals, like 20 or 5.5")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def moment_of(text: str | None) -> datetime:
    """Read a start, "2026-12-01" or with a time, in UTC where it names no zone; None: now."""
    if text is None:
        return now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            "write a date like 2026-12-01 or 2026-12-01T08:00+01:00"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The tariff's name; a known one gets a new version")],
    price: Annotated[str, typer.Option(help="Price a minute, tax included: 1.20")],
    currency: Annotated[str, typer.Option(help="EUR, GBP, USD or CHF")] = "EUR",
    connect_fee: Annotated[str, typer.Option(help="Once, if anything is charged")] = "0",
    minimum: Annotated[str, typer.Option(help="The least a charged call costs")] = "0",
    maximum: Annotated[str | None, typer.Option(help="The most a call costs")] = None,
    increments: Annotated[str, typer.Option(help="First and next block in seconds")] = "1/1",
    free_seconds: Annotated[int, typer.Option(help="Not charged, at the start")] = 0,
    maximum_seconds: Annotated[int, typer.Option(help="The longest talk")] = 3_600,
    tax: Annotated[str, typer.Option(help="Per cent of tax contained in the prices")] = "0",
    act_price: Annotated[
        str | None, typer.Option(help="Price of an act, tax included; without it none are sold")
    ] = None,
    act_minimum: Annotated[
        int, typer.Option(help="An act is due once it has lasted so many seconds")
    ] = 10,
    act_maximum: Annotated[int, typer.Option(help="The longest act, in seconds")] = 1_800,
    net: Annotated[
        bool, typer.Option("--net", help="All prices are without tax, which is added to them")
    ] = False,
    window: Annotated[
        list[str] | None,
        typer.Option(help='Other prices at some times: "night mon-fri,holiday 20:00-06:00 0.60"'),
    ] = None,
    time_zone: Annotated[
        str, typer.Option("--zone", help="By whose clock the windows are")
    ] = "UTC",
    holidays: Annotated[
        str | None,
        typer.Option(help="Whose public holidays are no weekdays: FR or DE-BY; without it none"),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="When it begins; without it, now")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add a tariff, or a new version of one."""
    first, following = increments_of(increments)
    tariff = Tariff(
        price_per_minute=parse(price, currency),
        connect_fee=parse(connect_fee, currency),
        minimum_charge=parse(minimum, currency),
        maximum_charge=None if maximum is None else parse(maximum, currency),
        first_increment_seconds=first,
        next_increment_seconds=following,
        free_seconds=free_seconds,
        maximum_seconds=maximum_seconds,
        tax_basis_points=basis_points_of(tax),
        price_per_act=None if act_price is None else parse(act_price, currency),
        act_minimum_seconds=act_minimum,
        act_maximum_seconds=act_maximum,
    )
    check(tariff)
    timetable = None
    if window:
        read = tuple(window_of(one, tariff) for one in window)
        timetable = Timetable(time_zone, holidays, read)
    elif holidays is not None:
        raise typer.BadParameter("holidays count only in windows; add a --window")
    if net:
        tariff = with_tax(tariff)
        timetable = timetable and windows_with_tax(timetable, tariff.tax_basis_points)
    kept = _add(name, tariff, timetable, moment_of(start))
    if as_json:
        show_one(values_of(kept) | {"windows": windows_of(kept)}, as_json=True)
    else:
        show_one(values_of(kept), as_json=False)
        if timetable is not None:
            show_list(windows_of(kept), title="Windows", as_json=False)


def _add(
    name: str, tariff: Tariff, timetable: Timetable | None, valid_from: datetime
) -> KeptTariff:
    async def work(s: AsyncSession) -> KeptTariff:
        at = now()
        service.check(tariff, timetable)
        known = await service.find(s, name)
        if known is not None:
            await check_notice(s, known, tariff, valid_from=valid_from, at=at, timetable=timetable)
        kept = await service.add_version(
            s, name=name, tariff=tariff, valid_from=valid_from, at=at, timetable=timetable
        )
        detail = values_of(kept) | {"windows": windows_of(kept)}
        await audited(s, "added", "tariff", kept.version_id, **detail)
        return kept

    return transact(work)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List all tariffs with their versions."""

    async def work(s: AsyncSession) -> list[KeptTariff]:
        return await listing.list_versions(s)

    show_all(transact(work), title="Tariffs", as_json=as_json)


@app.command()
def show(name: str, as_json: JsonOption = False) -> None:
    """Show the versions of one tariff."""

    async def work(s: AsyncSession) -> list[KeptTariff]:
        versions = await listing.list_versions(s, name)
        if not versions:
            raise TariffUnknown(name)
        return versions

    show_all(transact(work), title=f"Tariff {name}", as_json=as_json)


@app.command()
def at(
    name: str,
    moment: Annotated[
        str | None, typer.Option("--time", help="The moment asked about; without it, now")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the price that is in force at a moment, and by which window."""
    asked = moment_of(moment)

    async def work(s: AsyncSession) -> KeptTariff:
        kept = await service.in_force(s, await service.by_name(s, name), asked)
        if kept is None:
            raise TariffNotBegun(name, asked)
        return kept

    kept = transact(work)
    local = (
        asked if kept.timetable is None else asked.astimezone(ZoneInfo(kept.timetable.time_zone))
    )
    told = {
        "name": kept.name,
        "at": asked,
        "local_time": local.isoformat(timespec="minutes"),
        "window": None if kept.window is None else kept.window.name,
    }
    show_one(told | values_of(kept), as_json=as_json)


@app.command()
def windows(name: str, as_json: JsonOption = False) -> None:
    """Show the windows of the version of a tariff that is in force."""

    async def work(s: AsyncSession) -> KeptTariff:
        at = now()
        kept = await service.version_at(s, await service.by_name(s, name), at)
        if kept is None:
            raise TariffNotBegun(name, at)
        return kept

    show_list(windows_of(transact(work)), title=f"Windows of tariff {name}", as_json=as_json)
