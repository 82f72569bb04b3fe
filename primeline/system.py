"""The whole system as processes: PostgreSQL, Asterisk and our own parts, kept running."""

import asyncio
import fcntl
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from billing.kit.errors import PrimelineError
from billing.kit.limits import Limits
from primeline import asterisk, postgres
from primeline.asterisk_conf import (
    ANYWHERE,
    ARI_USER,
    LOOPBACK,
    MONITOR_USER,
    ROOT,
    Instance,
    Lines,
    Secrets,
    render,
)
from primeline.asterisk_tree import find_program
from primeline.parts import ARI_APPLICATION, PARTS, PartFailed, limits_changed, until_ready
from primeline.ports import Ports, lease_ports
from primeline.processes import Child, end_leftover
from primeline.secret_key import secret_key
from primeline.supervisor import BACKOFF_SECONDS, Supervisor

RELOADED = ("res_pjsip.so", "res_pjsip_outbound_registration.so")
"""Modules of Asterisk that read trunks and phones anew."""

_KEPT_VARIABLES = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "PRIMELINE_FEATURE_CODES",
)  # fmt: skip


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
    started again, after `pauses` (seconds; the next one each time it died soon). `bind_host`:
    127.0.0.1, or this machine's address in a local network; then SIP answers private networks too.
    `secrets` and `ports`: what Asterisk is started with, else new secrets and the first free ports.
    `variables`: more settings of our parts. `asterisk_id`: its name among all Asterisks that share
    the database. `programs`: the arguments of Python for each of our parts.
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
    pauses: tuple[float, ...] = BACKOFF_SECONDS
    log_level: str = "INFO"
    migrate: bool = True
    ports: Ports | None = None
    secrets: Secrets | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    asterisk_id: str = ARI_APPLICATION
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: PARTS)


Prepare = Callable[["System"], Awaitable[Lines]]
"""Called once the database is migrated; gives the trunks and phones Asterisk starts with."""


