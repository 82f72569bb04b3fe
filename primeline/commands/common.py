"""What all commands share: one transaction each, tables or JSON, who did it."""

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit import audit
from billing.kit.clock import now
from billing.kit.database import make_engine, make_sessions
from billing.kit.pages import After, Slice
from billing.kit.settings import read_settings
from billing.money.plain import plain
from billing.money.text import format_money
from billing.money.values import Money
from primeline.running import find_settings

T = TypeVar("T")
V = TypeVar("V")

RegionOption = Annotated[str, typer.Option(help="Country of a number without +")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")]

YesOption = Annotated[bool, typer.Option("--yes", help="Don't ask")]

NONE = "none"
STATEMENT_TIMEOUT_MS = 30_000
PAGE = 200


def transact(work: Callable[[AsyncSession], Awaitable[T]], database_url: str | None = None) -> T:
    """Do `work` in one transaction on the database of the settings or of a running system.

    `database_url`: on that one instead.
    """
    settings = find_settings() if database_url is None else read_settings(database_url=database_url)

    async def run() -> T:
        engine = make_engine(settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        try:
            async with make_sessions(engine).begin() as s:
                return await work(s)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def actor() -> str:
    """Give who types the commands, as the audit log names him."""
    return getpass.getuser()


class Listing(Protocol[V]):
    """A service function that lists page by page."""

    def __call__(
        self, s: AsyncSession, /, *, limit: int, after: After | None = None
    ) -> Awaitable[Slice[V]]:
        """Give one page."""


async def list_all(listing: Listing[V], s: AsyncSession) -> list[V]:
    """List everything, page after page."""
    found: list[V] = []
    after: After | None = None
    while True:
        page = await listing(s, limit=PAGE, after=after)
        found += page.items
        after = page.after
        if after is None:
            return found


async def audited(
    s: AsyncSession, action: str, subject: str, subject_id: object, **detail: object
) -> None:
    """Note in the audit log what the operating system's user did; values become JSON."""
    await audit.record(
        s,
        actor=actor(),
        action=action,
        subject=subject,
        subject_id=subject_id,
        detail={name: plain(value) for name, value in detail.items()},
        at=now(),
    )


async def edited(
    s: AsyncSession, subject: str, subject_id: object, *, version: int, changed: Mapping[str, Any]
) -> None:
    """Note an edit in the audit log as the API does; one that changed nothing leaves no trace."""
    if changed:
        await audited(s, "edited", subject, subject_id, version=version, changed=dict(changed))


def sure(question: str, *, yes: bool) -> None:
    """Ask before what can't be undone; ends the command unless the answer is yes."""
    if not yes:
        typer.confirm(question, abort=True)


def or_none(text: str) -> str | None:
    """Read an option that "none" empties."""
    return None if text == NONE else text


def shown(value: Any) -> str:
    """Give a value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, Money):
        return format_money(value, "en")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, list | tuple):
        return ", ".join(shown(inner) for inner in value) or "-"
    return str(value)


def show_list(rows: Sequence[dict[str, Any]], *, title: str, as_json: bool) -> None:
    """Print rows as a table with their keys as head, or as a JSON list.

    A table leaves out the key "id": all but calls is shown by number or name.
    """
    if as_json:
        typer.echo(json.dumps([plain(row) for row in rows], ensure_ascii=False))
        return
    if not rows:
        typer.echo(f"{title}: none.")
        return
    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=0, pad_edge=False)
    names = [name for name in rows[0] if name != "id"]
    for name in names:
        table.add_column(
            name.replace("_", " "), overflow="fold", no_wrap=name in {"call", "time", "reason"}
        )
    for row in rows:
        table.add_row(*(shown(row[name]) for name in names))
    Console(highlight=False, markup=False).print(table)


def show_one(values: dict[str, Any], *, as_json: bool) -> None:
    """Print one thing, a line for each value, or as a JSON object."""
    if as_json:
        typer.echo(json.dumps(plain(values), ensure_ascii=False))
        return
    table = Table.grid(padding=(0, 2))
    for name, value in values.items():
        table.add_row(name.replace("_", " "), shown(value))
    Console(highlight=False, markup=False).print(table)
