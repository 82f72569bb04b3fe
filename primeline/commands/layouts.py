"""`primeline statement layout`: how carriers' files are laid out."""

from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.endpoints.values import NumberFormat
from billing.kit.phones import DEFAULT_REGION
from billing.money.text import parse
from billing.money.values import Money
from billing.reconciliation import layouts
from billing.reconciliation.errors import LayoutUnknown
from billing.reconciliation.values import KnownLayout, Layout
from primeline.commands.common import JsonOption, audited, show_list, show_one, transact

app = typer.Typer(no_args_is_help=True, help="How carriers' statements are laid out.")


class _Column(typer.BadParameter):
    """A column that isn't given as name=head."""

    def __init__(self, given: str) -> None:
        super().__init__(f"{given!r}: a column is given as name=head, such as amount=Reversement")


@app.command("set")
def set_(
    name: Annotated[str, typer.Argument(help="A name of your own")],
    carrier: Annotated[str, typer.Option(help="The trunk's name")],
    column: Annotated[
        list[str],
        typer.Option(
            help="name=head, for number, start, seconds, amount and, where there is one, time,"
            " caller, currency, carrier_id, calls"
        ),
    ],
    date_format: Annotated[list[str], typer.Option(help="How start is written: %d/%m/%Y %H:%M:%S")],
    kind: Annotated[str, typer.Option(help="per-call, or aggregate: sums")] = "per-call",
    period: Annotated[str, typer.Option(help="Of sums: day or month")] = "day",
    currency: Annotated[str, typer.Option(help="EUR, GBP, USD or CHF")] = "EUR",
    time_zone: Annotated[str, typer.Option(help="Whose clock the carrier writes by")] = (
        "Europe/Paris"
    ),
    delimiter: Annotated[str, typer.Option(help="; , | or tab")] = ";",
    encoding: Annotated[
        str, typer.Option(help="utf-8, cp1252, iso-8859-1, iso-8859-15 or utf-16")
    ] = "utf-8",
    decimal_mark: Annotated[str, typer.Option(help=". or ,")] = ".",
    head: Annotated[
        bool, typer.Option(help="Without a head, columns are given by number from 1")
    ] = True,
    skip_lines: Annotated[int, typer.Option(help="Lines above the head")] = 0,
    numbers: Annotated[
        str, typer.Option(help="How called numbers are written: any, +e164, e164, 00, national")
    ] = "any",
    region: Annotated[str, typer.Option(help="Country of a number without +")] = DEFAULT_REGION,
    tolerance_seconds: Annotated[
        int, typer.Option(help="How far the carrier's clock may be from ours")
    ] = 5,
    tolerance: Annotated[
        str, typer.Option(help="What a call's amount may differ by as rounding")
    ] = "0.01",
    non_payment: Annotated[
        str, typer.Option(help="Who bears calls that are never paid: platform, or shared")
    ] = "shared",
    as_json: JsonOption = False,
) -> None:
    """Set how a carrier writes its statements, or change it. What was imported stays."""
    values: dict[str, Any] = {
        "name": name,
        "carrier": carrier,
        "kind": kind,
        "currency": currency,
        "columns": dict(_column(one) for one in column),
        "date_formats": tuple(date_format),
        "time_zone": time_zone,
        "delimiter": "\t" if delimiter == "tab" else delimiter,
        "encoding": encoding,
        "decimal_mark": decimal_mark,
        "has_head": head,
        "skip_lines": skip_lines,
        "period": period,
        "numbers": NumberFormat(numbers),  # type: ignore[arg-type]  # checked with the rest
        "region": region,
        "tolerance_seconds": tolerance_seconds,
        "tolerance_amount": parse(tolerance, currency, ledger_units=True).amount,
        "non_payment": non_payment,
    }

    async def work(s: AsyncSession) -> KnownLayout:
        try:
            before = await layouts.find(s, name)
        except LayoutUnknown:
            known = await layouts.add(s, Layout(**values))
            detail = layouts.to_json(known.layout)
            await audited(s, "added", "statement-layout", known.layout_id, **detail)
            return known
        known, changed = await layouts.change(s, before.layout_id, values)
        if changed:
            detail = {"version": known.version, "changed": changed}
            await audited(s, "edited", "statement-layout", known.layout_id, **detail)
        return known

    show_one(_values(transact(work)), as_json=as_json)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the layouts by name."""

    async def work(s: AsyncSession) -> list[KnownLayout]:
        return await layouts.list_layouts(s)

    rows = [_values(one) for one in transact(work)]
    if not as_json:
        rows = [{name: row[name] for name in _SHORT} for row in rows]
    show_list(rows, title="Statement layouts", as_json=as_json)


@app.command()
def show(name: str, as_json: JsonOption = False) -> None:
    """Show one layout in full."""

    async def work(s: AsyncSession) -> KnownLayout:
        return await layouts.find(s, name)

    show_one(_values(transact(work)), as_json=as_json)


def _column(given: str) -> tuple[str, str]:
    name, found, head = given.partition("=")
    if not found:
        raise _Column(given)
    return name.strip(), head.strip()


_SHORT = ("name", "carrier", "kind", "currency", "date_formats", "non_payment")


def _values(known: KnownLayout) -> dict[str, Any]:
    layout = known.layout
    return {
        "name": layout.name,
        "carrier": layout.carrier,
        "kind": layout.kind,
        "period": layout.period,
        "currency": layout.currency,
        "columns": [f"{name}={head}" for name, head in sorted(layout.columns.items())],
        "date_formats": list(layout.date_formats),
        "time_zone": layout.time_zone,
        "delimiter": layout.delimiter,
        "encoding": layout.encoding,
        "decimal_mark": layout.decimal_mark,
        "head": layout.has_head,
        "skip_lines": layout.skip_lines,
        "numbers": layout.numbers.kind,
        "region": layout.region,
        "tolerance_seconds": layout.tolerance_seconds,
        "tolerance": Money(layout.tolerance_amount, layout.currency),
        "non_payment": layout.non_payment,
        "id": known.layout_id,
    }
