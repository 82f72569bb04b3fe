"""The call application's figures."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Histogram

from ari_app.calls.data import CallData
from ari_app.calls.states import State
from billing.calls.values import LIMITS_REACHED, EndReason
from billing.kit.metrics import PartMetrics, harmless

METRICS: Final = PartMetrics("ari_app")

CALLS_OPEN: Final = METRICS.latest(
    "primeline_calls_open", "Calls that go on, by state.", ("state",)
)
SPOOLED: Final = METRICS.latest(
    "primeline_spooled_ends", "Ends of calls on disk that the database hasn't taken yet."
)
CALLS_ENDED: Final = Counter(
    "primeline_calls_ended",
    "Calls that ended, by reason and by who charges the caller: prepaid, premium, none.",
    ["reason", "charging"],
    registry=METRICS.registry,
)
SETTLE_SECONDS: Final = Histogram(
    "primeline_settle_seconds",
    "How long a call's money took to be written, or to be put on disk instead.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
    registry=METRICS.registry,
)
EVENT_LAG_SECONDS: Final = Histogram(
    "primeline_event_lag_seconds",
    "From Asterisk's own time of an event until its call had handled it.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=METRICS.registry,
)
CUT_ERROR_SECONDS: Final = Histogram(
    "primeline_cut_error_seconds",
    "How long after the end of the credit a talk really ended that was cut off then."
    " At or below 0: too early.",
    buckets=(0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.25, 0.5, 1, 2.5),
    registry=METRICS.registry,
)
RENEWALS: Final = Counter(
    "primeline_renewals",
    "Longer grants and leases that Asterisk confirmed, by kind.",
    ["kind"],
    registry=METRICS.registry,
)
RENEWALS_LATE: Final = Counter(
    "primeline_renewals_late",
    "Those of them that came when less than half of the time meant for it was left (grants), or"
    " after one was missed (leases).",
    ["kind"],
    registry=METRICS.registry,
)

CUT_OFF: Final = LIMITS_REACHED | {EndReason.CREDIT_USED_UP, EndReason.MAXIMUM_REACHED}

for _kind in ("grant", "lease"):
    RENEWALS.labels(_kind)
    RENEWALS_LATE.labels(_kind)


def follow_calls(states: Callable[[], Iterable[str]]) -> None:
    """Count the open calls by what `states` gives for each."""

    def count() -> dict[tuple[str, ...], float]:
        tally = Tally(states())
        return {(state.replace(" ", "-"),): tally[state] for state in State}

    CALLS_OPEN.follow(count)


def follow_spool(directory: Path) -> None:
    """Count the ends of calls in a folder."""
    SPOOLED.follow(lambda: {(): sum(1 for _ in directory.glob("*.json"))})


@harmless
def ended(data: CallData, *, failed: bool = False) -> None:
    """A call is over. `failed`: by a fault of ours."""
    charging = "premium" if data.carrier_billed else "prepaid" if data.pays else "none"
    reason = EndReason.SERVICE_DOWN if failed or data.reason is None else data.reason
    CALLS_ENDED.labels(str(reason), charging).inc()


@harmless
def settled(data: CallData, seconds: float) -> None:
    """A call's money is written, or its end is on disk; a talk that was cut tells how exactly."""
    SETTLE_SECONDS.observe(seconds)
    if data.reason in CUT_OFF and data.grant is not None and data.intervals:
        CUT_ERROR_SECONDS.observe((data.segment_ms - data.granted_ms) / 1_000)


@harmless
def handled(at_ms: int, now_ms: int) -> None:
    """An event of Asterisk's was handled."""
    EVENT_LAG_SECONDS.observe(max(0, now_ms - at_ms) / 1_000)


@harmless
def granted(data: CallData, now_ms: int) -> None:
    """Asterisk has taken a longer grant. One that only a top-up made possible is never late."""
    talk, grant = data.talk, data.grant
    if data.coming is None or grant is None or talk is None or talk.from_ms is None:
        return
    RENEWALS.labels("grant").inc()
    left_ms = data.meter_from_ms + data.granted_ms - now_ms
    if not grant.final and left_ms < data.limits.extend_at_seconds * 1_000 / 2:
        RENEWALS_LATE.labels("grant").inc()


@harmless
def leased(data: CallData, since_ms: int) -> None:
    """Asterisk has taken a lease, so long after the one before."""
    RENEWALS.labels("lease").inc()
    if since_ms > 2 * data.limits.premium_renew_ms:
        RENEWALS_LATE.labels("lease").inc()
