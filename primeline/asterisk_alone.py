"""`primeline asterisk`: Asterisk alone, kept at what the database says of trunks and phones.

For production, where each part is a service of its own; `primeline up` does it all in one.
"""

import asyncio
import signal
import sys
from contextlib import suppress
from typing import Annotated

import typer

from billing.kit.database import make_engine, make_sessions
from billing.kit.errors import PrimelineError
from billing.kit.settings import Settings, read_settings
from primeline.asterisk_conf import LOOPBACK, ROOT, Lines, Secrets
from primeline.following import POLL_SECONDS, Bell, Follower
from primeline.ports import Ports
from primeline.system import System, SystemConfig


class AriPasswordMissing(PrimelineError):
    """Asterisk and the call application must be told the same password."""

    code = "ari-password-missing"

    def __init__(self) -> None:
        super().__init__("Set PRIMELINE_ARI_PASSWORD, the same for Asterisk and ari_app.")


def asterisk(
    host: Annotated[
        str,
        typer.Option(
            help="This machine's address in the network of the phones and carriers.",
            envvar="PRIMELINE_HOST",
        ),
    ] = LOOPBACK,
) -> None:
    """Run Asterisk alone, on the trunks and phones of the database, until told to stop."""
    settings = read_settings()
    if not settings.ari_password.get_secret_value():
        raise AriPasswordMissing
    with suppress(asyncio.CancelledError):
        asyncio.run(_run(settings, host))


async def _run(settings: Settings, host: str) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    engine = make_engine(settings)
    follower = Follower(make_sessions(engine), settings.secret_key.get_secret_value(), _say)
    config = SystemConfig(
        directory=settings.data_dir,
        prompts_dir=settings.prompts_dir,
        tree=settings.tree or ROOT / ".asterisk",
        database_url=settings.database_url,
        bind_host=host,
        limits=settings.limits,
        parts=(),
        migrate=False,
        ports=Ports.of_slot(0),
        secrets=_secrets(settings),
        asterisk_id=settings.asterisk_id,
    )

    async def prepare(_system: System) -> Lines:
        return await follower.first()

    bell = Bell(settings.database_url)
    try:
        async with System(config, prepare) as system:
            _say(f"Asterisk runs. SIP: {host}:{system.ports.sip} (UDP)")
            while True:
                await bell.wait(POLL_SECONDS)
                await follower.follow(system.use_lines)
    finally:
        await bell.close()
        await engine.dispose()


def _secrets(settings: Settings) -> Secrets:
    """Without a password for the monitor it gets one that nobody knows."""
    ari = settings.ari_password.get_secret_value()
    monitor = settings.monitor_password.get_secret_value()
    made = Secrets.random()
    return Secrets(ari_password=ari, monitor_password=monitor or made.monitor_password)


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()
