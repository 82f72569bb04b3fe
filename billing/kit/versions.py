"""Rows that two people may edit at once: each edit says which version it was made from."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.errors import PrimelineError

_UNIQUE_VIOLATION: Final = "23505"

Expected = frozenset[int] | None
"""The versions an edit may be made from; None: whatever there is."""


class VersionConflict(PrimelineError):
    """Somebody else changed the row in between; nothing was changed."""

    code = "version-conflict"

    def __init__(self, subject: str, subject_id: object, seen: frozenset[int], now: int) -> None:
        super().__init__(
            f"The {subject} was changed in between: it is at version {now}."
            " Look at what changed, and try again from there."
        )
        self.subject = subject
        self.subject_id = str(subject_id)
        self.seen = seen
        self.now = now


class Versioned(Protocol):
    """A row with a version."""

    version: Any


def require(row: Versioned, expected: Expected, *, subject: str, subject_id: object) -> None:
    """Raise VersionConflict unless the row, locked by now, is at a version the edit allows."""
    if expected is not None and row.version not in expected:
        raise VersionConflict(subject, subject_id, expected, row.version)


def change(row: Versioned, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set values and raise the version; gives what really changed, `{name: {from, to}}`."""
    changes = {
        name: {"from": getattr(row, name), "to": value}
        for name, value in values.items()
        if getattr(row, name) != value
    }
    for name, one in changes.items():
        setattr(row, name, one["to"])
    if changes:
        row.version += 1
    return changes


async def flush(s: AsyncSession, taken: PrimelineError) -> None:
    """Write what was changed; raises `taken` where somebody has the unique value already."""
    try:
        async with s.begin_nested():
            await s.flush()
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != _UNIQUE_VIOLATION:
            raise
        raise taken from error
