"""The audit log: one row for each change an operator makes, in the change's own transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.models import AuditEntry


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
    """Adds a row; `detail` must be JSON and hold no PIN or secret."""
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
