"""What the campaign reads and locks in PostgreSQL, from outside, by connections of its own."""

import asyncio
import csv
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from tests.calls.stage import Stage
from tests.faults.points import Seen

Came = TypeVar("Came")
AGAIN_SECONDS: Final = 0.3

LOCKS: Final = {
    "expert": "SELECT 1 FROM experts WHERE id = %s FOR UPDATE",
    "phone": "SELECT 1 FROM expert_phones WHERE expert_id = %s FOR UPDATE",
    "wallet": "SELECT 1 FROM wallets WHERE account_id = %s FOR UPDATE",
}
"""`phone` keeps a dial attempt from being written, `expert` a reservation."""

SEEN: Final = text(
    """
    SELECT c.id, cs.state AS session,
        (SELECT count(*) FROM grants g WHERE g.session_id = c.id) AS grants,
        (SELECT count(*) FROM transfers t WHERE t.call_id = c.id AND t.kind = 'pending'
            AND NOT EXISTS (SELECT FROM transfers r WHERE r.pending_id = t.id)) AS open_holds,
        EXISTS (SELECT FROM dial_attempts d WHERE d.call_id = c.id) AS dialled,
        p.start_ms, coalesce(p.stopped, false) AS stopped,
        coalesce(l.granted_seconds, 0) AS granted_seconds, coalesce(l.final, false) AS final,
        (extract(epoch FROM clock_timestamp() - st.settled_at) * 1000)::bigint AS settled_for_ms
    FROM calls c
    LEFT JOIN charging_sessions cs ON cs.session_id = c.id
    LEFT JOIN settlements st ON st.call_id = c.id
    LEFT JOIN LATERAL (SELECT min(start_ms) AS start_ms, bool_and(end_ms IS NOT NULL) AS stopped
        FROM talk_stretches WHERE call_id = c.id AND paid) p ON true
    LEFT JOIN LATERAL (SELECT granted_seconds, final FROM grants
        WHERE session_id = c.id ORDER BY request_number DESC LIMIT 1) l ON true
    WHERE c.ended_at IS NULL OR c.ended_at > clock_timestamp() - interval '10 s'
    """
)
FACTS: Final = text(
    """
    SELECT c.id, c.caller_number, c.received_at, w.wallet_id, st.call_id IS NOT NULL AS settled,
        coalesce(st.charge, 0) AS charged, coalesce(st.billed_seconds, 0) AS billed_seconds,
        c.caller_channel, cs.tariff ->> 'mode' AS mode,
        p.answered_ms, p.released_ms, p.metered_seconds, p.retail, p.outpayment,
        EXISTS (SELECT FROM premium_sessions ps WHERE ps.session_id = c.id) AS premium,
        (SELECT count(*) FROM talk_stretches s WHERE s.call_id = c.id) AS stretches,
        ARRAY(SELECT end_ms - start_ms FROM paid_intervals i
            WHERE i.call_id = c.id ORDER BY position) AS paid_ms,
        ARRAY(SELECT t.what FROM timeline_entries t WHERE t.call_id = c.id) AS noted,
        coalesce((SELECT sum(amount) FROM transfers t
            WHERE t.call_id = c.id AND t.kind = 'post'), 0)::bigint AS posted,
        coalesce((SELECT sum(amount) FROM transfers t WHERE t.call_id = c.id
            AND t.kind = 'pending' AND NOT EXISTS
                (SELECT FROM transfers r WHERE r.pending_id = t.id)), 0)::bigint AS open_holds,
        (SELECT min(start_ms) FROM talk_stretches s
            WHERE s.call_id = c.id AND s.paid) AS start_ms,
        (extract(epoch FROM st.settled_at) * 1000)::bigint AS settled_ms
    FROM calls c LEFT JOIN settlements st ON st.call_id = c.id
    LEFT JOIN charging_sessions cs ON cs.session_id = c.id
    LEFT JOIN premium_settlements p ON p.call_id = c.id
    LEFT JOIN caller_accounts w ON w.id = c.account_id
    ORDER BY c.received_at
    """
)
CLOSED: Final = text(
    "SELECT session_id, segment, tariff ->> 'mode' AS mode, last_interval, billed_seconds"
    " FROM closed_segments ORDER BY session_id, segment"
)
GRANTED: Final = text(
    "SELECT session_id, segment, max(granted_seconds) AS seconds FROM grants"
    " GROUP BY session_id, segment"
)
OPEN: Final = text("SELECT count(*) FROM calls WHERE ended_at IS NULL")
NEWEST: Final = text(
    "SELECT id FROM calls WHERE caller_number = :number ORDER BY received_at DESC LIMIT 1"
)
SETTLED: Final = text("SELECT call_id FROM settlements WHERE call_id = ANY(:ids)")
WALLETS: Final = text("SELECT account_id, posted, pending FROM wallets")
JOBS: Final = text(
    "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    " AND coalesce(scheduled_at, now()) <= now() AND queue_name = 'default'"
)
"""Sentences that are said meanwhile take as long as they take."""
BLOCKED: Final = "SELECT a.query FROM pg_stat_activity a WHERE %s = ANY(pg_blocking_pids(a.pid))"


def conninfo(stage: Stage) -> str:
    """The address of the database for psycopg."""
    url = make_url(stage.system.database_url).set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


