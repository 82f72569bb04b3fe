"""`primeline expert edit|remove|share|free-extensions`: experts changed and removed."""

from typing import Annotated, Any, Literal

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import experts, listing
from billing.catalogue.service import expert_by_extension
from billing.kit.clock import now
from billing.shares.service import set_share, shares_of
from billing.shares.values import ShareRule
from billing.tariffs import service as tariffs
from primeline.commands.common import (
    JsonOption,
    YesOption,
    audited,
    edited,
    or_none,
    show_list,
    show_one,
    sure,
    transact,
)
from primeline.commands.tariff_shown import percent_of
from primeline.commands.tariffs import basis_points_of

ExtensionArgument = Annotated[str, typer.Argument(help="The expert's extension")]


def edit(
    extension: ExtensionArgument,
    name: Annotated[str | None, typer.Option(help="As callers hear it")] = None,
    new_extension: Annotated[str | None, typer.Option(help="What callers key from now on")] = None,
    language: Annotated[str | None, typer.Option(help="en or fr")] = None,
    category: Annotated[str | None, typer.Option(help="What he advises on, or none")] = None,
    tariff: Annotated[str | None, typer.Option(help="The name of a tariff, or none")] = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is given of an expert; calls that go on keep what they had."""

    async def work(s: AsyncSession) -> dict[str, Any]:
        expert_id = await expert_by_extension(s, extension)
        given: dict[str, Any] = {"name": name, "extension": new_extension, "language": language}
        values = {key: value for key, value in given.items() if value is not None}
        if category is not None:
            values["category"] = or_none(category)
        if tariff is not None:
            named = or_none(tariff)
            values["tariff_id"] = named and await tariffs.by_name(s, named)
        changed = await experts.edit_expert(s, expert_id, values, expected=None)
        found = await listing.get_expert(s, expert_id)
        await edited(s, "expert", expert_id, version=found.version, changed=changed)
        return {
            "name": found.name,
            "extension": found.extension,
            "language": found.language,
            "category": found.category,
            "tariff": found.tariff,
        }

    show_one(transact(work), as_json=as_json)


def remove(extension: ExtensionArgument, yes: YesOption = False) -> None:
    """Remove an expert: extension and phones are free again, past calls keep naming him."""
    sure(f"Remove the expert with extension {extension}?", yes=yes)

    async def work(s: AsyncSession) -> None:
        expert_id = await expert_by_extension(s, extension)
        changed = await experts.remove_expert(s, expert_id, expected=None, at=now())
        await audited(s, "removed", "expert", expert_id, changed=changed)

    transact(work)
    typer.echo(f"The expert with extension {extension} is gone.")


def share(
    extension: ExtensionArgument,
    percent: Annotated[str, typer.Argument(help="The expert's part in per cent: 70")],
    basis: Annotated[
        Literal["net", "gross"], typer.Option(help="Of the price without or with tax")
    ] = "net",
    as_json: JsonOption = False,
) -> None:
    """Set what part of each charge an expert gets, for calls quoted from now on."""
    rule = ShareRule(basis_points_of(percent), basis)

    async def work(s: AsyncSession) -> None:
        expert_id = await expert_by_extension(s, extension)
        row = await experts.locked(s, expert_id, None)
        before = (await shares_of(s, [expert_id]))[expert_id]
        if rule == before:
            return
        await set_share(s, rule, at=now(), expert_id=expert_id)
        row.version += 1
        changed = {"share": {"from": said(before), "to": said(rule)}}
        await edited(s, "expert", expert_id, version=row.version, changed=changed)

    transact(work)
    show_one({"expert": extension, **shown_share(rule)}, as_json=as_json)


def free_extensions(
    digits: Annotated[int, typer.Option(help="How long they shall be", min=1, max=8)] = 3,
    limit: Annotated[int, typer.Option(help="How many at most", min=1, max=100)] = 10,
    as_json: JsonOption = False,
) -> None:
    """List the lowest extensions that no expert has."""

    async def work(s: AsyncSession) -> list[str]:
        return await listing.free_extensions(s, digits, limit)

    rows = [{"extension": one} for one in transact(work)]
    show_list(rows, title="Free extensions", as_json=as_json)


def said(rule: ShareRule | None) -> list[Any] | None:
    """Give a share as the audit log has it."""
    return None if rule is None else [rule.expert_basis_points, rule.basis]


def shown_share(rule: ShareRule | None) -> dict[str, Any]:
    """Give a share as commands show it."""
    if rule is None:
        return {"share_percent": None, "basis": None}
    return {"share_percent": percent_of(rule.expert_basis_points), "basis": rule.basis}
