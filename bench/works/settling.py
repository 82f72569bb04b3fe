"""W2: from the caller's hang-up until the settled row can be read, beside an empty commit.

A trigger of the bench tells each settlement as it becomes readable, so nothing is polled.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

import psycopg
from sqlalchemy.engine import make_url

from bench.rules import percentile
from bench.values import Check, Result, Table, shown_ms

GOAL_US: Final = 50_000
COMMIT_EVERY_SECONDS: Final = 0.1

METHOD: Final = (
    "In W1's run at half load: from SIPp's sending of BYE until a listener outside has been told by"
    " a trigger on the settlements, which PostgreSQL tells once the row can be read. Beside it, in"
    " the same seconds: one row inserted and committed ten times a second."
)
_PREPARE: Final = (
    "CREATE TABLE IF NOT EXISTS bench_commits (at timestamptz NOT NULL)",
    """
    CREATE OR REPLACE FUNCTION bench_tell() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('bench_settled',
            (SELECT caller_number FROM calls WHERE id = NEW.call_id));
        RETURN NULL;
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER bench_tell AFTER INSERT ON settlements
        FOR EACH ROW EXECUTE FUNCTION bench_tell()
    """,
)

Moments = Iterable[tuple[str, int]]
"""Caller's number and wall clock (µs)."""


class SettleProbe:
    """Watches one database for a while."""

    def __init__(self) -> None:
        self._seen: list[tuple[str, int]] = []
        self._commit_us: list[int] = []

    @asynccontextmanager
    async def watching(self, database_url: str) -> AsyncIterator[None]:
        """Watch until the end of the block."""
        url = make_url(database_url).set(drivername="postgresql")
        address = url.render_as_string(hide_password=False)
        async with (
            await psycopg.AsyncConnection.connect(address, autocommit=True) as listener,
            await psycopg.AsyncConnection.connect(address, autocommit=True) as writer,
        ):
            for statement in _PREPARE:
                await listener.execute(statement)
            await listener.execute("LISTEN bench_settled")
            tasks = [
                asyncio.create_task(self._listen(listener)),
                asyncio.create_task(self._commit(writer)),
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
                await listener.execute("DROP TRIGGER bench_tell ON settlements")

    async def _listen(self, connection: psycopg.AsyncConnection) -> None:
        async for told in connection.notifies():
            self._seen.append((told.payload, time.time_ns() // 1_000))

    async def _commit(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            began = time.monotonic_ns()
            await connection.execute("INSERT INTO bench_commits VALUES (now())")
            self._commit_us.append((time.monotonic_ns() - began) // 1_000)
            await asyncio.sleep(COMMIT_EVERY_SECONDS)

    def result(self, byes: Moments, rate: int) -> Result:
        """Give W2's result for those hang-ups."""
        settled = waits_us(byes, self._seen)
        p50, p99 = percentile(settled, 500), percentile(settled, 990)
        commit50, commit99 = (percentile(self._commit_us, mille) for mille in (500, 990))
        return Result(
            "W2",
            "From the hang-up to the settled row",
            METHOD,
            (
                Check(
                    "hang-up to readable, p99",
                    "≤ 50 ms",
                    shown_ms(p99),
                    p99 is not None and p99 <= GOAL_US,
                ),
            ),
            (
                Table(
                    f"At {rate} calls a second",
                    ("", "seen", "p50", "p99"),
                    (
                        ("settled", str(len(settled)), shown_ms(p50), shown_ms(p99)),
                        (
                            "empty commit",
                            str(len(self._commit_us)),
                            shown_ms(commit50),
                            shown_ms(commit99),
                        ),
                    ),
                ),
            ),
            {
                "rate": rate,
                "seen": len(settled),
                "settled_us_p50": p50,
                "settled_us_p99": p99,
                "commit_us_p50": commit50,
                "commit_us_p99": commit99,
                "settled_us": sorted(settled),
                "commit_us": sorted(self._commit_us),
            },
        )


def waits_us(byes: Moments, settled: Moments) -> list[int]:
    """Give how long after each hang-up its settlement was seen: the caller's first one after it.

    A hang-up that is followed by none has none: W1 counts it as no good call.
    """
    seen: dict[str, list[int]] = defaultdict(list)
    for number, at_us in sorted(settled, key=lambda one: one[1]):
        seen[number].append(at_us)
    waits = []
    for number, bye_us in byes:
        after = next((at_us for at_us in seen[number] if at_us >= bye_us), None)
        if after is not None:
            waits.append(after - bye_us)
    return waits
