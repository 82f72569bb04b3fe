"""`primeline caller edit|numbers|remove|redeem`: callers changed, removed, credited."""

from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import callers, listing, vouchers
from billing.accounts.listing import CallerListed
from billing.accounts.service import caller_by_number
from billing.accounts.vouchers import Redeemed, VoucherRefusal
from billing.kit.clock import now
from billing.kit.phones import DEFAULT_REGION, require_e164
from billing.money.text import parse
from primeline.commands.common import (
    JsonOption,
    RegionOption,
    YesOption,
    actor,
    audited,
    edited,
    or_none,
    show_one,
    sure,
    transact,
)
from primeline.running import find_key

NumberArgument = Annotated[str, typer.Argument(help="A number of the caller: +33 6 39 98 00 01")]


def edit(
    number: NumberArgument,
    name: Annotated[str | None, typer.Option(help="His name")] = None,
    language: Annotated[str | None, typer.Option(help="en or fr, or none: the number's")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Whose days count")] = None,
    number_alone: Annotated[
        str | None, typer.Option(help="So much a day without a PIN, or none")
    ] = None,
    call_limit: Annotated[
        str | None, typer.Option(help="The most one call may cost, or none")
    ] = None,
    day_limit: Annotated[str | None, typer.Option(help="The most a day, or none")] = None,
    month_limit: Annotated[str | None, typer.Option(help="The most a month, or none")] = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Change what is given; the rest stays. New limits count for calls priced from then on."""

    async def work(s: AsyncSession) -> CallerListed:
        caller_id = await caller_by_number(s, number, region)
        currency = (await listing.get_caller(s, caller_id)).posted.currency
        values: dict[str, Any] = {}
        if name is not None:
            values["name"] = name
        if language is not None:
            values["language"] = or_none(language)
        if time_zone is not None:
            values["time_zone"] = time_zone
        for limit, text in (
            ("number_alone_limit", number_alone),
            ("call_limit", call_limit),
            ("day_limit", day_limit),
            ("month_limit", month_limit),
        ):
            if text is not None:
                amount = or_none(text)
                values[limit] = None if amount is None else parse(amount, currency)
        changed = await callers.edit_caller(s, caller_id, values, expected=None)
        return await _changed(s, caller_id, changed)

    show_one(_values(transact(work)), as_json=as_json)


def set_numbers(
    number: NumberArgument,
    numbers: Annotated[
        list[str], typer.Argument(help="All numbers he calls from; those left out are his no more")
    ],
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Say which numbers a caller calls from."""
    wanted = [require_e164(one, region) for one in numbers]

    async def work(s: AsyncSession) -> CallerListed:
        caller_id = await caller_by_number(s, number, region)
        changed = await callers.set_numbers(s, caller_id, wanted, expected=None)
        return await _changed(s, caller_id, changed)

    show_one(_values(transact(work)), as_json=as_json)


def remove(
    number: NumberArgument, yes: YesOption = False, region: RegionOption = DEFAULT_REGION
) -> None:
    """Forget a caller's numbers and his account, if there is no money of his here."""
    sure(f"Remove the caller with {number}?", yes=yes)

    async def work(s: AsyncSession) -> None:
        caller_id = await caller_by_number(s, number, region)
        changed = await callers.remove_caller(s, caller_id, expected=None, at=now())
        await audited(s, "removed", "caller", caller_id, changed=changed)

    transact(work)
    typer.echo(f"The caller with {number} is gone.")


def redeem(
    number: NumberArgument,
    code: Annotated[
        str, typer.Option(prompt="Code", help="The voucher's 16 digits; asked for if not given")
    ],
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Add a voucher's worth to a caller's credit, once."""

    async def work(s: AsyncSession) -> Redeemed | VoucherRefusal:
        caller_id = await caller_by_number(s, number, region)
        source = f"{actor()} {caller_id}"
        done = await vouchers.redeem(s, caller_id, code, key=find_key(), source=source, at=now())
        if isinstance(done, Redeemed):
            detail = {"voucher": done.voucher_id, "amount": done.amount}
            await audited(s, "voucher-redeemed", "caller", caller_id, **detail)
        return done

    # A refusal is committed with its try, and told after.
    done = transact(work)
    if isinstance(done, VoucherRefusal):
        typer.secho(done.sentence, fg=typer.colors.RED, err=True)
        raise typer.Exit(1)
    show_one({"credited": done.amount, "credit_now": done.available}, as_json=as_json)


async def _changed(s: AsyncSession, caller_id: UUID, changed: dict[str, Any]) -> CallerListed:
    found = await listing.get_caller(s, caller_id)
    await edited(s, "caller", caller_id, version=found.version, changed=changed)
    return found


def _values(caller: CallerListed) -> dict[str, Any]:
    return {
        "name": caller.name,
        "numbers": caller.numbers,
        "language": caller.language,
        "time_zone": caller.time_zone,
        "number_alone_a_day": caller.number_alone_limit,
        "call_limit": caller.call_limit,
        "day_limit": caller.day_limit,
        "month_limit": caller.month_limit,
    }
