"""`primeline books`: proof that everybody's money is right."""

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import books
from billing.calls.books import Finding
from billing.calls.overview import Overview, overview
from primeline.commands.common import JsonOption, show_list, show_one, transact

app = typer.Typer(no_args_is_help=True, help="The ledger, proved and explained.")


@app.command()
def balances(as_json: JsonOption = False) -> None:
    """Show whose money is where: held for callers, owed to experts, expected of carriers."""

    async def work(s: AsyncSession) -> Overview:
        return await overview(s)

    found = transact(work)
    wallets = [
        {
            "currency": one.currency,
            "wallets": one.wallets,
            "posted": one.posted,
            "held": one.held,
        }
        for one in found.wallets
    ]
    accounts = [
        {
            "kind": one.kind,
            "currency": one.currency,
            "accounts": one.accounts,
            "balance": one.balance,
        }
        for one in found.kinds
    ]
    if as_json:
        show_one({"wallets": wallets, "accounts": accounts}, as_json=True)
        return
    show_list(wallets, title="Callers' credit", as_json=False)
    show_list(accounts, title="Ledger", as_json=False)


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
