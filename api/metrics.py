"""The API's figures."""

from typing import Final

from prometheus_client import Counter, Histogram

from billing.kit.metrics import PartMetrics, harmless

METRICS: Final = PartMetrics("api")

REQUESTS: Final = Counter(
    "primeline_api_requests",
    "Requests, by method, route and status. The route is a pattern; `unknown`: there is no such.",
    ["method", "route", "status"],
    registry=METRICS.registry,
)
REQUEST_SECONDS: Final = Histogram(
    "primeline_api_request_seconds",
    "Until the answer began, by method and route. A stream's answer begins at once.",
    ["method", "route"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=METRICS.registry,
)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""A stranger may send any word as a method."""


@harmless
def answered(method: str, route: str, status: int | None, seconds: float) -> None:
    """A request was answered; `status` None: whoever asked has gone before."""
    method = method if method in METHODS else "other"
    REQUESTS.labels(method, route, "none" if status is None else str(status)).inc()
    REQUEST_SECONDS.labels(method, route).observe(seconds)
