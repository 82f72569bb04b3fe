"""`primeline tariff load`, `export` and `template`: many prices at once, as a CSV file."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.clock import now
from billing.money.plain import plain
from billing.pricelists import service
from billing.pricelists.columns import COLUMNS, NAMES
from billing.pricelists.errors import PriceListRefused
from billing.pricelists.files import LARGEST_BYTES
from billing.pricelists.reading import read
from billing.pricelists.values import Change, Problem
from primeline.commands.common import JsonOption, audited, show_list, transact

FileArgument = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file")
]


def load(
    file: FileArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change")] = False,
    as_json: JsonOption = False,
) -> None:
    """Load a price list: all of it, or nothing and everything that is wrong with it."""
    content = content_of(file)

    async def work(s: AsyncSession) -> tuple[Change, ...]:
        changes = await service.load(s, read(content), at=now(), dry_run=dry_run)
        done = [one for one in changes if one.what != "unchanged"]
        if done and not dry_run:
            digest = hashlib.sha256(content).hexdigest()
            versions = [
                {"line": one.entry.line, "name": one.entry.name, "from": one.entry.valid_from}
                | {"what": one.what}
                for one in done
            ]
            await audited(s, "loaded", "price-list", digest[:32], file=file.name, versions=versions)
        return changes

    try:
        changes = transact(work)
    except PriceListRefused as error:
        _show_problems(error.problems, as_json=as_json)
        raise typer.Exit(1) from None
    _show_changes(changes, dry_run=dry_run, as_json=as_json)


def content_of(file: Path) -> bytes:
    """Read a file, but not much more than a price list may have."""
    with file.open("rb") as opened:
        return opened.read(LARGEST_BYTES + 1)


def _show_problems(problems: tuple[Problem, ...], *, as_json: bool) -> None:
    rows = [
        {
            "line": one.line,
            "column": one.column,
            "value": one.value,
            "wrong": one.why,
            "right": one.right,
        }
        for one in problems
    ]
    if as_json:
        typer.echo(json.dumps({"loaded": False, "problems": rows}, ensure_ascii=False))
        return
    show_list(rows, title="Wrong", as_json=False)
    typer.echo(f"tariff load: {len(rows)} wrong, nothing was loaded", err=True)


def _show_changes(changes: tuple[Change, ...], *, dry_run: bool, as_json: bool) -> None:
    counts = {
        what: sum(one.what == what for one in changes)
        for what in ("added", "new-version", "unchanged")
    }
    rows = [
        {
            "line": one.entry.line,
            "name": one.entry.name,
            "from": one.entry.valid_from,
            "what": one.what,
            "changes": {name: {"from": old, "to": new} for name, old, new in one.cells}
            if as_json
            else [f"{name} {old or '(none)'} to {new or '(none)'}" for name, old, new in one.cells],
        }
        for one in changes
    ]
    if as_json:
        answer: dict[str, Any] = {"loaded": not dry_run, "counts": counts, "changes": rows}
        typer.echo(json.dumps(plain(answer), ensure_ascii=False))
        return
    show_list([row for row in rows if row["what"] != "unchanged"], title="Changes", as_json=False)
    told = (
        f"{counts['added']} added, new versions of {counts['new-version']},"
        f" {counts['unchanged']} unchanged"
    )
    typer.echo(f"tariff load: {told}{'; nothing was loaded, as asked' if dry_run else ''}")


def export(
    name: Annotated[str | None, typer.Argument(help="One tariff; without it, all")] = None,
    file: Annotated[
        Path | None, typer.Option("--to", dir_okay=False, help="A new file; without it, here")
    ] = None,
) -> None:
    """Write tariffs with all their versions and windows as a price list."""

    async def work(s: AsyncSession) -> str:
        return await service.export(s, name)

    _write(transact(work), file)


def template(
    file: Annotated[
        Path | None, typer.Option("--to", dir_okay=False, help="A new file; without it, here")
    ] = None,
    columns: Annotated[bool, typer.Option("--columns", help="Say what each column means")] = False,
) -> None:
    """Write an empty price list: one line with the names of all columns."""
    if columns:
        rows = [
            {"column": one.name, "meaning": one.meaning, "empty": one.empty or "not allowed"}
            for one in COLUMNS
        ]
        show_list(rows, title="Columns", as_json=False)
        return
    _write(",".join(NAMES) + "\r\n", file)


def _write(text: str, file: Path | None) -> None:
    if file is None:
        typer.echo(text.encode(), nl=False)
        return
    try:
        with file.open("x", encoding="utf-8", newline="") as opened:
            opened.write(text)
    except FileExistsError:
        raise typer.BadParameter(f"{file} is there already.") from None
