"""`primeline premium`: numbers that the caller's phone company bills for."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import listing, premium
from billing.catalogue.premium import KeptTerms
from billing.catalogue.values import PremiumTerms
from billing.kit.clock import now
from billing.kit.phones import DEFAULT_REGION, require_e164
from billing.money.text import parse
from billing.money.values import Money
from primeline.commands.common import (
    JsonOption,
    RegionOption,
    audited,
    show_list,
    show_one,
    transact,
)
from primeline.commands.tariffs import moment_of

app = typer.Typer(no_args_is_help=True, help="Premium-rate numbers: the carrier bills the caller.")

MENU_WARNING = (
    "Callers of a premium-rate menu pay while they choose: the menu ends after 30 seconds."
    " A direct number costs nothing until the expert has accepted."
)


class AnnouncedBy(StrEnum):
    """Who tells the caller the price before anything is charged."""

    CARRIER = "carrier"
    US = "us"


@app.command()
def add(
    number: Annotated[str, typer.Argument(help="A number of ours: +33 8 99 00 12 34")],
    carrier: Annotated[str, typer.Option(help="The trunk's name; it pays the outpayment")],
    publisher: Annotated[str, typer.Option(help="Who answers for the service, by name")],
    service: Annotated[str, typer.Option(help="What it is called in public directories")],
    category: Annotated[str, typer.Option(help="What kind of service it is: advice")] = "advice",
    country: Annotated[str, typer.Option(help="Whose rules hold")] = DEFAULT_REGION,
    currency: Annotated[str, typer.Option(help="EUR, GBP, USD or CHF")] = "EUR",
    per_minute: Annotated[str, typer.Option(help="Retail price a minute, tax included")] = "0",
    per_call: Annotated[str, typer.Option(help="Retail price a call, tax included")] = "0",
    pays_per_minute: Annotated[str, typer.Option(help="Outpayment a minute, without tax")] = "0",
    pays_per_call: Annotated[str, typer.Option(help="Outpayment a call, without tax")] = "0",
    announced_by: Annotated[
        AnnouncedBy, typer.Option(help="Who says the price before the answer")
    ] = AnnouncedBy.CARRIER,
    time_zone: Annotated[
        str, typer.Option(help="Whose days and months the caps count by")
    ] = "Europe/Paris",
    maximum_seconds: Annotated[int, typer.Option(help="The longest call")] = 3_600,
    maximum: Annotated[str | None, typer.Option(help="The most a call costs")] = None,
    day_maximum: Annotated[
        str | None, typer.Option(help="The most a caller number spends in a day")
    ] = None,
    month_maximum: Annotated[
        str | None, typer.Option(help="The most a caller number spends in a month")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="When the terms begin; without it, now")
    ] = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Make a number premium-rate, or give it new terms."""

    def cap(text: str | None) -> Money | None:
        return None if text is None else parse(text, currency)

    terms = PremiumTerms(
        retail_per_minute=parse(per_minute, currency),
        retail_per_call=parse(per_call, currency),
        outpayment_per_minute=parse(pays_per_minute, currency, ledger_units=True),
        outpayment_per_call=parse(pays_per_call, currency, ledger_units=True),
        carrier=carrier,
        announced_by=announced_by.value,
        country=country,
        publisher=publisher,
        service=service,
        category=category,
        time_zone=time_zone,
        maximum_seconds=maximum_seconds,
        maximum_charge=cap(maximum),
        day_maximum=cap(day_maximum),
        month_maximum=cap(month_maximum),
    )
    e164, valid_from = require_e164(number, region), moment_of(start)

    async def work(s: AsyncSession) -> tuple[KeptTerms, bool]:
        kept = await premium.add_terms(s, e164, terms, valid_from=valid_from, at=now())
        await audited(s, "added", "premium-terms", kept.terms_id, **_values(kept))
        (listed,) = await listing.list_numbers(s, e164)
        return kept, listed.kind == "menu"

    kept, is_menu = transact(work)
    if is_menu:
        typer.secho(MENU_WARNING, fg=typer.colors.YELLOW, err=True)
    show_one(_values(kept), as_json=as_json)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the premium-rate numbers with all their terms."""

    async def work(s: AsyncSession) -> list[KeptTerms]:
        return await premium.list_terms(s)

    rows = [_values(kept) for kept in transact(work)]
    if not as_json:
        rows = [{name: row[name] for name in _SHORT} for row in rows]
    show_list(rows, title="Premium-rate numbers", as_json=as_json)


@app.command()
def show(number: str, region: RegionOption = DEFAULT_REGION, as_json: JsonOption = False) -> None:
    """Show the terms of one number, the latest last."""

    async def work(s: AsyncSession) -> list[KeptTerms]:
        return await premium.list_terms(s, require_e164(number, region))

    rows = [_values(kept) for kept in transact(work)]
    if as_json:
        show_list(rows, title="Terms", as_json=True)
        return
    if not rows:
        typer.echo("It has no premium terms.")
    for row in rows:
        show_one(row, as_json=False)
        typer.echo()


_SHORT = (
    "number",
    "from",
    "per_minute",
    "per_call",
    "pays_per_minute",
    "pays_per_call",
    "carrier",
    "announced_by",
)
"""What fits a terminal; `show` has the rest."""


def _values(kept: KeptTerms) -> dict[str, Any]:
    terms = kept.terms
    return {
        "number": kept.number,
        "from": kept.valid_from,
        "per_minute": terms.retail_per_minute,
        "per_call": terms.retail_per_call,
        "pays_per_minute": terms.outpayment_per_minute,
        "pays_per_call": terms.outpayment_per_call,
        "carrier": terms.carrier,
        "announced_by": terms.announced_by,
        "country": terms.country,
        "publisher": terms.publisher,
        "service": terms.service,
        "category": terms.category,
        "time_zone": terms.time_zone,
        "maximum_seconds": terms.maximum_seconds,
        "maximum": terms.maximum_charge,
        "day_maximum": terms.day_maximum,
        "month_maximum": terms.month_maximum,
        "id": kept.terms_id,
    }
