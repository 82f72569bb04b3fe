"""`primeline expert`: who answers, on which phones, at what price and share."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import listing, service
from billing.catalogue.errors import ExpertUnknown
from billing.catalogue.listing import ExpertListed
from billing.endpoints.service import give_password
from billing.kit.clock import now
from billing.shares.service import set_share, shares_of
from billing.shares.values import ShareRule
from billing.tariffs import service as tariffs
from primeline.commands.common import JsonOption, audited, show_list, show_one, transact
from primeline.commands.phones import tell_access, with_passwords
from primeline.commands.tariffs import basis_points_of, percent_of

app = typer.Typer(no_args_is_help=True, help="Experts and their phones.")


class Presence(StrEnum):
    """Whether an expert takes calls."""

    AVAILABLE = "available"
    THERE = "there-but-not-available"
    AWAY = "away"


class Basis(StrEnum):
    """What a share is of."""

    NET = "net"
    GROSS = "gross"


@app.command()
def add(
    name: str,
    extension: Annotated[str, typer.Option(help="What callers key, 1 to 8 digits")],
    tariff: Annotated[str, typer.Option(help="The name of a tariff")],
    phone: Annotated[
        list[str] | None,
        typer.Option(help="A SIP phone of his own by name; again for more, rung in order"),
    ] = None,
    language: Annotated[str, typer.Option(help="en or fr")] = "en",
    category: Annotated[str | None, typer.Option(help="What he advises on, for reports")] = None,
    share: Annotated[str, typer.Option(help="The expert's part in per cent")] = "70",
    basis: Annotated[Basis, typer.Option(help="Of the price without or with tax")] = Basis.NET,
    as_json: JsonOption = False,
) -> None:
    """Add an expert."""
    rule = ShareRule(basis_points_of(share), basis.value)
    passwords: dict[str, str] = {}

    async def work(s: AsyncSession) -> dict[str, Any]:
        tariff_id = await tariffs.by_name(s, tariff)
        expert_id = await service.add_expert(
            s,
            name=name,
            extension=extension,
            endpoints=phone or [],
            tariff_id=tariff_id,
            language=language,
            category=category,
            at=now(),
        )
        passwords.update({one: await give_password(s, one) for one in phone or []})
        await set_share(s, rule, expert_id=expert_id, at=now())
        values = await _values(s, await _one(s, extension))
        await audited(s, "added", "expert", expert_id, **values)
        return values

    values = transact(work)
    show_one(with_passwords(values, passwords, as_json=as_json), as_json=as_json)
    if not as_json:
        tell_access(passwords)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List all experts."""

    async def work(s: AsyncSession) -> list[dict[str, Any]]:
        return [await _values(s, expert) for expert in await listing.list_experts(s)]

    show_list(transact(work), title="Experts", as_json=as_json)


@app.command()
def show(extension: str, as_json: JsonOption = False) -> None:
    """Show the expert with an extension."""

    async def work(s: AsyncSession) -> dict[str, Any]:
        return await _values(s, await _one(s, extension))

    show_one(transact(work), as_json=as_json)


@app.command()
def presence(extension: str, state: Presence) -> None:
    """Say whether an expert takes calls."""

    async def work(s: AsyncSession) -> None:
        expert_id = await service.expert_by_extension(s, extension)
        await service.set_presence(s, expert_id, state.value)
        await audited(s, "presence-set", "expert", expert_id, presence=state.value)

    transact(work)
    typer.echo(f"The expert with extension {extension} is {state.value}.")


async def _one(s: AsyncSession, extension: str) -> ExpertListed:
    found = await listing.list_experts(s, extension)
    if not found:
        raise ExpertUnknown(f"with extension {extension}")
    return found[0]


async def _values(s: AsyncSession, expert: ExpertListed) -> dict[str, Any]:
    rule = (await shares_of(s, [expert.expert_id]))[expert.expert_id]
    return {
        "name": expert.name,
        "extension": expert.extension,
        "phones": expert.endpoints,
        "language": expert.language,
        "category": expert.category,
        "tariff": expert.tariff,
        "share_percent": f"{percent_of(rule.expert_basis_points)} of the {rule.basis}",
        "presence": expert.presence,
        "in_call": expert.in_call,
        "id": expert.expert_id,
    }