class System:
    """The system from `async with` to its end; leaves no process behind.

    `ports`, `instance` (Asterisk's) and `secret_key` are set once started; `environment` is what
    each of our parts gets, secrets included.
    """

    ports: Ports
    instance: Instance
    database_url: str
    secret_key: str

    def __init__(self, config: SystemConfig, prepare: Prepare) -> None:
        self.config = config
        self._prepare = prepare
        self._processes = Supervisor(self._launch, restart=config.restart, pauses=config.pauses)
        self._asterisk: asterisk.AsteriskProcess | None = None
        # The kernel ends PostgreSQL with the thread that started it, so one thread lives on.
        self._starter = ThreadPoolExecutor(1, "postgres")
        self._held = ExitStack()
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
        return self._processes.pids

    @property
    def urls(self) -> dict[str, str]:
        """Where the ARI server and the API are."""
        return {
            "ari": self.instance.ari_url,
            "api": f"http://{LOOPBACK}:{self.ports.api}/v1",
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
            "PRIMELINE_ASTERISK_ID": config.asterisk_id,
            "PRIMELINE_ARI_URL": instance.ari_url,
            "PRIMELINE_ARI_USER": ARI_USER,
            "PRIMELINE_ARI_PASSWORD": instance.secrets.ari_password,
            "PRIMELINE_AMI_PORT": str(self.ports.ami),
            "PRIMELINE_MONITOR_USER": MONITOR_USER,
            "PRIMELINE_MONITOR_PASSWORD": instance.secrets.monitor_password,
            "PRIMELINE_DATA_DIR": str(config.directory.resolve()),
            "PRIMELINE_CEL_FILE": str(instance.cel_file),
            "PRIMELINE_PROMPTS_DIR": str(config.prompts_dir.resolve()),
            "PRIMELINE_SPOOL_DIR": str(config.directory.resolve() / "spool"),
            "PRIMELINE_TREE": str(config.tree.resolve()),
            "PRIMELINE_API_PORT": str(self.ports.api),
            "PRIMELINE_AGI_PORT": str(self.ports.agi),
            "PRIMELINE_METRICS_PORT": str(self.ports.metrics),
            "PRIMELINE_SECRET_KEY": self.secret_key,
            "PRIMELINE_LOG_LEVEL": config.log_level,
            "PRIMELINE_LIMITS": json.dumps(limits_changed(config.limits)),
            **config.variables,
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
        await self._processes.start(name)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one process alone, as a stranger would; gives its pid."""
        return self._processes.send(name, number)

    async def stop(self, name: str) -> None:
        """End one process in good order and leave it so."""
        await self._processes.stop(name)

    async def ended(self, name: str) -> int:
        """Wait until the process `name` has ended; gives its exit status."""
        return await self._processes.ended(name)

    async def use_lines(self, lines: Lines) -> bool:
        """Make Asterisk use other trunks and phones; calls go on. Gives whether they differ."""
        if lines == self._lines:
            return False
        before = self._lines
        self._render(lines)
        try:
            for module in RELOADED:
                await asyncio.to_thread(self.asterisk.command, f"module reload {module}")
        except BaseException:
            self._lines = before
            raise
        return True

    async def _start(self) -> None:
        config = self.config
        config.directory.mkdir(parents=True, exist_ok=True)
        self._held.enter_context(locked(config.directory))
        self._held.callback(self._starter.shutdown)
        self.secret_key = secret_key(config.directory)
        program = find_program(config.tree)
        self.ports = config.ports or self._leased()
        self.instance = asterisk.new_instance(
            config.directory / "asterisk",
            program,
            self.ports,
            bind_host=config.bind_host,
            secrets=config.secrets,
            asterisk_id=config.asterisk_id,
        )
        self._held.callback(asterisk.forget, self.instance)
        if config.database_url is None:
            await self.start("postgres")
        else:
            self.database_url = config.database_url
        if config.migrate:
            await self._migrate()
        self._render(await self._prepare(self))
        await self.start("asterisk")
        for name in config.parts:
            await self.start(name)

    def _leased(self) -> Ports:
        lease = lease_ports(LOOPBACK if self.config.bind_host == LOOPBACK else ANYWHERE)
        self._held.callback(lease.release)
        return lease.ports

    async def _stop(self) -> None:
        """End our parts first: they settle what runs while Asterisk and the database are there."""
        await asyncio.gather(*(self.stop(name) for name in PARTS))
        await self.stop("asterisk")
        await self.stop("postgres")
        self._held.close()

    async def _launch(self, name: str) -> Child:
        directory = self.config.directory
        if name == "postgres":
            # It may take seconds to recover from a crash, which nothing else here waits for.
            server = await asyncio.get_running_loop().run_in_executor(self._starter, self._postgres)
            self._held.callback(server.remove_sockets)
            return server.child
        if name == "asterisk":
            self._asterisk = await asterisk.start(self.instance)
            return self._asterisk.child
        end_leftover(directory / f"{name}.pid")
        child = self._python(name, self.config.programs[name])
        try:
            await until_ready(child, self.environment, self.log_file(name))
        except BaseException:
            await child.stop()
            raise
        return child

    def _postgres(self) -> postgres.Postgres:
        server = postgres.start(self.config.directory / "postgres", durable=self.config.durable)
        self.database_url = server.create_database("primeline")
        return server

    def _python(self, name: str, arguments: Sequence[str]) -> Child:
        return Child.start(
            name,
            [sys.executable, *arguments],
            log_file=self.log_file(name),
            pid_file=self.config.directory / f"{name}.pid",
            env=self.environment,
            cwd=ROOT,
        )

    async def _migrate(self) -> None:
        child = self._python("migrate", ("-m", "alembic", "upgrade", "head"))
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


def locked(directory: Path) -> IO[str]:
    """Take the data in `directory` until the file is closed; raises AlreadyRunning."""
    file = (directory / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise AlreadyRunning(directory) from None
    return file
