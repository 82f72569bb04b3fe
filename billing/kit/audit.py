"""The audit log: one row for each change an operator makes, in the change's own transaction."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.models import AuditEntry
from billing.kit.pages import After, Slice, take

_SHOWN_CHANGES: Final = 20


async def record(
    s: AsyncSession,
    *,
    actor: str,
    action: str,
    subject: str,
    subject_id: object,
    detail: dict[str, Any],
    at: datetime,
) -> None:
    """Adds a row; `detail` must be JSON and hold no PIN or secret.

    Of an edit, `detail` has the `version` it made and what it `changed`: `{name: {from, to}}`.
    """
    s.add(
        AuditEntry(
            at=at,
            actor=actor,
            action=action,
            subject=subject,
            subject_id=str(subject_id),
            detail=detail,
        )
    )
    await s.flush()


async def changes_since(
    s: AsyncSession, subject: str, subject_id: str, *, version: int
) -> list[AuditEntry]:
    """List the changes that made the later versions of one thing, oldest first, 20 at most."""
    # Not as_integer(): versions are wider than PostgreSQL's integer, and so is what senders say.
    made = cast(AuditEntry.detail["version"].astext, BigInteger)
    query = (
        select(AuditEntry)
        .where(AuditEntry.subject == subject, AuditEntry.subject_id == subject_id, made > version)
        .order_by(AuditEntry.id)
        .limit(_SHOWN_CHANGES)
    )
    return list(await s.scalars(query))


async def list_entries(
    s: AsyncSession,
    *,
    limit: int,
    after: After | None = None,
    subject: str | None = None,
    subject_id: str | None = None,
    actor: str | None = None,
) -> Slice[AuditEntry]:
    """List what was changed, newest first; of one kind of thing, one thing or one person."""
    query = select(AuditEntry)
    for column, wanted in (
        (AuditEntry.subject, subject),
        (AuditEntry.subject_id, subject_id),
        (AuditEntry.actor, actor),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    return await take(s, query, (AuditEntry.id,), limit=limit, after=after, descending=True)
