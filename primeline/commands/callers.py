"""`primeline caller`: who calls and pays."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import service
from billing.accounts.callers import edit_caller
from billing.accounts.service import CallerListed
from billing.endpoints.service import claim, give_password
from billing.kit.clock import now
from billing.kit.jobs import defer
from billing.kit.pages import Slice
from billing.kit.phones import DEFAULT_REGION, require_e164
from billing.ledger import service as ledger
from billing.ledger.makers import makers_of
from billing.ledger.values import ExplainedLine
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
from primeline.commands.phones import tell_access, with_passwords


class Receipts(StrEnum):
    """Whether a caller gets receipts."""

    ON = "on"
    OFF = "off"
    SETTING = "setting"

    @property
    def wanted(self) -> bool | None:
        """What is kept of it."""
        return {"on": True, "off": False, "setting": None}[self]


app = typer.Typer(no_args_is_help=True, help="Callers and their credit.")


@app.command()
def add(
    name: str,
    number: Annotated[
        list[str], typer.Option(help="A number he calls from: +33 6 39 98 00 01; again for more")
    ],
    phone: Annotated[
        str | None,
        typer.Option(help="A SIP phone of his own by name; it calls with his first number"),
    ] = None,
    currency: Annotated[str, typer.Option(help="EUR, GBP, USD or CHF")] = "EUR",
    pin: Annotated[
        str | None,
        typer.Option(help="4 to 12 digits; without it one is made and shown once", prompt=False),
    ] = None,
    language: Annotated[str | None, typer.Option(help="en or fr; without it the number's")] = None,
    number_alone: Annotated[
        str | None, typer.Option(help="So much a day without a PIN, from a trusted trunk")
    ] = None,
    call_limit: Annotated[str | None, typer.Option(help="The most one call may cost")] = None,
    day_limit: Annotated[str | None, typer.Option(help="The most a day")] = None,
    month_limit: Annotated[str | None, typer.Option(help="The most a month")] = None,
    time_zone: Annotated[str, typer.Option(help="Whose days count")] = "Europe/Paris",
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Add a caller with an empty wallet."""

    def limit(text: str | None) -> Money | None:
        return None if text is None else parse(text, currency)

    passwords: dict[str, str] = {}

    async def work(s: AsyncSession) -> dict[str, Any]:
        made = await service.add_caller(
            s,
            name=name,
            numbers=number,
            currency=currency,
            pin=pin,
            language=language,
            time_zone=time_zone,
            number_alone_limit=limit(number_alone),
            call_limit=limit(call_limit),
            day_limit=limit(day_limit),
            month_limit=limit(month_limit),
            region=region,
            at=now(),
        )
        if phone is not None:
            await claim(s, phone, number=require_e164(number[0], region))
            passwords[phone] = await give_password(s, phone)
        # Else what his call cost would be rendered only once he had hung up.
        await defer(s, "render-prompts", currencies=[currency])
        (caller,) = await service.list_callers(s, made.account_id)
        values = _values(caller)
        await audited(s, "added", "caller", made.account_id, **values)
        return values if pin else values | {"pin": made.pin}

    values = transact(work)
    show_one(with_passwords(values, passwords, as_json=as_json), as_json=as_json)
    if "pin" in values and not as_json:
        typer.echo("The PIN is kept nowhere: note it now.")
    if not as_json:
        tell_access(passwords)


@app.command()
def pin(number: str, region: RegionOption = DEFAULT_REGION, as_json: JsonOption = False) -> None:
    """Give a caller a new PIN, shown once; the old one and any lock are gone."""

    async def work(s: AsyncSession) -> str:
        account_id = await service.caller_by_number(s, number, region)
        made = await service.set_pin(s, account_id)
        await audited(s, "pin-set", "caller", account_id)
        return made

    show_one({"pin": transact(work)}, as_json=as_json)
    if not as_json:
        typer.echo("The PIN is kept nowhere: note it now.")


