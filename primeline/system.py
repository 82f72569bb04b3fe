"""The whole system as processes: PostgreSQL, Asterisk and our own parts, kept running."""

import asyncio
import fcntl
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import psycopg
import structlog

from billing.kit.errors import PrimelineError
from billing.kit.limits import Limits
from primeline import asterisk, postgres
from primeline.asterisk_conf import ANYWHERE, ARI_USER, LOOPBACK, ROOT, Instance, Lines, render
from primeline.asterisk_tree import find_program
from primeline.parts import ARI_APPLICATION, PARTS, PartFailed, limits_changed, until_ready
from primeline.ports import PortLease, Ports, lease_ports
from primeline.processes import Child, end_leftover

GRACE_SECONDS: Final = 10
BACKOFF_SECONDS: Final = (0.2, 0.5, 1, 2, 5, 10, 30)
STEADY_SECONDS: Final = 60
"""A process that ran this long and then died is restarted without delay."""

_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV")

log = structlog.get_logger()


class AlreadyRunning(PrimelineError):
    """Another process uses the same data."""

    code = "already-running"

    def __init__(self, directory: Path) -> None:
        super().__init__(f"A Primeline runs on the data in {directory} already.")


@dataclass(frozen=True, slots=True)
class SystemConfig:
    """What one system is started with.

    `directory` holds all its data and logs. `database_url` None: an embedded PostgreSQL, which
    forgets in a crash of the machine unless `durable`. `restart`: whether a process that dies is
    started again. `bind_host`: 127.0.0.1, or this machine's address in a local network; then SIP
    answers private networks too.
    """

    directory: Path
    prompts_dir: Path
    tree: Path = ROOT / ".asterisk"
    database_url: str | None = None
    durable: bool = True
    bind_host: str = LOOPBACK
    limits: Limits = field(default_factory=Limits)
    parts: tuple[str, ...] = tuple(PARTS)
    restart: bool = True
    log_level: str = "INFO"


Prepare = Callable[["System"], Awaitable[Lines]]
"""Called once the database is migrated; gives the trunks and phones Asterisk starts with."""


