"""Money moves once: `Idempotency-Key` on each POST that moves any."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Header, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import Actor
from api.errors import Problem
from billing.kit import idempotency
from billing.kit.idempotency import KeyReused

A = TypeVar("A", bound=BaseModel)

_KEY: Final = re.compile(r"[!-~]{1,100}")
REPLAYED: Final = "Idempotent-Replayed"


def _key(
    given: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="A word of your own for this one movement, 1 to 100 visible ASCII"
            " characters: sent again with it, the same request does nothing more and gets the"
            " first answer. Each API key has words of its own.",
            examples=["order-4711"],
        ),
    ] = None,
) -> str:
    if given is None:
        raise Problem(
            "idempotency-key-missing",
            "Send an Idempotency-Key, so that a request sent twice moves money once.",
        )
    if not _KEY.fullmatch(given):
        raise Problem(
            "idempotency-key-invalid",
            "An Idempotency-Key has 1 to 100 visible ASCII characters.",
        )
    return given


IdempotencyKey = Annotated[str, Depends(_key)]


def own(actor: Actor, key: str) -> str:
    """Make a sender's key one of his own: another API key's same word is another key."""
    return f"{actor.key_id}:{key}"


async def once(
    s: AsyncSession,
    actor: Actor,
    key: str,
    *,
    route: str,
    request: dict[str, Any],
    at: datetime,
    response: Response,
    answer: type[A],
    work: Callable[[], Awaitable[A]],
) -> A:
    """Do `work` once for a key of an actor's, and answer him the same ever after.

    `request` is all that the sender asked for, as JSON. A second request with the same key waits
    for the first one's transaction. The answer is kept: it must hold no secret. Raises KeyReused.
    """
    full = f"api:{route}:{own(actor, key)}"
    try:
        before = await idempotency.begin(s, full, request, at)
    except KeyReused:
        raise KeyReused(key) from None
    if before is not None:
        response.headers[REPLAYED] = "true"
        return answer.model_validate(before)
    made = await work()
    await idempotency.finish(s, full, made.model_dump(mode="json"))
    return made
