"""Writes with a key of the sender's choice happen once and answer the same ever after."""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.errors import PrimelineError
from billing.kit.models import IdempotencyKey


class KeyReused(PrimelineError):
    """The same key came with another request."""

    code = "idempotency-key-reused"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The key {key!r} was used before for something else; nothing was changed."
        )


def _hash(request: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


async def begin(
    s: AsyncSession, key: str, request: dict[str, Any], at: datetime
) -> dict[str, Any] | None:
    """Takes `key` for `request` (JSON): None if it is new, else the answer of the first time.

    A second sender of the same key waits for the first one's transaction. Raises KeyReused if the
    key belongs to another request.
    """
    request_hash = _hash(request)
    added = await s.execute(
        insert(IdempotencyKey)
        .values(key=key, request_hash=request_hash, answer=None, created_at=at)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    )
    if added.first() is not None:
        return None
    row = (
        await s.execute(
            select(IdempotencyKey.request_hash, IdempotencyKey.answer).where(
                IdempotencyKey.key == key
            )
        )
    ).one()
    if row.request_hash != request_hash:
        raise KeyReused(key)
    answer: dict[str, Any] | None = row.answer
    return answer


async def finish(s: AsyncSession, key: str, answer: dict[str, Any]) -> None:
    """Keeps the answer, in the transaction that did the work."""
    await s.execute(update(IdempotencyKey).where(IdempotencyKey.key == key).values(answer=answer))
