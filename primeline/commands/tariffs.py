"""`primeline tariff`: prices by name, in versions that are never edited."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.tollfree import check_notice
from billing.kit.clock import now
from billing.money.text import parse
from billing.money.values import Money
from billing.tariffs import service
from billing.tariffs.service import KeptTariff, TariffUnknown
from billing.tariffs.values import Tariff
from primeline.commands.common import JsonOption, audited, show_list, show_one, transact

app = typer.Typer(no_args_is_help=True, help="What calls cost.")

ALWAYS_TOLD: Final = ("name", "from", "price_per_minute")

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


def percent_of(basis_points: int) -> str:
    """Write basis points as a percentage: 550 is "5.50"."""
    return f"{basis_points // 100}.{basis_points % 100:02}"


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
    valid_from = moment_of(start)

    async def work(s: AsyncSession) -> KeptTariff:
        at = now()
        known = await service.find(s, name)
        if known is not None:
            await check_notice(s, known, tariff, valid_from=valid_from, at=at)
        kept = await service.add_version(s, name=name, tariff=tariff, valid_from=valid_from, at=at)
        await audited(s, "added", "tariff", kept.version_id, **_values(kept))
        return kept

    show_one(_values(transact(work)), as_json=as_json)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List all tariffs with their versions."""

    async def work(s: AsyncSession) -> list[KeptTariff]:
        return await service.list_versions(s)

    _show_all(transact(work), title="Tariffs", as_json=as_json)


@app.command()
def show(name: str, as_json: JsonOption = False) -> None:
    """Show the versions of one tariff."""

    async def work(s: AsyncSession) -> list[KeptTariff]:
        versions = await service.list_versions(s, name)
        if not versions:
            raise TariffUnknown(name)
        return versions

    _show_all(transact(work), title=f"Tariff {name}", as_json=as_json)


def _show_all(versions: Sequence[KeptTariff], *, title: str, as_json: bool) -> None:
    """Show versions; a table leaves out what is in all of them as `tariff add` has it unasked."""
    rows = [_values(kept) for kept in versions]
    if rows and not as_json:
        usual = [_values(replace(kept, tariff=_usual(kept.tariff))) for kept in versions]
        told = [
            name
            for name in rows[0]
            if name in ALWAYS_TOLD or [row[name] for row in rows] != [row[name] for row in usual]
        ]
        rows = [{name: row[name] for name in told} for row in rows]
    show_list(rows, title=title, as_json=as_json)


def _usual(tariff: Tariff) -> Tariff:
    zero = Money.zero(tariff.currency)
    return Tariff(tariff.price_per_minute, zero, zero, None)


def _values(kept: KeptTariff) -> dict[str, Any]:
    tariff = kept.tariff
    return {
        "name": kept.name,
        "from": kept.valid_from,
        "price_per_minute": tariff.price_per_minute,
        "connect_fee": tariff.connect_fee,
        "minimum": tariff.minimum_charge,
        "maximum": tariff.maximum_charge,
        "increments": f"{tariff.first_increment_seconds}/{tariff.next_increment_seconds}",
        "free_seconds": tariff.free_seconds,
        "maximum_seconds": tariff.maximum_seconds,
        "tax_percent": percent_of(tariff.tax_basis_points),
        "price_per_act": tariff.price_per_act,
        "act_minimum_seconds": tariff.act_minimum_seconds,
        "act_maximum_seconds": tariff.act_maximum_seconds,
    }
