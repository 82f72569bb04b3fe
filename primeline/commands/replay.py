"""`primeline replay`: past calls rated again, as they were or under other prices."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import finding
from billing.calls.replay import service
from billing.calls.replay.choosing import Substitution, kept_prices, listed_prices
from billing.calls.replay.reports import RepriceReport
from billing.calls.replay.rules import replay as replay_one
from billing.calls.replay.rules import reprice
from billing.calls.replay.service import Period
from billing.calls.replay.values import Replayed, Repriced
from billing.pricelists.reading import read
from primeline.commands import replayed
from primeline.commands.common import JsonOption, transact
from primeline.commands.periods import FirstOption, LastOption, ZoneOption, period_of
from primeline.commands.price_lists import content_of
from primeline.commands.tariffs import moment_of

T = TypeVar("T")


def replay(
    call: Annotated[
        str | None, typer.Argument(help="One call alone: its id, or its beginning")
    ] = None,
    first: FirstOption = None,
    last: LastOption = None,
    time_zone: ZoneOption = "UTC",
    tariff: Annotated[
        list[str] | None,
        typer.Option(help="Under this tariff; OLD=NEW: only calls under OLD, under NEW"),
    ] = None,
    price_list: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, readable=True, help="Under this CSV file, loaded or not"
        ),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Of other tariffs, the version in force then; the newest")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=0, help="How many calls are listed whose charge changes most")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """Rate past calls again; status 1 if a record says otherwise. Nothing is ever written."""
    if call is not None and (first or last):
        raise typer.BadParameter("Give a call, or --from and --to.")
    choose = _chooser(tariff or [], price_list, as_of)
    if call is not None:
        _one(call, choose, as_json=as_json)
        return
    period = period_of(first, last, time_zone)
    if choose is None:
        report = _read(
            lambda s, progress: service.replay_period(s, period, progress=progress),
            quiet=as_json,
        )
        replayed.show_report(report, as_json=as_json)
        if report.wrong:
            raise typer.Exit(1)
        return
    repriced = _read(
        lambda s, progress: _repriced(s, period, choose, limit, progress), quiet=as_json
    )
    replayed.show_repriced(repriced, as_json=as_json)


Choose = Callable[[AsyncSession], Awaitable[Substitution]]


def _chooser(tariffs: list[str], price_list: Path | None, as_of: str | None) -> Choose | None:
    """Read which other prices are meant; None: none, calls are compared with their records."""
    if not tariffs and price_list is None:
        if as_of is not None:
            raise typer.BadParameter("--as-of goes with --tariff or --price-list.")
        return None
    if tariffs and price_list is not None:
        raise typer.BadParameter("Give --tariff or --price-list.")
    moment = None if as_of is None else moment_of(as_of)
    listed = {} if price_list is None else listed_prices(read(content_of(price_list)), moment)
    pairs = [(old, new) for old, _, new in (word.rpartition("=") for word in tariffs)]
    names = [old for old, _ in pairs]
    if len(set(names)) < len(names):
        raise typer.BadParameter("Two --tariff are for the same calls.")

    async def choose(s: AsyncSession) -> Substitution:
        prices = listed | {old: await kept_prices(s, new, moment) for old, new in pairs}
        every = prices.pop("", None)
        return Substitution(prices, every)

    return choose


async def _repriced(
    s: AsyncSession,
    period: Period,
    choose: Choose,
    limit: int,
    progress: service.Progress,
) -> RepriceReport:
    return await service.reprice_period(
        s, period, await choose(s), most_listed=limit, progress=progress
    )


def _read(work: Callable[[AsyncSession, service.Progress], Awaitable[T]], *, quiet: bool) -> T:
    """Do `work` in a transaction that can't write, telling the terminal how far it is."""
    console = Console(stderr=True)
    with Progress(console=console, disable=quiet or not sys.stderr.isatty()) as bar:
        task = bar.add_task("Calls", total=None)

        async def run(s: AsyncSession) -> T:
            await service.begin_reading(s)
            return await work(s, lambda done, total: bar.update(task, completed=done, total=total))

        return transact(run)


def _one(beginning: str, choose: Choose | None, *, as_json: bool) -> None:
    async def work(s: AsyncSession) -> Replayed | Repriced:
        await service.begin_reading(s)
        past = await service.past_call(s, await finding.call_by_beginning(s, beginning))
        return replay_one(past) if choose is None else reprice(past, await choose(s))

    done = transact(work)
    if isinstance(done, Repriced):
        replayed.show_repriced_call(done, as_json=as_json)
        return
    replayed.show_call(done, as_json=as_json)
    if not done.right:
        raise typer.Exit(1)
