"""`primeline phones`: which SIP phones there are, and how each registers."""

import asyncio
import os
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

import aiohttp
import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.listing import list_callers
from billing.catalogue.listing import list_experts
from billing.endpoints.service import list_phones
from primeline.commands.common import JsonOption, show_list, transact
from primeline.lines import LINES_FILE, OwnLines, Passwords, read_own_lines
from primeline.running import DATABASE_VARIABLE, Running, data_dir, find

HIDDEN: Final = "hidden"
ASKING_SECONDS: Final = 3


def phones(
    show_passwords: Annotated[
        bool, typer.Option("--show-passwords", help="Show the passwords too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List all SIP phones: whose they are, where they register, and whether they have."""

    async def work(s: AsyncSession) -> tuple[dict[str, str | None], dict[str, str]]:
        known = {one.endpoint: one.number for one in await list_phones(s)}
        owners = {
            endpoint: f"expert {expert.name} ({expert.extension})"
            for expert in await list_experts(s)
            for endpoint in expert.endpoints
        } | {one: f"caller {who.name}" for who in await list_callers(s) for one in who.endpoints}
        return known, owners

    known, owners = transact(work)
    running = _running()
    own = OwnLines()
    if running is not None:
        own = read_own_lines(data_dir(), Passwords(data_dir()))
    numbers = known | {one.endpoint: one.number for one in own.phones}
    passwords = _passwords(numbers) if show_passwords else {}
    online = asyncio.run(_online(running)) if running else None
    rows = [
        {
            "phone": name,
            "whose": owners.get(name, LINES_FILE),
            "number": number,
            "password": passwords.get(name) if show_passwords else HIDDEN,
            "server": running.sip if running else None,
            "registered": None if online is None else name in online,
        }
        for name, number in sorted(numbers.items())
    ]
    show_list(rows, title="Phones", as_json=as_json)
    if not as_json and running is None:
        typer.echo("`primeline up` doesn't run on this data: nobody is registered now.")


def tell_access(endpoints: Sequence[str]) -> None:
    """Say how each phone registers."""
    running = _running()
    if running is None:
        typer.echo("To register a SIP phone: primeline up, then primeline phones --show-passwords")
        return
    passwords = _passwords(endpoints)
    for endpoint in endpoints:
        typer.echo(
            f"Register a SIP phone as {endpoint}, password {passwords[endpoint]},"
            f" at {running.sip} (UDP); it is let in within 5 seconds."
        )


def _running() -> Running | None:
    """Give the system that runs on our data, if its database is the one the commands use."""
    running = find(data_dir())
    named = os.environ.get(DATABASE_VARIABLE)
    if running is not None and named is not None and _bare(named) != _bare(running.database_url):
        return None
    return running


def _bare(url: str) -> str:
    return url.partition("://")[2]


def _passwords(endpoints: Sequence[str] | dict[str, str | None]) -> dict[str, str]:
    """Give the phones' passwords; those of phones that Asterisk doesn't know yet are made."""
    directory = data_dir()
    if not directory.is_dir():
        return {}
    passwords = Passwords(directory)
    own = {one.endpoint: one.password for one in read_own_lines(directory, passwords).phones}
    return {one: own.get(one) or passwords.of(one) for one in endpoints}


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
