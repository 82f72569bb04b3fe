"""`primeline number edit|remove|share`: our phone numbers changed and taken out of work."""

from typing import Annotated, Any, Literal

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import listing, numbers
from billing.catalogue.errors import NumberUnknown
from billing.catalogue.listing import NumberListed
from billing.catalogue.service import expert_by_extension
from billing.kit.clock import now
from billing.kit.phones import DEFAULT_REGION, require_e164
from billing.shares.service import remove_share, set_share, share_of_number
from billing.shares.values import ShareRule
from billing.tariffs import service as tariffs
from primeline.commands.common import (
    JsonOption,
    RegionOption,
    YesOption,
    audited,
    edited,
    or_none,
    show_one,
    sure,
    transact,
)
from primeline.commands.expert_edits import said, shown_share
from primeline.commands.numbers import Kind, WithoutPayer, number_values
from primeline.commands.tariffs import basis_points_of

NumberArgument = Annotated[str, typer.Argument(help="A number of ours: +33 1 99 00 12 34")]


def edit(
    number: NumberArgument,
    kind: Annotated[
        Kind | None, typer.Option(help="A menu of experts, one expert's own, or a line")
    ] = None,
    expert: Annotated[
        str | None, typer.Option(help="For a direct number: the expert's extension")
    ] = None,
    language: Annotated[str | None, typer.Option(help="en or fr")] = None,
    tariff: Annotated[
        str | None, typer.Option(help="A tariff that wins over the experts' own, or none")
    ] = None,
    without_payer: Annotated[
        WithoutPayer | None, typer.Option(help="When nobody can be charged")
    ] = None,
    free_limit: Annotated[
        int | None, typer.Option(help="Seconds of a talk that nobody pays", min=1, max=86_400)
    ] = None,
    begins_free: Annotated[
        bool | None,
        typer.Option("--begins-free/--begins-paid", help="Whether known callers begin free, too"),
    ] = None,
    open_: Annotated[
        bool | None, typer.Option("--open/--closed", help="Whether calls to it are taken")
    ] = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Change what is given of a number; the rest stays, and calls that go on keep what they had."""

    async def work(s: AsyncSession) -> NumberListed:
        found = await _find(s, require_e164(number, region))
        given: dict[str, Any] = {
            "kind": kind and kind.value,
            "language": language,
            "without_payer": without_payer and without_payer.value,
            "free_limit_seconds": free_limit,
            "begins_free": begins_free,
            "open": open_,
            "expert_id": expert and await expert_by_extension(s, expert),
        }
        values = {key: value for key, value in given.items() if value is not None}
        if tariff is not None:
            named = or_none(tariff)
            values["tariff_id"] = named and await tariffs.by_name(s, named)
        changed = await numbers.edit_number(s, found.number_id, values, expected=None)
        after = await listing.get_number(s, found.number_id)
        await edited(s, "number", found.number_id, version=after.version, changed=changed)
        return after

    show_one(number_values(transact(work)), as_json=as_json)


def remove(
    number: NumberArgument, yes: YesOption = False, region: RegionOption = DEFAULT_REGION
) -> None:
    """Take a number out of work: new calls to it are refused, past ones keep naming it."""
    e164 = require_e164(number, region)
    sure(f"Remove {e164}? New calls to it are refused", yes=yes)

    async def work(s: AsyncSession) -> None:
        found = await _find(s, e164)
        changed = await numbers.remove_number(s, found.number_id, expected=None, at=now())
        await audited(s, "removed", "number", found.number_id, changed=changed)

    transact(work)
    typer.echo(f"{e164} is none of our numbers any more.")


def share(
    number: NumberArgument,
    percent: Annotated[
        str, typer.Argument(help="The expert's part in per cent: 70; or none: his own share holds")
    ],
    basis: Annotated[
        Literal["net", "gross"], typer.Option(help="Of the price without or with tax")
    ] = "net",
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Set what part the expert gets of all calls to a number; it wins over his own."""
    part = or_none(percent)
    rule = None if part is None else ShareRule(basis_points_of(part), basis)
    e164 = require_e164(number, region)

    async def work(s: AsyncSession) -> None:
        number_id = (await _find(s, e164)).number_id
        row = await numbers.locked(s, number_id, None)
        before = await share_of_number(s, number_id)
        if rule == before:
            return
        if rule is None:
            await remove_share(s, number_id)
        else:
            await set_share(s, rule, at=now(), number_id=number_id)
        row.version += 1
        changed = {"share": {"from": said(before), "to": said(rule)}}
        await edited(s, "number", number_id, version=row.version, changed=changed)

    transact(work)
    show_one({"number": e164, **shown_share(rule)}, as_json=as_json)


async def _find(s: AsyncSession, e164: str) -> NumberListed:
    found = await listing.list_numbers(s, e164)
    if not found:
        raise NumberUnknown(e164)
    return found[0]
