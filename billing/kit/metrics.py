"""Figures for Prometheus: each part has its own, and serves them on a port of its own.

To observe costs microseconds, and never hurts what is observed. Labels have few values: a state, a
reason, a trunk; never a caller, a number or a call.
"""

import asyncio
import platform
import socketserver
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from typing import Final, ParamSpec

import structlog
from prometheus_client import CollectorRegistry, Gauge, MetricsHandler, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from billing.kit.errors import PrimelineError
from billing.kit.settings import Settings

PARTS: Final = ("ari_app", "agi", "monitor", "worker", "api")
"""In the order of their ports: the first one's is PRIMELINE_METRICS_PORT."""

AGAIN_SECONDS: Final = 5
READ_EVERY_SECONDS: Final = 15
_REQUEST_SECONDS: Final = 5
_POLL_SECONDS: Final = 0.1

P = ParamSpec("P")
Values = Mapping[tuple[str, ...], float]
"""A figure for each combination of its labels."""

log = structlog.get_logger(__name__)


class MetricsPortTaken(PrimelineError):
    """Somebody else listens where a part's figures should be served."""

    code = "metrics-port-taken"

    def __init__(self, part: str, host: str, port: int, why: str) -> None:
        super().__init__(
            f"The figures of {part} can't be served at {host}:{port} ({why}). Choose other ports by"
            f" PRIMELINE_METRICS_PORT, of which each part takes one, or none by 0."
        )


def harmless(observe: Callable[P, None]) -> Callable[P, None]:
    """Make an observation that never raises into what it observes."""

    @wraps(observe)
    def observed(*given: P.args, **named: P.kwargs) -> None:
        try:
            observe(*given, **named)
        except Exception:
            log.exception("not observed", what=observe.__name__)

    return observed


class Latest(Collector):
    """A gauge whose values are asked for when it is read, or were last handed in."""

    def __init__(self, name: str, documentation: str, labels: tuple[str, ...] = ()) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._ask: Callable[[], Values] = dict

    def follow(self, ask: Callable[[], Values]) -> None:
        """Ask `ask` from now on, in whatever thread; what it raises leaves the gauge empty."""
        self._ask = ask

    def set(self, values: Values) -> None:
        """Give these values from now on; none: what is not known any more is not told."""
        self._ask = lambda: values

    def describe(self) -> list[Metric]:
        """Give the name without any value."""
        return [GaugeMetricFamily(self._name, self._documentation, labels=self._labels)]

    def collect(self) -> list[Metric]:
        """Give the values of now."""
        family = GaugeMetricFamily(self._name, self._documentation, labels=self._labels)
        with suppress(Exception):
            for labels, value in self._ask().items():
                family.add_metric(labels, value)
        return [family]


class PartMetrics:
    """The figures of one part; those that every part has are made with it."""

    def __init__(self, part: str) -> None:
        self.part = part
        self.registry = CollectorRegistry()
        build = Gauge(
            "primeline_build_info",
            "Always 1; the labels say which part and version this is.",
            ["part", "version", "python"],
            registry=self.registry,
        )
        build.labels(part, _version(), platform.python_version()).set(1)
        self._connections = self.latest(
            "primeline_database_connections", "Connections to the database, by state.", ("state",)
        )
        ProcessCollector(registry=self.registry)

    def latest(self, name: str, documentation: str, labels: tuple[str, ...] = ()) -> Latest:
        """Make a gauge that is read, not counted."""
        made = Latest(name, documentation, labels)
        self.registry.register(made)
        return made

    def watch_database(self, engine: AsyncEngine) -> None:
        """Tell how many connections of the engine's pool are in use and idle."""
        pool = engine.sync_engine.pool
        if isinstance(pool, QueuePool):
            self._connections.follow(
                lambda: {("in-use",): pool.checkedout(), ("idle",): pool.checkedin()}
            )

    def port(self, settings: Settings) -> int:
        """Give the port of this part; 0: its figures aren't served."""
        first = settings.metrics_port
        return first + PARTS.index(self.part) if first else 0

    @asynccontextmanager
    async def served(self, settings: Settings) -> AsyncIterator[None]:
        """Serve the figures meanwhile. A port that is taken is told, and tried again."""
        port = self.port(settings)
        if not port:
            yield
            return
        task = asyncio.create_task(self._serve(settings.metrics_host, port))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _serve(self, host: str, port: int) -> None:
        server = None
        told = False
        while server is None:
            try:
                server = await asyncio.to_thread(MetricsServer, self, host, port)
            except MetricsPortTaken as error:
                # No call waits for its figures: the process before this one may be just ending.
                if not told:
                    log.error("figures not served", sentence=error.sentence)  # noqa: TRY400
                told = True
                await asyncio.sleep(AGAIN_SECONDS)
        log.info("figures are served", port=port)
        try:
            await asyncio.Future()
        finally:
            server.close()


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class MetricsServer:
    """Serves a part's figures in threads of its own, until closed; raises MetricsPortTaken."""

    def __init__(self, metrics: PartMetrics, host: str, port: int) -> None:
        handler = MetricsHandler.factory(metrics.registry)
        handler.timeout = _REQUEST_SECONDS  # type: ignore[attr-defined]
        try:
            self._server = _Tcp((host, port), handler)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise MetricsPortTaken(metrics.part, host, port, why) from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


async def read_for_ever(read: Callable[[], Awaitable[None]], forget: Callable[[], None]) -> None:
    """Read figures of the database now and then; `forget` them while it can't be asked."""
    while True:
        try:
            async with asyncio.timeout(READ_EVERY_SECONDS):
                await read()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            forget()
            log.warning("figures not read", error=type(error).__name__)
        await asyncio.sleep(READ_EVERY_SECONDS)


def _version() -> str:
    try:
        return version("primeline")
    except PackageNotFoundError:
        return "unknown"
