"""`primeline expert`: who answers, on which phones, at what price and share."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import experts, listing, opening, pins, pricing, service
from billing.catalogue.errors import ExpertUnknown, InvalidBounds
from billing.catalogue.listing import ExpertListed
from billing.catalogue.models import Expert
from billing.catalogue.presence import set_hours
from billing.catalogue.values import PriceBounds
from billing.endpoints.service import give_password
from billing.kit.clock import now
from billing.money.text import parse
from billing.shares.service import set_share, shares_of
from billing.shares.values import ShareRule
from billing.tariffs import service as tariffs
from primeline.commands.common import JsonOption, actor, audited, show_list, show_one, transact
from primeline.commands.phones import tell_access, with_passwords
from primeline.commands.tariff_shown import percent_of
from primeline.commands.tariffs import basis_points_of
from primeline.commands.weekly import read_hours

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
def presence(
    extension: str,
    state: Presence,
    until: Annotated[
        datetime | None,
        typer.Option(help="For an available one: up to when, by his own clock", formats=["%H:%M"]),
    ] = None,
) -> None:
    """Say whether an expert takes calls."""

    async def work(s: AsyncSession) -> None:
        expert = await _row(s, extension)
        moment = until and opening.next_at(until.time(), now(), expert.time_zone)
        before = expert.presence
        version = await service.set_presence(s, expert.id, state.value, until=moment)
        changed = {"presence": {"from": before, "to": state.value}, "until": {"to": moment}}
        await audited(s, "presence-set", "expert", expert.id, version=version, changed=changed)

    transact(work)
    typer.echo(f"The expert with extension {extension} is {state.value}.")


@app.command()
def pin(extension: str, as_json: JsonOption = False) -> None:
    """Give an expert a new PIN for the expert line, shown once; the old one is gone."""

    async def work(s: AsyncSession) -> str:
        expert_id = await service.expert_by_extension(s, extension)
        made = await pins.set_pin(s, expert_id)
        await audited(s, "pin-set", "expert", expert_id)
        return made

    show_one({"pin": transact(work)}, as_json=as_json)
    if not as_json:
        typer.echo("The PIN is kept nowhere: note it now.")


@app.command()
def unlock(extension: str) -> None:
    """Let an expert's PIN be tried again from everywhere, after wrong ones; it stays as it is."""

    async def work(s: AsyncSession) -> None:
        expert_id = await service.expert_by_extension(s, extension)
        await pins.unlock_pin(s, expert_id)
        await audited(s, "pin-unlocked", "expert", expert_id)

    transact(work)
    typer.echo(f"The PIN of the expert with extension {extension} may be tried again.")


@app.command()
def bounds(
    extension: str,
    least: Annotated[str | None, typer.Option(help="The least a minute: 0.80")] = None,
    most: Annotated[str | None, typer.Option(help="The most a minute: 2.50")] = None,
    currency: Annotated[str, typer.Option(help="That of his tariff")] = "EUR",
) -> None:
    """Say what an expert may ask a minute; without both he may not change his price."""
    given = None
    if least is not None and most is not None:
        given = PriceBounds(parse(least, currency), parse(most, currency))
    elif least is not None or most is not None:
        raise InvalidBounds

    async def work(s: AsyncSession) -> None:
        expert_id = await service.expert_by_extension(s, extension)
        await pricing.set_bounds(s, expert_id, given)
        detail = {"least": given and given.least, "most": given and given.most}
        await audited(s, "price-bounds-set", "expert", expert_id, **detail)

    transact(work)
    said = "may not change the price" if given is None else f"may ask {least} to {most} {currency}"
    typer.echo(f"The expert with extension {extension} {said}.")


@app.command()
def hours(
    extension: str,
    stretches: Annotated[
        list[str] | None, typer.Argument(help="Like 'mon 09:00-12:00'; none: always")
    ] = None,
    time_zone: Annotated[str | None, typer.Option(help="Whose clock: Europe/Paris")] = None,
) -> None:
    """Set the hours of the week in which an expert takes calls."""
    read = [read_hours(one) for one in stretches or []]

    async def work(s: AsyncSession) -> None:
        expert_id = await service.expert_by_extension(s, extension)
        version = await set_hours(s, expert_id, read, time_zone=time_zone)
        changed: dict[str, object] = {"hours": {"to": stretches or []}}
        if time_zone is not None:
            changed["time_zone"] = {"to": time_zone}
        await audited(s, "hours-set", "expert", expert_id, version=version, changed=changed)

    transact(work)
    typer.echo(f"The expert with extension {extension} has {len(read) or 'no'} hours set.")


@app.command()
def check(
    extension: str,
    note: Annotated[str, typer.Option(help="What was looked at, in words")],
) -> None:
    """Note that an expert was looked into, before he earns at premium rate (rule R13)."""

    async def work(s: AsyncSession) -> None:
        expert_id = await service.expert_by_extension(s, extension)
        changed = await experts.check_expert(s, expert_id, by=actor(), note=note, at=now())
        await _edited(s, "checked", expert_id, changed)

    transact(work)
    typer.echo(f"The expert with extension {extension} is checked.")


@app.command()
def uncheck(extension: str) -> None:
    """Take the check of an expert back."""

    async def work(s: AsyncSession) -> None:
        expert_id = await service.expert_by_extension(s, extension)
        changed = await experts.uncheck_expert(s, expert_id)
        await _edited(s, "unchecked", expert_id, changed)

    transact(work)
    typer.echo(f"The expert with extension {extension} is not checked.")


async def _edited(s: AsyncSession, action: str, expert_id: UUID, changed: dict[str, Any]) -> None:
    found = await listing.get_expert(s, expert_id)
    await audited(s, action, "expert", expert_id, version=found.version, changed=changed)


async def _row(s: AsyncSession, extension: str) -> Expert:
    expert = await s.get(Expert, await service.expert_by_extension(s, extension))
    assert expert is not None  # just found
    return expert


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
        "until": expert.available_until,
        "in_call": expert.in_call,
        "checked": expert.checked_at,
        "id": expert.expert_id,
    }
