"""The figures of the self-service lines."""

from typing import Final

from prometheus_client import Counter

from billing.kit.metrics import PartMetrics, harmless

METRICS: Final = PartMetrics("agi")

OPEN: Final = METRICS.latest("primeline_line_sessions_open", "Callers on the self-service lines.")
SESSIONS: Final = Counter(
    "primeline_line_sessions",
    "Sessions that ended, by line and outcome. Line `none`: nobody of ours, or one too many.",
    ["line", "outcome"],
    registry=METRICS.registry,
)


@harmless
def over(line: str, outcome: str) -> None:
    """A session is over."""
    SESSIONS.labels(line, outcome).inc()