class Lock:
    """A row held by the campaign, so that whoever must write it waits in his transaction."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def take(cls, stage: Stage, what: str, key: UUID) -> Self:
        """Lock the row."""
        connection = await psycopg.AsyncConnection.connect(
            conninfo(stage), application_name="campaign"
        )
        try:
            await connection.execute(LOCKS[what].encode(), [key])
        except BaseException:
            await connection.close()
            raise
        return cls(connection)

    async def waited_for(self, stage: Stage) -> bool:
        """Whether a transaction waits for the row now."""
        pid = self._connection.info.backend_pid
        async with await psycopg.AsyncConnection.connect(
            conninfo(stage), application_name="campaign"
        ) as asking:
            found = await asking.execute(BLOCKED, [pid])
            return await found.fetchone() is not None

    async def release(self) -> None:
        """Let go of the row; harmless twice, and when PostgreSQL is gone."""
        with suppress(psycopg.Error, OSError):
            await self._connection.close()


async def backends(stage: Stage) -> list[int]:
    """The server's processes that serve the system, those that wait for another first."""
    async with await psycopg.AsyncConnection.connect(
        conninfo(stage), application_name="campaign"
    ) as asking:
        query = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'primeline'"
            " ORDER BY cardinality(pg_blocking_pids(pid)) DESC, pid"
        )
        return [row[0] async for row in await asking.execute(query)]


async def cut(stage: Stage) -> None:
    """End every connection of the system to PostgreSQL."""
    async with await psycopg.AsyncConnection.connect(
        conninfo(stage), application_name="campaign", autocommit=True
    ) as asking:
        await asking.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'primeline'"
        )


async def patiently(ask: Callable[[], Awaitable[Came]], *, seconds: int = 60) -> Came:
    """Ask again until PostgreSQL is there."""
    end = time.monotonic() + seconds
    while True:
        try:
            return await ask()
        except (SQLAlchemyError, psycopg.Error, OSError):
            if time.monotonic() > end:
                raise
            await asyncio.sleep(AGAIN_SECONDS)


async def rows(stage: Stage, query: Any, **values: Any) -> list[Any]:
    """Read, however long PostgreSQL is away."""

    async def ask() -> list[Any]:
        async with stage.sessions() as s:
            return list(await s.execute(query, values))

    return await patiently(ask)


async def snapshot(stage: Stage, settling: Iterable[UUID]) -> list[Seen]:
    """How every call that is open, or was just now, is in the database."""
    inside = set(settling)
    async with stage.sessions() as s:
        found = list(await s.execute(SEEN))
    at_ms = time.time_ns() // 1_000_000
    return [
        Seen(
            call_id=row.id,
            at_ms=at_ms,
            session=row.session,
            grants=row.grants,
            open_holds=row.open_holds,
            dialled=row.dialled,
            paid_start_ms=row.start_ms,
            stopped=row.stopped,
            granted_seconds=row.granted_seconds,
            final=row.final,
            settling=row.id in inside and row.settled_for_ms is None,
            settled_for_ms=row.settled_for_ms,
        )
        for row in found
    ]


def recorded_meters_ms(cel_file: Path) -> dict[str, int]:
    """From answer to end of each channel that has ended, as recorded; 0: not answered."""
    answers: dict[str, int] = {}
    ends: dict[str, int] = {}
    with cel_file.open(newline="") as file:
        for event, seconds, channel, _, _ in csv.reader(file):
            if event in {"ANSWER", "CHAN_END"}:
                whole, _, fraction = seconds.partition(".")
                moments = answers if event == "ANSWER" else ends
                moments.setdefault(channel, int(whole) * 1_000_000 + int(fraction))
    return {
        channel: (end_us - answers[channel]) // 1_000 if channel in answers else 0
        for channel, end_us in ends.items()
    }


@dataclass
class _Stay:
    """When a channel came into a bridge and when it left (µs); 0: not yet."""

    entered: int = 0
    left: int = 0


def recorded_ms(cel_file: Path) -> dict[str, int | None]:
    """How long both legs of each call were in its paid bridges, by Asterisk's record alone.

    None: a leg's end is not in it, since Asterisk died.
    """
    stays: dict[str, dict[str, _Stay]] = defaultdict(lambda: defaultdict(_Stay))
    with cel_file.open(newline="") as file:
        for line in csv.reader(file):
            event, seconds, channel, _, extra = line
            if event not in {"BRIDGE_ENTER", "BRIDGE_EXIT"}:
                continue
            bridge = json.loads(extra)["bridge_id"]
            if "-paid-" in bridge:
                whole, _, fraction = seconds.partition(".")
                stay = stays[bridge][channel]
                at_us = int(whole) * 1_000_000 + int(fraction)
                if event == "BRIDGE_ENTER":
                    stay.entered = at_us
                else:
                    stay.left = at_us
    sums: dict[str, int | None] = {}
    for bridge, by_channel in stays.items():
        call_id = bridge.partition("-paid-")[0]
        legs = list(by_channel.values())
        before = sums.get(call_id, 0)
        if before is None or any(not leg.left for leg in legs):
            sums[call_id] = None
        elif len(legs) > 1:
            overlap = min(leg.left for leg in legs) - max(leg.entered for leg in legs)
            sums[call_id] = before + max(0, overlap) // 1_000
    return sums
