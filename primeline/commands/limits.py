"""`primeline limit`: the most that callers may spend, in all or on one number of ours."""

from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import listing
from billing.catalogue.errors import NumberUnknown
from billing.charging import limits
from billing.charging.limits import SpendingLimits
from billing.kit.clock import now
from billing.kit.phones import DEFAULT_REGION, require_e164
from billing.money.text import parse
from primeline.commands.common import (
    JsonOption,
    RegionOption,
    edited,
    or_none,
    show_list,
    show_one,
    transact,
)

app = typer.Typer(no_args_is_help=True, help="The most that callers may spend.")


@app.command("set")
def set_(
    number: Annotated[
        str | None, typer.Option(help="On this number of ours; without it on all together")
    ] = None,
    currency: Annotated[str, typer.Option(help="EUR, GBP, USD or CHF")] = "EUR",
    call: Annotated[str | None, typer.Option(help="The most one call may cost, or none")] = None,
    caller_day: Annotated[
        str | None, typer.Option(help="The most one caller may spend a day, or none")
    ] = None,
    caller_month: Annotated[
        str | None, typer.Option(help="The most one caller may spend a month, or none")
    ] = None,
    day: Annotated[
        str | None, typer.Option(help="The most all callers together may spend a day, or none")
    ] = None,
    time_zone: Annotated[str | None, typer.Option(help="Whose days and months count")] = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Set what is given, against fraud and runaway calls; it counts for calls priced from now."""

    async def work(s: AsyncSession) -> SpendingLimits:
        number_id = None if number is None else await _number(s, number, region)
        values: dict[str, Any] = {}
        for name, text in (
            ("per_call", call),
            ("per_caller_day", caller_day),
            ("per_caller_month", caller_month),
            ("per_day", day),
        ):
            if text is not None:
                amount = or_none(text)
                values[name] = None if amount is None else parse(amount, currency)
        if time_zone is not None:
            values["time_zone"] = time_zone
        changed = await limits.set_limits(
            s, number_id=number_id, currency=currency, values=values, expected=None
        )
        after = await limits.get_limits(s, number_id=number_id, currency=currency, at=now())
        subject_id = limits.subject_of(number_id, currency)
        await edited(s, "spending-limits", subject_id, version=after.version, changed=changed)
        return after

    show_one(limit_values(transact(work)), as_json=as_json)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the limits that were set, the operator's own first."""

    async def work(s: AsyncSession) -> list[SpendingLimits]:
        return await limits.list_limits(s, at=now())

    show_list([limit_values(one) for one in transact(work)], title="Limits", as_json=as_json)


async def _number(s: AsyncSession, number: str, region: str) -> UUID:
    e164 = require_e164(number, region)
    found = await listing.list_numbers(s, e164)
    if not found:
        raise NumberUnknown(e164)
    return found[0].number_id


def limit_values(one: SpendingLimits) -> dict[str, Any]:
    """Give limits as commands show them."""
    return {
        "number": one.number or "all",
        "currency": one.currency,
        "one_call": one.per_call,
        "a_caller_a_day": one.per_caller_day,
        "a_caller_a_month": one.per_caller_month,
        "all_a_day": one.per_day,
        "counted_today": one.day_counted,
        "time_zone": one.time_zone,
    }
