"""`primeline statement`: what carriers say that premium-rate calls came to."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.clock import now
from billing.kit.errors import PrimelineError
from billing.money.values import Money
from billing.reconciliation import applying, importing, listing
from billing.reconciliation.applying import Applied
from billing.reconciliation.comparing import Days
from billing.reconciliation.importing import Imported
from billing.reconciliation.listing import ListedLine, Shown
from billing.reconciliation.reading import LARGEST_BYTES
from billing.reconciliation.values import Comparison, Outcome, Statement
from primeline.commands import layouts as layout_commands
from primeline.commands.common import (
    PAGE,
    JsonOption,
    actor,
    audited,
    show_list,
    show_one,
    transact,
)

app = typer.Typer(no_args_is_help=True, help="Carriers' statements of premium-rate calls.")
app.add_typer(layout_commands.app, name="layout")

StatementId = Annotated[UUID, typer.Argument(help="The statement's id")]
FileArgument = Annotated[
    Path, typer.Argument(help="The carrier's CSV file", exists=True, dir_okay=False)
]
LayoutOption = Annotated[str, typer.Option(help="How the file is laid out, by name")]
FirstOption = Annotated[
    datetime | None,
    typer.Option(
        "--from", help="The period's first day; without it, of the lines", formats=["%Y-%m-%d"]
    ),
]
LastOption = Annotated[
    datetime | None,
    typer.Option(
        "--to", help="The period's last day; without it, of the lines", formats=["%Y-%m-%d"]
    ),
]
LineOption = Annotated[
    Shown, typer.Option("--lines", help="Which lines; different: all but what is confirmed")
]


class FileTooLarge(PrimelineError):
    """A file that is no statement, by its size alone."""

    code = "body-too-large"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} has more than {LARGEST_BYTES // 1024 // 1024} MiB.")


def _content(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_BYTES:
        raise FileTooLarge(path)
    return path.read_bytes()


def _days(first: datetime | None, last: datetime | None) -> Days | None:
    if (first is None) != (last is None):
        raise typer.BadParameter("give both --from and --to, or neither")
    return None if first is None or last is None else (first.date(), last.date())


@app.command()
def preview(
    file: FileArgument,
    layout: LayoutOption,
    first: FirstOption = None,
    last: LastOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a statement would confirm and correct, and what differs; writes nothing."""
    content, days = _content(file), _days(first, last)

    async def work(s: AsyncSession) -> Comparison:
        return await importing.preview(s, layout, content, days=days)

    compared = transact(work)
    different = [
        {
            "line": judged.line.position,
            "number": judged.line.number,
            "outcome": str(judged.outcome),
            "amount": judged.line.amount,
            "expected": judged.expected,
            "calls": len(judged.parts),
        }
        for judged in compared.lines
        if judged.outcome is not Outcome.CONFIRMED and not judged.within
    ] + [
        {
            "line": None,
            "number": call.number,
            "outcome": str(Outcome.MISSING),
            "amount": Money.zero(call.outpayment.currency),
            "expected": call.outpayment,
            "calls": 1,
        }
        for call in compared.missing
    ]
    outcomes = importing.outcomes(compared)
    if as_json:
        show_one({"outcomes": outcomes, "different": different}, as_json=True)
        return
    show_one(outcomes, as_json=False)
    typer.echo()
    show_list(different, title="What differs", as_json=False)