@app.command()
def unlock(number: str, region: RegionOption = DEFAULT_REGION) -> None:
    """Let a caller's PIN be tried again from everywhere, after wrong ones; it stays as it is."""

    async def work(s: AsyncSession) -> None:
        account_id = await service.caller_by_number(s, number, region)
        await service.unlock_pin(s, account_id)
        await audited(s, "pin-unlocked", "caller", account_id)

    transact(work)
    typer.echo(f"The PIN of {number} may be tried again.")


@app.command()
def receipts(
    number: str,
    wanted: Annotated[Receipts, typer.Argument(help="on, off, or setting: as the operator's says")],
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Say whether a caller gets an SMS about each charged call."""

    async def work(s: AsyncSession) -> None:
        account_id = await service.caller_by_number(s, number, region)
        await service.set_receipts(s, account_id, wanted.wanted)
        await audited(s, "receipts-set", "caller", account_id, receipts=wanted)

    transact(work)
    show_one({"receipts": wanted}, as_json=as_json)


@app.command()
def terms(
    number: str,
    withdrawn: Annotated[
        bool, typer.Option("--withdrawn", help="He doesn't accept them any more")
    ] = False,
    region: RegionOption = DEFAULT_REGION,
) -> None:
    """Note that a caller accepted the terms of paid calls on toll-free numbers (rule R19)."""

    async def work(s: AsyncSession) -> None:
        account_id = await service.caller_by_number(s, number, region)
        values = {"terms_accepted_at": None if withdrawn else now()}
        changed = await edit_caller(s, account_id, values, expected=None)
        (found,) = await service.list_callers(s, account_id)
        detail = {"version": found.version, "changed": changed}
        await audited(s, "terms-set", "caller", account_id, **detail)

    transact(work)
    typer.echo(f"Terms of paid toll-free calls: {'withdrawn' if withdrawn else 'accepted'}.")


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List all callers."""

    async def work(s: AsyncSession) -> list[CallerListed]:
        return await service.list_callers(s)

    show_list([_values(one) for one in transact(work)], title="Callers", as_json=as_json)


@app.command()
def show(
    number: str,
    region: RegionOption = DEFAULT_REGION,
    limit: Annotated[int, typer.Option(help="How many lines at most", min=1, max=10_000)] = 200,
    after: Annotated[
        int | None, typer.Option(help="Go on after the line of that position", min=0)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a caller by one of his numbers, and explain his balance line by line, oldest first."""

    async def work(s: AsyncSession) -> tuple[CallerListed, Slice[ExplainedLine], dict[int, str]]:
        account_id = await service.caller_by_number(s, number, region)
        (caller,) = await service.list_callers(s, account_id)
        start = None if after is None else (after,)
        page = await ledger.explain_page(s, caller.wallet_id, limit=limit, after=start)
        return caller, page, await makers_of(s, caller.wallet_id, page.items)

    caller, page, makers = transact(work)
    lines = [
        {
            "position": one.line.position,
            "at": one.line.at,
            "kind": one.line.kind,
            "reason": one.line.reason,
            "transferred": one.line.amount,
            "change": one.amount,
            "balance": one.balance,
            "call": one.line.call_id,
            "made_by": makers.get(one.line.position),
        }
        for one in page.items
    ]
    go_on = None if page.after is None else page.after[0]
    if as_json:
        show_one(_values(caller) | {"lines": lines, "go_on_after": go_on}, as_json=True)
        return
    show_one(_values(caller), as_json=False)
    show_list(lines, title="Wallet", as_json=False)
    if go_on is not None:
        typer.echo(f"There are more lines: --after {go_on}")


def _values(caller: CallerListed) -> dict[str, Any]:
    return {
        "name": caller.name,
        "numbers": caller.numbers,
        "phones": caller.endpoints,
        "language": caller.language,
        "balance": caller.posted,
        "held": caller.pending,
        "available": caller.available,
        "number_alone_a_day": caller.number_alone_limit,
        "most_a_call": caller.call_limit,
        "most_a_day": caller.day_limit,
        "most_a_month": caller.month_limit,
        "locked_until": caller.locked_until,
        "terms_accepted": caller.terms_accepted_at,
        "id": caller.account_id,
    }
