"""`primeline`: what an operator does at a terminal."""

import secrets
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from sqlalchemy.exc import OperationalError, ProgrammingError
from typer.core import TyperGroup

from billing.accounts import service as accounts
from billing.kit.clock import now
from billing.kit.errors import PrimelineError
from billing.kit.phones import DEFAULT_REGION
from billing.money import text as money_text
from primeline import migrating
from primeline.commands import (
    adjustments,
    backup,
    books,
    caller_edits,
    callers,
    calls,
    disputes,
    doctor,
    expert_edits,
    experts,
    history,
    keys,
    limits,
    monitoring,
    number_edits,
    numbers,
    orders,
    phones,
    premium,
    price_lists,
    reconcile,
    reconciliations,
    refunds,
    replay,
    reports,
    restarts,
    rules,
    statements,
    tariffs,
    trunks,
    twilio,
    vouchers,
)
from primeline.commands.common import JsonOption, RegionOption, audited, show_one, transact
from primeline.running import find_settings

LAZY: Final = {
    "up": "primeline.up",
    "demo": "primeline.demo",
    "asterisk": "primeline.asterisk_alone",
    "upgrade": "primeline.upgrade",
}
"""Commands that need Asterisk, voices and phones: imported only when they are asked for."""


class Commands(TyperGroup):
    """All commands; errors become one sentence and exit status 1."""

    def list_commands(self, ctx: Any) -> list[str]:
        """List the names in the help's order."""
        return [*LAZY, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Find a command, importing it if it is a heavy one."""
        if cmd_name not in LAZY:
            return super().get_command(ctx, cmd_name)
        one = typer.Typer(add_completion=False)
        one.command(cmd_name)(getattr(import_module(LAZY[cmd_name]), cmd_name))
        return typer.main.get_command(one)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except PrimelineError as error:
            _fail(error.sentence)
        except OperationalError as error:
            _fail(f"The database can't be reached: {_first_line(error)}")
        except ProgrammingError as error:
            if "does not exist" not in str(error):
                raise
            _fail("The database isn't up to date; run: primeline migrate")


def _first_line(error: OperationalError) -> str:
    return str(error.orig).strip().splitlines()[0]


def _fail(sentence: str) -> None:
    typer.secho(sentence, fg=typer.colors.RED, err=True)
    raise typer.Exit(1)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sell advice over an ordinary phone line.",
)
experts.app.command("edit")(expert_edits.edit)
experts.app.command("remove")(expert_edits.remove)
experts.app.command("share")(expert_edits.share)
experts.app.command("free-extensions")(expert_edits.free_extensions)
numbers.app.command("edit")(number_edits.edit)
numbers.app.command("remove")(number_edits.remove)
numbers.app.command("share")(number_edits.share)
callers.app.command("edit")(caller_edits.edit)
callers.app.command("numbers")(caller_edits.set_numbers)
callers.app.command("remove")(caller_edits.remove)
callers.app.command("redeem")(caller_edits.redeem)
callers.app.command("adjust")(adjustments.adjust_caller)
callers.app.command("pay-back")(adjustments.pay_back)
experts.app.command("adjust")(adjustments.adjust_expert)
tariffs.app.command("load")(price_lists.load)
tariffs.app.command("export")(price_lists.export)
tariffs.app.command("template")(price_lists.template)

app.add_typer(calls.app, name="calls")
app.add_typer(numbers.app, name="number")
app.add_typer(premium.app, name="premium")
app.add_typer(rules.app, name="rules")
app.add_typer(statements.app, name="statement")
app.add_typer(experts.app, name="expert")
app.add_typer(tariffs.app, name="tariff")
app.add_typer(callers.app, name="caller")
app.add_typer(books.app, name="books")
app.add_typer(keys.app, name="key")
app.add_typer(twilio.app, name="twilio")
app.add_typer(disputes.app, name="dispute")
app.add_typer(refunds.app, name="refund")
app.add_typer(limits.app, name="limit")
app.command("orders")(orders.list_)
app.command("adjustments")(adjustments.list_)
app.command("audit")(history.list_changes)
app.command("notifications")(history.list_notifications)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("alarms")(monitoring.list_alarms)
app.command("acknowledge")(monitoring.acknowledge)
app.command("status")(monitoring.status)
app.command("restarts")(restarts.list_restarts)
app.command("doctor")(doctor.doctor)
app.command("reconcile")(reconcile.reconcile)
app.command("reconciliations")(reconciliations.reconciliations)
app.command("replay")(replay.replay)
app.command("revenue")(reports.revenue)
app.command("price")(reports.price)
app.add_typer(trunks.app, name="trunk")
app.add_typer(phones.app, name="phone")
app.add_typer(vouchers.app, name="voucher")


@app.command()
def migrate() -> None:
    """Bring the database's tables up to date."""
    migrating.migrate(find_settings())
    typer.echo("The database is up to date.")


@app.command()
def topup(
    number: Annotated[str, typer.Argument(help="A number of the caller: +33 6 39 98 00 01")],
    amount: Annotated[str, typer.Argument(help="How much, in the caller's currency: 20.00")],
    key: Annotated[
        str | None,
        typer.Option(help="A word of your own: with the same one it is credited only once."),
    ] = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Add to a caller's credit."""

    async def work(s: Any) -> accounts.TopUp:
        account_id = await accounts.caller_by_number(s, number, region)
        (caller,) = await accounts.list_callers(s, account_id)
        money = money_text.parse(amount, caller.available.currency)
        done = await accounts.top_up(
            s,
            account_id,
            money,
            idempotency_key=key or secrets.token_hex(16),
            at=now(),
        )
        if done.new:
            detail = {"amount": money, "key": key, "transfer": done.transfer_id}
            await audited(s, "topped-up", "caller", account_id, **detail)
        return done

    done = transact(work)
    show_one({"credited": done.amount, "credit_now": done.available}, as_json=as_json)
