"""API keys: made, checked, changed, revoked."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.identity import tokens
from billing.identity.errors import (
    KeyExpiryPast,
    KeyNameTaken,
    KeyUnknown,
    KeyWithoutScope,
    LastAdminKey,
)
from billing.identity.models import ApiKeyRow
from billing.identity.values import ApiKey, Scope
from billing.kit import versions
from billing.kit.pages import After, Slice, take
from billing.kit.versions import Expected

USE_NOTED: Final = timedelta(minutes=1)
"""How exactly the last use of a key is known: a write for each request would be dear."""

_NO_SECRET: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. `token` is shown once and kept nowhere."""

    key: ApiKey
    token: str = field(repr=False)


async def add_key(
    s: AsyncSession,
    *,
    name: str,
    scopes: Collection[Scope],
    created_by: str,
    at: datetime,
    expires_at: datetime | None = None,
) -> NewKey:
    """Make a key. Raises KeyNameTaken, KeyWithoutScope or KeyExpiryPast."""
    if not scopes:
        raise KeyWithoutScope
    if expires_at is not None and expires_at <= at:
        raise KeyExpiryPast
    token = tokens.make()
    added = await s.scalars(
        insert(ApiKeyRow)
        .values(
            id=uuid4(),
            name=name,
            prefix=token.prefix,
            secret_hash=tokens.hash_of(token),
            scopes=sorted(scopes),
            created_at=at,
            created_by=created_by,
            expires_at=expires_at,
        )
        .on_conflict_do_nothing(index_elements=[ApiKeyRow.name])
        .returning(ApiKeyRow)
    )
    row = added.one_or_none()
    if row is None:
        raise KeyNameTaken(name)
    return NewKey(_value(row), token.text)


async def check_key(s: AsyncSession, text: str, at: datetime) -> ApiKey | None:
    """Give the key that a request came with; None: there is none, or it opens nothing any more."""
    token = tokens.read(text)
    if token is None:
        return None
    row = await s.scalar(select(ApiKeyRow).where(ApiKeyRow.prefix == token.prefix))
    right = tokens.matches(token, row.secret_hash if row else _NO_SECRET)
    if row is None or not right:
        return None
    key = _value(row)
    return key if key.works(at) else None


async def still_works(s: AsyncSession, key_id: UUID, at: datetime) -> bool:
    """Whether a key that was checked before still opens what it opened then."""
    row = await s.get(ApiKeyRow, key_id)
    return row is not None and _value(row).works(at)


async def note_use(s: AsyncSession, key: ApiKey, at: datetime) -> None:
    """Note that a key was used, once a minute at most."""
    await s.execute(
        update(ApiKeyRow)
        .where(
            ApiKeyRow.id == key.key_id,
            or_(ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at < at - USE_NOTED),
        )
        .values(last_used_at=at)
        .execution_options(synchronize_session=False)
    )


async def list_keys(s: AsyncSession, *, limit: int, after: After | None = None) -> Slice[ApiKey]:
    """List keys by name, revoked ones too."""
    found = await take(s, select(ApiKeyRow), (ApiKeyRow.name,), limit=limit, after=after)
    return Slice(tuple(_value(row) for row in found.items), found.after)


async def get_key(s: AsyncSession, key_id: UUID) -> ApiKey:
    """Give a key; raises KeyUnknown."""
    row = await s.get(ApiKeyRow, key_id)
    if row is None:
        raise KeyUnknown(key_id)
    return _value(row)


async def key_by_name(s: AsyncSession, name: str) -> ApiKey:
    """Give a key by its name; raises KeyUnknown."""
    row = await s.scalar(select(ApiKeyRow).where(ApiKeyRow.name == name))
    if row is None:
        raise KeyUnknown(repr(name))
    return _value(row)


async def rename_key(
    s: AsyncSession, key_id: UUID, name: str, *, expected: Expected
) -> tuple[ApiKey, dict[str, Any]]:
    """Give a key another name. Raises KeyUnknown, KeyNameTaken or VersionConflict."""
    row = await _locked(s, key_id, expected)
    taken = await s.scalar(select(ApiKeyRow.id).where(ApiKeyRow.name == name))
    if taken is not None and taken != key_id:
        raise KeyNameTaken(name)
    changes = versions.change(row, {"name": name})
    await s.flush()
    return _value(row), changes


async def revoke_key(
    s: AsyncSession,
    key_id: UUID,
    *,
    at: datetime,
    expected: Expected,
    last_admin_too: bool = False,
) -> tuple[ApiKey, dict[str, Any]]:
    """Make a key open nothing from now on; revoking twice is once.

    Raises KeyUnknown, VersionConflict, or LastAdminKey unless `last_admin_too`.
    """
    row = await _locked(s, key_id, expected)
    if row.revoked_at is not None:
        return _value(row), {}
    if Scope.ADMIN in row.scopes and not last_admin_too:
        await _require_other_admin(s, key_id, at)
    changes = versions.change(row, {"revoked_at": at})
    await s.flush()
    return _value(row), changes


async def _require_other_admin(s: AsyncSession, key_id: UUID, at: datetime) -> None:
    # Locked, so that two admins can't revoke each other's key at the same moment.
    others = await s.scalars(
        select(ApiKeyRow.id)
        .where(
            ApiKeyRow.id != key_id,
            ApiKeyRow.revoked_at.is_(None),
            func.coalesce(ApiKeyRow.expires_at > at, True),
            ApiKeyRow.scopes.contains([Scope.ADMIN.value]),
        )
        .with_for_update()
    )
    if others.first() is None:
        raise LastAdminKey


async def _locked(s: AsyncSession, key_id: UUID, expected: Expected) -> ApiKeyRow:
    row = await s.get(ApiKeyRow, key_id, populate_existing=True, with_for_update=True)
    if row is None:
        raise KeyUnknown(key_id)
    versions.require(row, expected, subject="api-key", subject_id=key_id)
    return row


def _value(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        key_id=row.id,
        name=row.name,
        prefix=row.prefix,
        scopes=frozenset(Scope(one) for one in row.scopes),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        version=row.version,
    )
