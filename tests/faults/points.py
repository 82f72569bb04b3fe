"""The eight named points of a call, told from what the database said as a process died."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID


class Point(StrEnum):
    """Where a call is when something dies."""

    BEFORE_HOLD = "before hold"
    AFTER_HOLD = "after hold"
    RINGING = "ringing"
    BRIDGED = "bridged"
    MID_QUOTA = "mid-quota"
    AT_CUT = "at cut"
    IN_SETTLEMENT = "in settlement"
    AFTER_COMMIT = "after commit"


class Victim(StrEnum):
    """What dies. The names are those of the processes, but for the two sockets'."""

    APP = "ari_app"
    ASTERISK = "asterisk"
    POSTGRES = "postgres"
    WORKER = "worker"
    ARI_SOCKET = "ARI socket"
    DATABASE_SOCKET = "database socket"


class Way(StrEnum):
    """What is done to it."""

    KILL = "SIGKILL"
    FREEZE = "SIGSTOP"
    CUT = "cut"


CUT_MS: Final = 400
"""So near to the end of a final grant a talk is at its cut."""

COMMITTED_MS: Final = 2_000
"""So long after its commit a call still has to be told and let go."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A call as its rows are at one moment (`at_ms`, wall clock).

    `settling`: a transaction of the application waits in the middle of settling it.
    `settled_for_ms`: since when its settlement is there; None: it isn't.
    """

    call_id: UUID
    at_ms: int
    session: str | None = None
    grants: int = 0
    open_holds: int = 0
    dialled: bool = False
    paid_start_ms: int | None = None
    stopped: bool = False
    granted_seconds: int = 0
    final: bool = False
    settling: bool = False
    settled_for_ms: int | None = None


def point_of(seen: Seen) -> Point | None:
    """Name the point that a call is at; None: at none of the eight.

    Grants of 8 and 8 s, 10 s talked: mid-quota. One final grant of 8 s, 7.9 s talked: at cut.
    """
    if seen.settled_for_ms is not None:
        return Point.AFTER_COMMIT if seen.settled_for_ms <= COMMITTED_MS else None
    if seen.settling:
        return Point.IN_SETTLEMENT
    if seen.paid_start_ms is not None:
        return None if seen.stopped else _in_talk(seen, seen.paid_start_ms)
    if seen.open_holds:
        return Point.RINGING if seen.dialled else Point.AFTER_HOLD
    if seen.session in {"opened", "quoted"} and not seen.grants:
        return Point.BEFORE_HOLD
    return None


def _in_talk(seen: Seen, start_ms: int) -> Point:
    end_ms = start_ms + seen.granted_seconds * 1_000
    if seen.final and abs(seen.at_ms - end_ms) <= CUT_MS:
        return Point.AT_CUT
    return Point.MID_QUOTA if seen.grants > 1 else Point.BRIDGED
