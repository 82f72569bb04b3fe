"""API keys at the edge: `Authorization: Bearer`, scopes, and a bound on guessing."""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import Now, sessions_of
from api.errors import Problem
from billing.identity import service as identity
from billing.identity.values import Scope
from billing.kit import audit
from billing.money.plain import plain

WRONG_KEYS: Final = 20
"""Wrong keys from one address within `WINDOW_SECONDS`; more are refused unread."""

WINDOW_SECONDS: Final = 60
REMEMBERED: Final = 4_096
"""How many addresses, and how many keys that were right, are kept in mind."""

_bearer = HTTPBearer(
    scheme_name="key",
    description="An API key made by `primeline key add`, sent as `Authorization: Bearer pl_…`.",
    auto_error=False,
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: the key that the request came with."""

    key_id: UUID
    name: str
    scopes: frozenset[Scope]

    @property
    def said(self) -> str:
        """The name in the audit log."""
        return f"key:{self.name}"

    async def record(
        self,
        s: AsyncSession,
        action: str,
        subject: str,
        subject_id: object,
        *,
        at: datetime,
        **detail: Any,
    ) -> None:
        """Write the change into the audit log, in its own transaction; no PIN and no secret."""
        await audit.record(
            s,
            actor=self.said,
            action=action,
            subject=subject,
            subject_id=subject_id,
            detail=plain(detail),
            at=at,
        )

    async def edited(
        self,
        s: AsyncSession,
        subject: str,
        subject_id: object,
        *,
        at: datetime,
        version: int,
        changed: Mapping[str, Any],
        action: str = "edited",
    ) -> None:
        """Write an edit into the audit log; one that changed nothing leaves no trace."""
        if changed:
            detail = {"version": version, "changed": dict(changed)}
            await self.record(s, action, subject, subject_id, at=at, **detail)


class Guard:
    """Counts wrong keys by address. A key that was right lately isn't kept out by others' guesses.

    One process counts for itself: the bound is there to make guessing and its load pointless, not
    to be exact.
    """

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._right: OrderedDict[str, None] = OrderedDict()

    def refuses(self, address: str, text: str, seconds: float) -> bool:
        """Whether the key is refused unread."""
        if text in self._right:
            return False
        tries = self._wrong.get(address)
        while tries and tries[0] <= seconds - WINDOW_SECONDS:
            tries.popleft()
        return tries is not None and len(tries) >= WRONG_KEYS

    def wrong(self, address: str, text: str, seconds: float) -> None:
        """Count a wrong key."""
        self._right.pop(text, None)
        self._wrong.setdefault(address, deque(maxlen=WRONG_KEYS)).append(seconds)
        self._wrong.move_to_end(address)
        while len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)

    def right(self, text: str) -> None:
        """Remember a right key."""
        self._right[text] = None
        self._right.move_to_end(text)
        while len(self._right) > REMEMBERED:
            self._right.popitem(last=False)


async def _actor(
    request: Request,
    at: Now,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Actor:
    """Find whose key the request came with."""
    if given is None:
        raise Problem(
            "key-missing",
            "Send an API key: Authorization: Bearer pl_…",
            headers={"WWW-Authenticate": "Bearer"},
        )
    guard: Guard = request.app.state.guard
    address = request.client.host if request.client else ""
    seconds = at.timestamp()
    if guard.refuses(address, given.credentials, seconds):
        raise Problem(
            "too-many-wrong-keys",
            f"Too many wrong API keys came from your address; wait {WINDOW_SECONDS} seconds.",
            headers={"Retry-After": str(WINDOW_SECONDS)},
        )
    async with sessions_of(request).begin() as s:
        key = await identity.check_key(s, given.credentials, at)
        if key is not None:
            await identity.note_use(s, key, at)
    if key is None:
        guard.wrong(address, given.credentials, seconds)
        raise Problem(
            "key-wrong",
            "This API key is wrong, has expired or was revoked.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    guard.right(given.credentials)
    request.scope["primeline.key"] = key.name
    structlog.contextvars.bind_contextvars(key=key.name)
    return Actor(key.key_id, key.name, key.scopes)


async def _allowed(needed: SecurityScopes, actor: Annotated[Actor, Depends(_actor)]) -> Actor:
    """Let only keys with the route's scope pass."""
    for scope in needed.scopes:
        if scope not in actor.scopes:
            raise Problem("scope-missing", f"The API key {actor.name!r} lacks the scope {scope}.")
    return actor


MayRead = Annotated[Actor, Security(_allowed, scopes=[Scope.READ.value])]
MayManage = Annotated[Actor, Security(_allowed, scopes=[Scope.MANAGE.value])]
MayMoveMoney = Annotated[Actor, Security(_allowed, scopes=[Scope.MONEY.value])]
MayOrderCalls = Annotated[Actor, Security(_allowed, scopes=[Scope.CALLS.value])]
MayAdminister = Annotated[Actor, Security(_allowed, scopes=[Scope.ADMIN.value])]
"""What a route's key must be allowed to; the value is who asks."""
