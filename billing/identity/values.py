"""Who may do what by the API."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Scope(StrEnum):
    """What a key may be used for. None contains another."""

    READ = "read"
    """See everything but keys and the audit log."""
    MANAGE = "manage"
    """Change numbers, experts, tariffs, shares, callers, trunks and phones."""
    MONEY = "money"
    """Move money: top-ups, vouchers, refunds, carrier statements."""
    CALLS = "calls"
    """Give orders to calls, such as to end one."""
    ADMIN = "admin"
    """API keys and the audit log."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as operators see it; its secret is kept nowhere. Times are UTC; None: never."""

    key_id: UUID
    name: str
    prefix: str
    scopes: frozenset[Scope]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    version: int

    def works(self, at: datetime) -> bool:
        """Whether it opens anything at a moment."""
        expired = self.expires_at is not None and self.expires_at <= at
        return self.revoked_at is None and not expired
