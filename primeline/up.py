"""`primeline up`: the whole system in one terminal, until Ctrl-C."""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import psycopg
import typer
from rich.console import Console
from sqlalchemy.engine import make_url

from billing.accounts.listing import currencies_in_use
from billing.kit.database import CONNECT_TIMEOUT_SECONDS, make_engine, make_sessions
from billing.kit.errors import PrimelineError
from billing.kit.feature_codes import feature_codes_from
from billing.kit.settings import Settings, limits_from
from primeline.asterisk_conf import ARI_USER, LOOPBACK, ROOT, Lines
from primeline.following import POLL_SECONDS, Bell, Follower
from primeline.running import Running, announce, forget, process_began
from primeline.system import System, SystemConfig

OLD_FILE: Final = "lines.toml"
"""Where trunks stood in version 0.1.0."""

DATA_DIR: Final = Path(".primeline")
RENDERED: Final = frozenset({"EUR"})
"""Currencies whose amounts are rendered at each start, in use or not."""


class DatabaseAway(PrimelineError):
    """The PostgreSQL that was named doesn't answer."""

    code = "database-away"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The database of PRIMELINE_DATABASE_URL can't be reached: {why}"
            " (unset it to use the embedded one)"
        )


def up(
    data_dir: Annotated[
        Path,
        typer.Option(help="Where data, logs and pid files are kept.", envvar="PRIMELINE_DATA_DIR"),
    ] = DATA_DIR,
    host: Annotated[
        str,
        typer.Option(
            help="This machine's address in the local network: SIP and RTP then answer private"
            " networks, not only this machine.",
            envvar="PRIMELINE_HOST",
        ),
    ] = LOOPBACK,
    database_url: Annotated[
        str | None,
        typer.Option(
            help="A PostgreSQL of your own; without it an embedded one is started.",
            envvar="PRIMELINE_DATABASE_URL",
        ),
    ] = None,
) -> None:
    """Start PostgreSQL, Asterisk, the call application and the worker; Ctrl-C ends them all."""
    console = Console(highlight=False)
    # The parts read them themselves; wrong ones are told at once.
    feature_codes_from(os.environ.get("PRIMELINE_FEATURE_CODES", ""))
    config = SystemConfig(
        directory=data_dir,
        prompts_dir=Path(os.environ.get("PRIMELINE_PROMPTS_DIR", data_dir / "prompts")),
        tree=Path(os.environ.get("PRIMELINE_TREE", ROOT / ".asterisk")),
        database_url=None if database_url is None else reachable(database_url),
        bind_host=host,
        limits=limits_from(os.environ.get("PRIMELINE_LIMITS", "")),
    )
    render_prompts(config.prompts_dir, config.tree, RENDERED)
    with suppress(asyncio.CancelledError):
        asyncio.run(_run(config, console))
    console.print("Ended; nothing is left running.")


def render_prompts(prompts_dir: Path, tree: Path, currencies: Collection[str]) -> None:
    """Render the standing prompts that are missing, with its own progress in the terminal."""
    command = [sys.executable, "-m", "dialplan.prompts", "--directory", str(prompts_dir.resolve())]
    command += ["--tree", str(tree.resolve()), "--currency", ",".join(sorted(currencies))]
    done = subprocess.run(command, check=False, cwd=ROOT)
    if done.returncode != 0:
        raise typer.Exit(done.returncode)


async def _run(config: SystemConfig, console: Console) -> None:
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    console.print("Starting …")
    followers: list[Follower] = []

    async def prepare(system: System) -> Lines:
        engine = make_engine(Settings(database_url=system.database_url))
        held.push_async_callback(engine.dispose)
        sessions = make_sessions(engine)
        async with sessions() as s:
            others = await currencies_in_use(s) - RENDERED
        if others:
            await asyncio.to_thread(render_prompts, config.prompts_dir, config.tree, others)
        say = partial(console.print, markup=False, soft_wrap=True)
        followers.append(Follower(sessions, system.secret_key, say))
        return await followers[0].first()

    async with AsyncExitStack() as held:
        system = await held.enter_async_context(System(config, prepare))
        announce(config.directory, _running(system))
        held.callback(forget, config.directory)
        _show(system, console)
        bell = Bell(system.database_url)
        held.push_async_callback(bell.close)
        while True:
            await bell.wait(POLL_SECONDS)
            await followers[0].follow(system.use_lines)


def _running(system: System) -> Running:
    pid = os.getpid()
    return Running(
        pid=pid,
        began=process_began(pid),
        sip=f"{system.config.bind_host}:{system.ports.sip}",
        ari_url=system.instance.ari_url,
        ari_user=ARI_USER,
        ari_password=system.instance.secrets.ari_password,
        database_url=system.database_url,
        environment={
            name: value
            for name, value in system.environment.items()
            if name.startswith("PRIMELINE_")
        },
    )


def _show(system: System, console: Console) -> None:
    config, ports = system.config, system.ports
    console.print(f"[bold]Primeline runs.[/] SIP: {config.bind_host}:{ports.sip} (UDP)")
    if (config.directory / OLD_FILE).exists():
        console.print(f"{OLD_FILE} is no longer read: use primeline trunk add, then delete it.")
    console.print("Phones: primeline phone list · carriers: primeline trunk list")
    console.print(f"API: {system.urls['api']} · logs: {config.directory}")
    if config.directory != DATA_DIR:
        console.print("For `primeline` in another terminal:")
        folder = shlex.quote(str(config.directory.resolve()))
        console.print(f"  export PRIMELINE_DATA_DIR={folder}", soft_wrap=True)
    console.print("Ctrl-C ends it.")


def reachable(url: str) -> str:
    """Give the address with our driver, if PostgreSQL answers there; raises `DatabaseAway`."""
    named = Settings(database_url=url).database_url
    plain = make_url(named).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        psycopg.connect(plain, connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
    except psycopg.OperationalError as error:
        raise DatabaseAway(str(error).strip().splitlines()[0]) from error
    return named
