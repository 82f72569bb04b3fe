"""`primeline books`: proof that everybody's money is right."""

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import books
from billing.calls.books import Finding
from primeline.commands.common import JsonOption, show_list, transact

app = typer.Typer(no_args_is_help=True, help="The ledger, proved and explained.")


@app.callback()
def group() -> None:
    """Keep `check` a command of its own while it is the only one."""


@app.command()
def check(as_json: JsonOption = False) -> None:
    """Prove that sums are zero, holds explained and each call settled once; status 1 if not."""

    async def work(s: AsyncSession) -> list[Finding]:
        return await books.check(s)

    findings = transact(work)
    if as_json or findings:
        rows = [
            {"check": one.check, "row": one.row, "what_is_wrong": one.sentence} for one in findings
        ]
        show_list(rows, title="Books", as_json=as_json)
    else:
        typer.echo("books check: ok")
    if findings:
        raise typer.Exit(1)