@app.command("import")
def import_(
    file: FileArgument,
    layout: LayoutOption,
    first: FirstOption = None,
    last: LastOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a statement in: what it lists of our calls becomes due. The same file only once."""
    content, days = _content(file), _days(first, last)

    async def work(s: AsyncSession) -> tuple[Imported, Statement]:
        done = await importing.import_statement(
            s, layout, content, file_name=file.name, by=actor(), at=now(), days=days
        )
        detail = {"layout": layout, "file": file.name, "applied": done.applied.amount}
        await audited(s, "imported", "statement", done.statement_id, **detail)
        return done, await listing.get_statement(s, done.statement_id)

    done, statement = transact(work)
    values = _values(statement) | {"disputed": done.applied.waiting}
    show_one(values, as_json=as_json)


@app.command("list")
def list_(
    carrier: Annotated[str | None, typer.Option(help="Of this carrier alone")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the statements, the latest import first."""

    async def work(s: AsyncSession) -> list[Statement]:
        found: list[Statement] = []
        after = None
        while True:
            page = await listing.list_statements(s, limit=PAGE, after=after, carrier=carrier)
            found += page.items
            after = page.after
            if after is None:
                return found

    rows = [_values(one) for one in transact(work)]
    if not as_json:
        rows = [{name: row[name] for name in _SHORT} for row in rows]
    show_list(rows, title="Statements", as_json=as_json)


@app.command()
def show(
    statement: StatementId,
    lines: LineOption = Shown.DIFFERENT,
    as_json: JsonOption = False,
) -> None:
    """Show how a statement stands, and its lines: those to look at, or those of one outcome."""

    async def work(s: AsyncSession) -> tuple[Statement, list[ListedLine]]:
        described = await listing.get_statement(s, statement)
        found: list[ListedLine] = []
        after = None
        while True:
            page = await listing.list_lines(s, statement, limit=PAGE, after=after, shown=lines)
            found += page.items
            after = page.after
            if after is None:
                return described, found

    described, found = transact(work)
    rows = [_line(one) for one in found]
    if as_json:
        show_one(_values(described) | {"listed": rows}, as_json=True)
        return
    show_one(_values(described), as_json=False)
    typer.echo()
    short = [{name: row[name] for name in _SHORT_LINE} for row in rows]
    show_list(short, title=f"Lines: {lines}", as_json=False)


class Done(StrEnum):
    """What was done to a statement, as the audit log names it."""

    APPLIED = "applied"
    WRITTEN_OFF = "written-off"


@app.command()
def apply(statement: StatementId, as_json: JsonOption = False) -> None:
    """Make due what waited for a dispute that is over now."""

    async def work(s: AsyncSession) -> Applied:
        done = await applying.apply(s, statement, at=now())
        await _note(s, Done.APPLIED, statement, done)
        return done

    _show_done(transact(work), as_json=as_json)


@app.command("write-off")
def write_off(statement: StatementId, as_json: JsonOption = False) -> None:
    """Give up what is expected for the calls that the statement doesn't have."""

    async def work(s: AsyncSession) -> Applied:
        done = await applying.write_off(s, statement, at=now())
        await _note(s, Done.WRITTEN_OFF, statement, done)
        return done

    _show_done(transact(work), as_json=as_json)


@app.command("sign-off")
def sign_off(statement: StatementId, as_json: JsonOption = False) -> None:
    """Note that you have seen the differences of a statement. It moves no money."""

    async def work(s: AsyncSession) -> Statement:
        if await applying.sign_off(s, statement, by=actor(), at=now()):
            await audited(s, "signed-off", "statement", statement)
        return await listing.get_statement(s, statement)

    show_one(_values(transact(work)), as_json=as_json)


async def _note(s: AsyncSession, what: Done, statement: UUID, done: Applied) -> None:
    if done.calls:
        detail = {"calls": done.calls, "amount": done.amount}
        await audited(s, what, "statement", statement, **detail)


def _show_done(done: Applied, *, as_json: bool) -> None:
    values = {"calls": done.calls, "amount": done.amount, "disputed": done.waiting}
    show_one(values, as_json=as_json)


_SHORT = ("statement", "carrier", "from", "until", "lines", "amount", "applied", "missing_open")
_SHORT_LINE = ("line", "number", "starts_at", "outcome", "amount", "expected", "call", "closed_at")


def _values(one: Statement) -> dict[str, Any]:
    return {
        "statement": one.statement_id,
        "layout": one.layout,
        "carrier": one.carrier,
        "kind": one.kind,
        "file": one.file_name,
        "from": one.from_at,
        "until": one.until,
        "lines": one.lines,
        **{name: one.outcomes[name] for name in map(str, Outcome)},
        "amount": one.amount,
        "matched": one.matched,
        "applied": one.applied,
        "missing_open": one.missing_open,
        "written_off": one.written_off,
        "imported_at": one.imported_at,
        "imported_by": one.imported_by,
        "signed_off_at": one.signed_off_at,
        "signed_off_by": one.signed_off_by,
    }


def _line(one: ListedLine) -> dict[str, Any]:
    return {
        "line": one.file_line,
        "number": one.number,
        "caller": one.caller,
        "starts_at": one.starts_at,
        "seconds": one.seconds,
        "carrier_id": one.carrier_id,
        "outcome": one.shown_outcome,
        "within_tolerance": one.within,
        "amount": one.amount,
        "expected": one.expected,
        "calls_listed": one.calls,
        "our_calls": one.our_calls,
        "call": one.call_id,
        "closed_at": one.closed_at,
    }
