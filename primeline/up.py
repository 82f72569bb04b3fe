"""`primeline up`: the whole system in one terminal, until Ctrl-C."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from billing.catalogue.models import ExpertPhone, Trunk
from billing.catalogue.service import set_trunk
from billing.kit.database import Sessions, make_engine, make_sessions
from billing.kit.errors import PrimelineError
from billing.kit.settings import Settings, limits_from
from primeline.asterisk_conf import LOOPBACK, ROOT, Lines
from primeline.lines import LINES_FILE, PASSWORDS_FILE, Passwords, all_lines, read_own_lines
from primeline.system import System, SystemConfig

LINES_SECONDS: Final = 5
"""How soon a phone added in the database may register."""


def up(
    data_dir: Annotated[
        Path,
        typer.Option(help="Where data, logs and pid files are kept.", envvar="PRIMELINE_DATA_DIR"),
    ] = Path(".primeline"),
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
    config = SystemConfig(
        directory=data_dir,
        prompts_dir=Path(os.environ.get("PRIMELINE_PROMPTS_DIR", data_dir / "prompts")),
        tree=Path(os.environ.get("PRIMELINE_TREE", ROOT / ".asterisk")),
        database_url=_with_driver(database_url),
        bind_host=host,
        limits=limits_from(os.environ.get("PRIMELINE_LIMITS", "")),
    )
    render_prompts(config.prompts_dir, config.tree)
    with suppress(asyncio.CancelledError):
        asyncio.run(_run(config, console))
    console.print("Ended; nothing is left running.")


def render_prompts(prompts_dir: Path, tree: Path) -> None:
    """Render the standing prompts that are missing, with its own progress in the terminal."""
    command = [sys.executable, "-m", "dialplan.prompts", "--directory", str(prompts_dir.resolve())]
    done = subprocess.run([*command, "--tree", str(tree.resolve())], check=False, cwd=ROOT)
    if done.returncode != 0:
        raise typer.Exit(done.returncode)


async def prepare(system: System) -> Lines:
    """Write the trunks of `lines.toml` into the database and give all lines."""
    directory = system.config.directory
    own = read_own_lines(directory, Passwords(directory))
    async with _sessions(system) as sessions:
        async with sessions.begin() as s:
            for one in own.trunks:
                await set_trunk(
                    s, name=one.trunk.name, trusted=one.trunk.trusted, region=one.region
                )
        return await _lines(sessions, directory)


async def _run(config: SystemConfig, console: Console) -> None:
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    console.print("Starting …")
    async with System(config, prepare) as system:
        _show(system, console)
        async with _sessions(system) as sessions:
            while True:
                await asyncio.sleep(LINES_SECONDS)
                try:
                    changed = await system.use_lines(await _lines(sessions, config.directory))
                except PrimelineError as error:
                    console.print(f"[red]Trunks and phones stay as they were: {error.sentence}[/]")
                except (SQLAlchemyError, OSError):
                    continue  # the database is away; the watcher deals with it
                else:
                    if changed:
                        console.print("Asterisk uses the changed trunks and phones.")


@asynccontextmanager
async def _sessions(system: System) -> AsyncIterator[Sessions]:
    engine = make_engine(Settings(database_url=system.database_url))
    try:
        yield make_sessions(engine)
    finally:
        await engine.dispose()


async def _lines(sessions: Sessions, directory: Path) -> Lines:
    passwords = Passwords(directory)
    async with sessions() as s:
        endpoints = await s.scalars(select(ExpertPhone.endpoint).distinct().order_by("endpoint"))
        trunks = await s.execute(select(Trunk.name, Trunk.trusted).order_by(Trunk.name))
        return all_lines(
            read_own_lines(directory, passwords),
            passwords,
            endpoints=endpoints.all(),
            trunks=[(name, trusted) for name, trusted in trunks],
        )


def _show(system: System, console: Console) -> None:
    config, ports = system.config, system.ports
    console.print(f"[bold]Primeline runs.[/] SIP: {config.bind_host}:{ports.sip} (UDP)")
    console.print(f"Phones' passwords: {config.directory / PASSWORDS_FILE}")
    console.print(f"Carriers and phones that call in: {config.directory / LINES_FILE}")
    console.print(f"Health: {system.urls['health']}/health · logs: {config.directory}")
    console.print("For `primeline` in another terminal:")
    console.print(f"  export PRIMELINE_DATABASE_URL='{system.database_url}'", soft_wrap=True)
    console.print("Ctrl-C ends it.")


def _with_driver(url: str | None) -> str | None:
    return None if url is None else Settings(database_url=url).database_url
