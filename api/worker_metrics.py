"""The worker's figures: its jobs, and what is held of callers' money."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from prometheus_client import Counter

from billing.calls.figures import open_holds
from billing.kit import jobs
from billing.kit.database import Sessions
from billing.kit.metrics import PartMetrics, harmless
from billing.money.values import LEDGER_UNITS_PER_MINOR, MINOR_PER_MAJOR, Money
from billing.reconciliation.asterisk.values import Report

METRICS: Final = PartMetrics("worker")

DATABASE_UP: Final = METRICS.latest(
    "primeline_worker_database_up", "Whether the worker reaches the database: 1 or 0."
)
JOBS: Final = Counter(
    "primeline_jobs",
    "Jobs that were tried, by name and outcome: done, failed.",
    ["job", "outcome"],
    registry=METRICS.registry,
)
WAITING: Final = METRICS.latest("primeline_jobs_waiting", "Jobs that are due and not begun.")
OLDEST: Final = METRICS.latest(
    "primeline_oldest_job_seconds", "How long the job that is due longest has been waiting."
)
HOLDS: Final = METRICS.latest(
    "primeline_holds_open", "Holds of calls that go on, by currency.", ("currency",)
)
HELD: Final = METRICS.latest(
    "primeline_held_amount",
    "What they hold, in the currency's major unit; to look at, not to account by.",
    ("currency",),
)
RECONCILED: Final = METRICS.latest(
    "primeline_reconciled_calls", "Calls compared with Asterisk's record the last night."
)
UNEXPLAINED: Final = METRICS.latest(
    "primeline_reconcile_unexplained", "Differences that the last night could not explain."
)

_OF_DATABASE: Final = (WAITING, OLDEST, HOLDS, HELD)


@harmless
def tried(job: str, *, failed: bool) -> None:
    """A job was tried."""
    JOBS.labels(job, "failed" if failed else "done").inc()


@harmless
def reconciled(report: Report) -> None:
    """A day was compared with Asterisk's record."""
    RECONCILED.set({(): report.compared})
    UNEXPLAINED.set({(): report.wrong})


async def counted(call_next: Callable[[], Awaitable[Any]], context: Any, _worker: Any) -> Any:
    """Run a job and count how it went; the worker's middleware."""
    failed = True
    try:
        result = await call_next()
        failed = False
        return result
    finally:
        tried(context.task.name, failed=failed)


async def read(sessions: Sessions) -> None:
    """Read what stands in the database."""
    async with sessions() as s:
        waiting = await jobs.waiting(s)
        holds = await open_holds(s)
    DATABASE_UP.set({(): 1})
    WAITING.set({(): waiting.count})
    OLDEST.set({(): waiting.oldest_seconds})
    HOLDS.set({(one.held.currency,): one.count for one in holds})
    HELD.set({(one.held.currency,): _major(one.held) for one in holds})


def forget() -> None:
    """Nothing is known while the database is away."""
    DATABASE_UP.set({(): 0})
    for gauge in _OF_DATABASE:
        gauge.set({})


def _major(money: Money) -> float:
    return money.amount / (LEDGER_UNITS_PER_MINOR * MINOR_PER_MAJOR[money.currency])
