"""Trunks: found for a call, added, edited and removed by the operator."""

from typing import Any, Final
from uuid import uuid4

import psycopg
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.endpoints.errors import TrunkChanged, TrunkInUse, TrunkUnknown
from billing.endpoints.models import TrunkRow
from billing.endpoints.names import take_name, tell_asterisk
from billing.endpoints.rules import check_trunk
from billing.endpoints.values import KnownTrunk, NumberFormat, Trunk

USERS: Final = {
    "expert_phones": "an expert's phone",
    "premium_terms": "a premium-rate number",
    "numbers": "a number",
}
"""What may point to a trunk, by table."""


async def find_trunk(s: AsyncSession, name: str | None) -> Trunk | None:
    """Give a trunk by the name that the dialplan hands over; None: none, or unknown."""
    if not name:
        return None
    row = await s.scalar(select(TrunkRow).where(TrunkRow.name == name))
    return None if row is None else _known(row).trunk


async def get_trunk(s: AsyncSession, name: str) -> KnownTrunk:
    """Give a trunk with its id and version; raises TrunkUnknown."""
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


async def change_trunk(s: AsyncSession, trunk: Trunk, *, version: int) -> KnownTrunk:
    """Replace all of the trunk of that name but its name, if it still has the version given.

    Raises TrunkInvalid, TrunkUnknown, or TrunkChanged where somebody was quicker.
    """
    check_trunk(trunk)
    changed = await s.execute(
        update(TrunkRow)
        .where(TrunkRow.name == trunk.name, TrunkRow.version == version)
        .values(version=version + 1, **_values(trunk))
        .returning(TrunkRow.id)
        .execution_options(synchronize_session="fetch")
    )
    trunk_id = changed.scalar_one_or_none()
    if trunk_id is None:
        raise await _not_that_version(s, trunk.name, version)
    await tell_asterisk(s)
    return KnownTrunk(trunk_id, version + 1, trunk)


async def remove_trunk(s: AsyncSession, name: str, *, version: int | None = None) -> None:
    """Forget a trunk. Calls keep its name. `version` None: whatever it is.

    Raises TrunkUnknown, TrunkChanged, or TrunkInUse where something points to it.
    """
    query = delete(TrunkRow).where(TrunkRow.name == name).returning(TrunkRow.id)
    if version is not None:
        query = query.where(TrunkRow.version == version)
    try:
        async with s.begin_nested():
            gone = (await s.execute(query)).first()
    except IntegrityError as error:
        raise TrunkInUse(name, _user(error)) from error
    if gone is None:
        raise await _not_that_version(s, name, version or 0)
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


async def _not_that_version(
    s: AsyncSession, name: str, version: int
) -> TrunkUnknown | TrunkChanged:
    found = await s.scalar(select(TrunkRow.version).where(TrunkRow.name == name))
    if found is None:
        return TrunkUnknown(name)
    return TrunkChanged(name, version=found, given=version)


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
    trunk = Trunk(
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
    return KnownTrunk(row.id, row.version, trunk)
