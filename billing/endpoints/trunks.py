"""Trunks: found for a call, added, edited and removed by the operator."""

from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

import psycopg
from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.endpoints.errors import TrunkInUse, TrunkUnknown
from billing.endpoints.models import TrunkRow
from billing.endpoints.names import take_name, tell_asterisk
from billing.endpoints.rules import check_password, check_trunk
from billing.endpoints.values import KnownTrunk, NumberFormat, Trunk
from billing.kit import versions
from billing.kit.secrets import SecretBox
from billing.kit.versions import Expected

USERS: Final = {"expert_phones": "an expert's phone"}
"""What may point to a trunk, by table."""


def with_password(trunk: Trunk, username: str, password: str, box: SecretBox) -> Trunk:
    """Give a trunk that logs in at its host; the password is sealed. Raises TrunkInvalid."""
    check_password(trunk.name, password)
    return replace(trunk, username=username, sealed_password=box.seal(password))


_BY_NAME: Final = select(TrunkRow).where(TrunkRow.name == bindparam("name"))


async def find_trunk(s: AsyncSession, name: str | None) -> Trunk | None:
    """Give a trunk by the name that the dialplan hands over; None: none, or unknown."""
    if not name:
        return None
    row = await s.scalar(_BY_NAME, {"name": name})
    return None if row is None else trunk_of(row)


async def get_trunk(s: AsyncSession, name: str, *, to_edit: bool = False) -> KnownTrunk:
    """Give a trunk with its id and version; raises TrunkUnknown.

    `to_edit`: nobody else changes it before this transaction ends.
    """
    if to_edit:
        return _known(await _locked(s, name, None))
    row = await s.scalar(select(TrunkRow).where(TrunkRow.name == name))
    if row is None:
        raise TrunkUnknown(name)
    return _known(row)


async def list_trunks(s: AsyncSession) -> list[KnownTrunk]:
    """List all trunks by name."""
    return [_known(row) for row in await s.scalars(select(TrunkRow).order_by(TrunkRow.name))]


async def add_trunk(s: AsyncSession, trunk: Trunk) -> KnownTrunk:
    """Make a trunk. Raises InvalidEndpoint, TrunkInvalid or EndpointTaken."""
    check_trunk(trunk)
    await take_name(s, trunk.name)
    row = TrunkRow(id=uuid4(), version=1, **_values(trunk))
    s.add(row)
    await s.flush()
    await tell_asterisk(s)
    return KnownTrunk(row.id, 1, trunk)


async def change_trunk(s: AsyncSession, trunk: Trunk, *, expected: Expected) -> KnownTrunk:
    """Replace all of the trunk of that name but its name.

    Raises TrunkInvalid, TrunkUnknown, or VersionConflict where somebody was quicker.
    """
    check_trunk(trunk)
    row = await _locked(s, trunk.name, expected)
    versions.change(row, _values(trunk))
    await s.flush()
    await tell_asterisk(s)
    return _known(row)


async def remove_trunk(s: AsyncSession, name: str, *, expected: Expected = None) -> None:
    """Forget a trunk; calls keep its name. Operators do so by `billing.catalogue.trunks`.

    Raises TrunkUnknown, VersionConflict, or TrunkInUse where something points to it.
    """
    row = await _locked(s, name, expected)
    try:
        async with s.begin_nested():
            await s.delete(row)
    except IntegrityError as error:
        raise TrunkInUse(name, _user(error)) from error
    await tell_asterisk(s)


def shown(trunk: Trunk) -> dict[str, Any]:
    """Give what may be shown and logged of a trunk: all but its secrets."""
    return {
        "name": trunk.name,
        "trusted": trunk.trusted,
        "region": trunk.region,
        "addresses": list(trunk.addresses),
        "logs_in": trunk.ha1 is not None,
        "inbound_format": trunk.inbound.kind,
        "inbound_strip": trunk.inbound.strip,
        "inbound_add": trunk.inbound.add,
        "maximum_calls": trunk.maximum_calls,
        "host": trunk.host,
        "proxy": trunk.proxy,
        "username": trunk.username,
        "register": trunk.register,
        "outbound_format": trunk.outbound.kind,
        "outbound_strip": trunk.outbound.strip,
        "outbound_add": trunk.outbound.add,
        "presented_number": trunk.presented_number,
        "destinations": list(trunk.allowed) if trunk.host else [],
    }


def changed(before: Trunk, after: Trunk) -> dict[str, Any]:
    """Give what differs, `{field: {from, to}}`; of a secret only that it was set anew."""
    old, new = shown(before), shown(after)
    news = {key: {"from": old[key], "to": new[key]} for key in old if old[key] != new[key]}
    secrets = ("ha1", "sealed_password")
    return news | {key: "set" for key in secrets if getattr(before, key) != getattr(after, key)}


async def _locked(s: AsyncSession, name: str, expected: Expected) -> TrunkRow:
    query = select(TrunkRow).where(TrunkRow.name == name).with_for_update()
    row = await s.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise TrunkUnknown(name)
    versions.require(row, expected, subject="trunk", subject_id=row.id)
    return row


def _user(error: IntegrityError) -> str:
    table = None
    if isinstance(error.orig, psycopg.Error):
        table = error.orig.diag.table_name
    return USERS.get(table or "", "something else")


def _values(trunk: Trunk) -> dict[str, Any]:
    return {
        "name": trunk.name,
        "trusted": trunk.trusted,
        "region": trunk.region,
        "addresses": list(trunk.addresses),
        "ha1": trunk.ha1,
        "inbound_format": trunk.inbound.kind,
        "inbound_strip": trunk.inbound.strip,
        "inbound_add": trunk.inbound.add,
        "maximum_calls": trunk.maximum_calls,
        "host": trunk.host,
        "proxy": trunk.proxy,
        "username": trunk.username,
        "sealed_password": trunk.sealed_password,
        "register": trunk.register,
        "outbound_format": trunk.outbound.kind,
        "outbound_strip": trunk.outbound.strip,
        "outbound_add": trunk.outbound.add,
        "presented_number": trunk.presented_number,
        "destinations": list(trunk.destinations),
    }


def _known(row: TrunkRow) -> KnownTrunk:
    return KnownTrunk(row.id, row.version, trunk_of(row))


def trunk_of(row: TrunkRow) -> Trunk:
    """Give a trunk by its row, which another query may have joined."""
    return Trunk(
        name=row.name,
        trusted=row.trusted,
        region=row.region,
        addresses=tuple(row.addresses),
        ha1=row.ha1,
        inbound=NumberFormat(row.inbound_format, row.inbound_strip, row.inbound_add),  # type: ignore[arg-type]
        maximum_calls=row.maximum_calls,
        host=row.host,
        proxy=row.proxy,
        username=row.username,
        sealed_password=row.sealed_password,
        register=row.register,
        outbound=NumberFormat(row.outbound_format, row.outbound_strip, row.outbound_add),  # type: ignore[arg-type]
        presented_number=row.presented_number,
        destinations=tuple(row.destinations),
    )
