"""`primeline phone`: SIP phones and how each registers, and ordinary numbers of experts."""

import asyncio
import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

import aiohttp
import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.listing import list_callers
from billing.catalogue import phones
from billing.catalogue.listing import list_experts
from billing.catalogue.service import expert_by_extension
from billing.endpoints import service
from billing.kit.clock import now
from billing.kit.phones import DEFAULT_REGION, require_e164
from primeline.commands.common import (
    JsonOption,
    RegionOption,
    audited,
    show_list,
    show_one,
    transact,
)
from primeline.running import DATABASE_VARIABLE, Running, data_dir, find

ASKING_SECONDS: Final = 3
ONCE: Final = "The password is kept nowhere: note it now."

app = typer.Typer(no_args_is_help=True, help="SIP phones, and ordinary numbers of experts.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Its name, which is also its user name")],
    expert: Annotated[
        str | None, typer.Option(help="Whose it is: an expert's extension; rung after his others")
    ] = None,
    number: Annotated[
        str | None,
        typer.Option(help="For a phone of no expert's: the caller id of its calls; else none"),
    ] = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Add a SIP phone; its password is shown once."""
    if expert is not None and number is not None:
        raise typer.BadParameter(
            "an expert's phone has no number of its own", param_hint="--number"
        )

    async def work(s: AsyncSession) -> str:
        e164 = None if number is None else require_e164(number, region)
        if expert is None:
            await service.claim(s, name, number=e164)
        else:
            await phones.add_sip_phone(s, await expert_by_extension(s, expert), name)
        await audited(s, "added", "phone", name, number=e164, expert=expert)
        return await service.give_password(s, name)

    _show_access(name, transact(work), as_json=as_json)


@app.command("add-number")
def add_number(
    number: Annotated[str, typer.Argument(help="An ordinary phone number: +33 6 12 34 56 78")],
    expert: Annotated[str, typer.Option(help="The expert's extension")],
    trunk: Annotated[str, typer.Option(help="The trunk that it is dialled by")],
    as_json: JsonOption = False,
) -> None:
    """Ring an expert at an ordinary number, after his other phones."""

    async def work(s: AsyncSession) -> str:
        expert_id = await expert_by_extension(s, expert)
        e164 = await phones.add_ordinary_phone(s, expert_id, number, trunk=trunk)
        await audited(s, "added", "phone", e164, expert=expert, trunk=trunk)
        return e164

    show_one({"phone": transact(work), "expert": expert, "trunk": trunk}, as_json=as_json)


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="A SIP phone's name, or an ordinary number")],
    expert: Annotated[
        str | None, typer.Option(help="For an ordinary number: the expert's extension")
    ] = None,
    region: RegionOption = DEFAULT_REGION,
) -> None:
    """Remove a phone; a SIP phone's name is free again."""

    async def work(s: AsyncSession) -> None:
        if expert is None:
            await phones.remove_sip_phone(s, name, now())
        else:
            expert_id = await expert_by_extension(s, expert)
            await phones.remove_ordinary_phone(s, expert_id, require_e164(name, region), now())
        await audited(s, "removed", "phone", name, expert=expert)

    transact(work)
    typer.echo(f"The phone {name} is gone.")


@app.command()
def password(name: str, as_json: JsonOption = False) -> None:
    """Give a phone a new password, shown once; the old one no longer counts."""

    async def work(s: AsyncSession) -> str:
        made = await service.give_password(s, name)
        await audited(s, "password-set", "phone", name)
        return made

    _show_access(name, transact(work), as_json=as_json)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List all phones: whose they are, where SIP phones register, and whether they have."""

    async def work(s: AsyncSession) -> list[dict[str, Any]]:
        owners = {
            endpoint: f"expert {expert.name} ({expert.extension})"
            for expert in await list_experts(s)
            for endpoint in expert.endpoints
        } | {one: f"caller {who.name}" for who in await list_callers(s) for one in who.endpoints}
        known = await service.list_phones(s)
        ordinary = sorted(set(owners) - {one.endpoint for one in known})
        return [
            {
                "phone": one.endpoint,
                "whose": owners.get(one.endpoint),
                "number": one.number,
                "password": "set" if one.ha1 else "missing",
                "server": running.sip if running else None,
                "registered": None if online is None else one.endpoint in online,
            }
            for one in known
        ] + [
            {
                "phone": one,
                "whose": owners[one],
                "number": one,
                "password": None,
                "server": None,
                "registered": None,
            }
            for one in ordinary
        ]

    running = _running()
    online = asyncio.run(_online(running)) if running else None
    show_list(transact(work), title="Phones", as_json=as_json)
    if not as_json and running is None:
        typer.echo("`primeline up` doesn't run on this data: nobody is registered now.")


def with_passwords(
    values: dict[str, Any], passwords: Mapping[str, str], *, as_json: bool
) -> dict[str, Any]:
    """Add the passwords for who reads JSON; who reads a table is told how to register."""
    return values | {"passwords": dict(passwords)} if as_json and passwords else values


def tell_access(passwords: Mapping[str, str]) -> None:
    """Say how each phone registers."""
    running = _running()
    where = f"at {running.sip} (UDP)" if running else "where `primeline up` says"
    for endpoint, made in passwords.items():
        typer.echo(f"Register a SIP phone as {endpoint}, password {made}, {where}.")
    if passwords:
        typer.echo(ONCE)


def _show_access(name: str, made: str, *, as_json: bool) -> None:
    if as_json:
        show_one({"phone": name, "password": made}, as_json=True)
    else:
        tell_access({name: made})


def _running() -> Running | None:
    """Give the system that runs on our data, if its database is the one the commands use."""
    running = find(data_dir())
    named = os.environ.get(DATABASE_VARIABLE)
    if running is not None and named is not None and _bare(named) != _bare(running.database_url):
        return None
    return running


def _bare(url: str) -> str:
    return url.partition("://")[2]


async def _online(running: Running) -> set[str] | None:
    """Ask Asterisk who is registered and answers; None: it doesn't tell."""
    login = aiohttp.encode_basic_auth(running.ari_user, running.ari_password)
    timeout = aiohttp.ClientTimeout(total=ASKING_SECONDS)
    url = f"{running.ari_url}/ari/endpoints/PJSIP"
    try:
        async with (
            aiohttp.ClientSession(headers={"Authorization": login}, timeout=timeout) as http,
            http.get(url) as answer,
        ):
            if answer.status != HTTPStatus.OK:
                return None
            found: list[dict[str, Any]] = await answer.json()
    except (aiohttp.ClientError, TimeoutError):
        return None
    return {one["resource"] for one in found if one["state"] == "online"}