class System:
    """The system from `async with` to its end; leaves no process behind.

    `ports` and `instance` (Asterisk's) are set once started; `environment` is what each of our
    parts gets, secrets included.
    """

    ports: Ports
    instance: Instance
    database_url: str

    def __init__(self, config: SystemConfig, prepare: Prepare) -> None:
        self.config = config
        self._prepare = prepare
        self._children: dict[str, Child] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._postgres: postgres.Postgres | None = None
        self._asterisk: asterisk.AsteriskProcess | None = None
        self._lease: PortLease | None = None
        self._lock: IO[str] | None = None
        self._lines = Lines()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run now, by name."""
        return {name: child.pid for name, child in self._children.items() if child.running}

    @property
    def urls(self) -> dict[str, str]:
        """Where the ARI server and the health page are."""
        return {
            "ari": self.instance.ari_url,
            "health": f"http://{LOOPBACK}:{self.ports.health}",
        }

    @property
    def asterisk(self) -> asterisk.AsteriskProcess:
        """The running Asterisk, for its console."""
        if self._asterisk is None:
            raise PartFailed("asterisk", "is not started", self.log_file("asterisk"))
        return self._asterisk

    @property
    def environment(self) -> dict[str, str]:
        """The settings of our parts as variables; the only place where secrets travel."""
        config, instance = self.config, self.instance
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        return kept | {
            "PYTHONUNBUFFERED": "1",
            "PRIMELINE_DATABASE_URL": self.database_url,
            "PRIMELINE_ASTERISK_ID": ARI_APPLICATION,
            "PRIMELINE_ARI_URL": instance.ari_url,
            "PRIMELINE_ARI_USER": ARI_USER,
            "PRIMELINE_ARI_PASSWORD": instance.secrets.ari_password,
            "PRIMELINE_DATA_DIR": str(config.directory.resolve()),
            "PRIMELINE_CEL_FILE": str(instance.cel_file),
            "PRIMELINE_PROMPTS_DIR": str(config.prompts_dir.resolve()),
            "PRIMELINE_SPOOL_DIR": str(config.directory.resolve() / "spool"),
            "PRIMELINE_TREE": str(config.tree.resolve()),
            "PRIMELINE_HEALTH_PORT": str(self.ports.health),
            "PRIMELINE_LOG_LEVEL": config.log_level,
            "PRIMELINE_LIMITS": json.dumps(limits_changed(config.limits)),
        }

    def log_file(self, name: str) -> Path:
        """Where the process `name` writes what it has to say."""
        if name == "asterisk":
            return self.instance.log_file
        return self.config.directory / f"{name}.log"

    async def start(self, name: str) -> None:
        """Start the process `name` unless it runs, and wait until it is ready.

        Raises `PartFailed` or `AsteriskFailed`.
        """
        running = self._children.get(name)
        if running is not None and running.running:
            return
        if name == "postgres":
            self._start_postgres()
        elif name == "asterisk":
            self._asterisk = await asterisk.start(self.instance)
            self._children[name] = self._asterisk.child
        else:
            self._children[name] = self._start_part(name)
            await until_ready(self._children[name], self.environment, self.log_file(name))
        if self.config.restart and name not in self._watchers:
            self._watchers[name] = asyncio.create_task(self._watch(name), name=f"watch {name}")

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one process alone, as a stranger would; gives its pid."""
        child = self._children[name]
        child.send(number)
        return child.pid

    async def stop(self, name: str) -> None:
        """End one process in good order and leave it so."""
        watcher = self._watchers.pop(name, None)
        if watcher is not None:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher
        child = self._children.pop(name, None)
        if name == "postgres" and self._postgres is not None:
            self._postgres.stop()
        elif child is not None and child.running:
            await child.stop(seconds=GRACE_SECONDS)

    async def ended(self, name: str) -> int:
        """Wait until the process `name` has ended; gives its exit status."""
        return await self._children[name].wait()

    async def use_lines(self, lines: Lines) -> bool:
        """Make Asterisk use other trunks and phones; calls go on. Gives whether they differ."""
        if lines == self._lines:
            return False
        self._render(lines)
        await asyncio.to_thread(self.asterisk.command, "module reload res_pjsip.so")
        return True

    async def _start(self) -> None:
        config = self.config
        config.directory.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(config.directory)
        program = find_program(config.tree)
        self._lease = lease_ports(LOOPBACK if config.bind_host == LOOPBACK else ANYWHERE)
        self.ports = self._lease.ports
        self.instance = asterisk.new_instance(
            config.directory / "asterisk", program, self.ports, bind_host=config.bind_host
        )
        if config.database_url is None:
            await self.start("postgres")
        else:
            self.database_url = config.database_url
        await self._migrate()
        self._render(await self._prepare(self))
        await self.start("asterisk")
        for name in config.parts:
            await self.start(name)

    async def _stop(self) -> None:
        """End our parts first: they settle what runs while Asterisk and the database are there."""
        ours = [name for name in PARTS if name in self._children]
        await asyncio.gather(*(self.stop(name) for name in ours))
        for name in ("asterisk", "postgres"):
            if name in self._children:
                await self.stop(name)
        if self._asterisk is not None:
            asterisk.forget(self.instance)
        if self._lease is not None:
            self._lease.release()
        if self._lock is not None:
            self._lock.close()

    def _start_postgres(self) -> None:
        directory = self.config.directory / "postgres"
        self._postgres = postgres.start(directory, durable=self.config.durable)
        self.database_url = self._postgres.create_database("primeline")
        self._children["postgres"] = self._postgres.child

    def _start_part(self, name: str) -> Child:
        pid_file = self.config.directory / f"{name}.pid"
        end_leftover(pid_file)
        return Child.start(
            name,
            [sys.executable, *PARTS[name]],
            log_file=self.log_file(name),
            pid_file=pid_file,
            env=self.environment,
            cwd=ROOT,
        )

    async def _watch(self, name: str) -> None:
        """Start `name` again whenever it dies, later each time it dies soon."""
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            began = loop.time()
            status = await self._children[name].wait()
            failures = 0 if loop.time() - began > STEADY_SECONDS else failures + 1
            pause = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
            log.warning("process-died", process=name, exit_status=status, again_in_seconds=pause)
            await asyncio.sleep(pause)
            try:
                await self.start(name)
            except (PrimelineError, OSError, psycopg.Error):
                log.exception("process-not-started", process=name)

    async def _migrate(self) -> None:
        child = Child.start(
            "migrate",
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            log_file=self.log_file("migrate"),
            pid_file=self.config.directory / "migrate.pid",
            env=self.environment,
            cwd=ROOT,
        )
        if await child.wait() != 0:
            raise PartFailed("migrate", "failed", self.log_file("migrate"))

    def _render(self, lines: Lines) -> None:
        render(
            self.instance,
            lines=lines,
            limits=self.config.limits,
            prompts_dir=self.config.prompts_dir,
        )
        self._lines = lines


def _locked(directory: Path) -> IO[str]:
    file = (directory / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise AlreadyRunning(directory) from None
    return file
