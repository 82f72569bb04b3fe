"""`primeline key`: keys of the API."""

from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.identity import service
from billing.identity.service import NewKey
from billing.identity.values import ApiKey, Scope
from billing.kit.clock import now
from primeline.commands.common import (
    JsonOption,
    actor,
    audited,
    edited,
    list_all,
    show_list,
    show_one,
    transact,
)
from primeline.commands.tariffs import moment_of

app = typer.Typer(no_args_is_help=True, help="Keys of the API.")

NameArgument = Annotated[str, typer.Argument(help="The key's name: who uses it")]


@app.command()
def add(
    name: NameArgument,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What it may do; again for more. Without it, everything"),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="From when on it opens nothing: 2030-01-01")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key. It is shown once and kept nowhere."""

    async def work(s: AsyncSession) -> NewKey:
        made = await service.add_key(
            s,
            name=name,
            scopes=frozenset(scope or Scope),
            created_by=actor(),
            at=now(),
            expires_at=None if expires is None else moment_of(expires),
        )
        await audited(s, "added", "api-key", made.key.key_id, **_values(made.key))
        return made

    made = transact(work)
    show_one(_values(made.key) | {"token": made.token}, as_json=as_json)
    if not as_json:
        typer.echo("The token is kept nowhere: note it now. Send it as")
        typer.echo(f"  Authorization: Bearer {made.token}")


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List all keys, revoked ones too."""

    async def work(s: AsyncSession) -> list[ApiKey]:
        return await list_all(service.list_keys, s)

    show_list([_values(one) for one in transact(work)], title="API keys", as_json=as_json)


@app.command()
def revoke(name: NameArgument, as_json: JsonOption = False) -> None:
    """Make a key open nothing from now on."""

    async def work(s: AsyncSession) -> ApiKey:
        found = await service.key_by_name(s, name)
        key, changed = await service.revoke_key(
            s, found.key_id, at=now(), expected=None, last_admin_too=True
        )
        if changed:
            await audited(s, "revoked", "api-key", key.key_id, version=key.version, changed=changed)
        return key

    show_one(_values(transact(work)), as_json=as_json)


@app.command()
def rename(
    name: NameArgument,
    new_name: Annotated[str, typer.Argument(help="Its name from now on")],
    as_json: JsonOption = False,
) -> None:
    """Give a key another name; what it opens stays."""

    async def work(s: AsyncSession) -> ApiKey:
        found = await service.key_by_name(s, name)
        key, changed = await service.rename_key(s, found.key_id, new_name, expected=None)
        await edited(s, "api-key", key.key_id, version=key.version, changed=changed)
        return key

    show_one(_values(transact(work)), as_json=as_json)


def _values(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "prefix": key.prefix,
        "scopes": sorted(one.value for one in key.scopes),
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "id": key.key_id,
    }
