"""`python -m ari_app`: the Stasis application, one for each Asterisk, set by the environment."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ari_app import metrics
from ari_app.ari import stream
from ari_app.ari.client import AriClient
from ari_app.calls.orders import Orders
from ari_app.calls.recovery import Recovery
from ari_app.calls.registry import Registry
from ari_app.cel import CelReader
from ari_app.claim import AsteriskTaken, Claim, name_of
from ari_app.spool import Spool
from billing.kit.clock import now
from billing.kit.database import Sessions, make_engine, make_sessions
from billing.kit.logs import configure
from billing.kit.settings import Settings
from billing.monitoring import alarms
from billing.monitoring.values import AlarmKind
from dialplan.prompts.store import PromptStore

log = structlog.get_logger(__name__)


async def serve(settings: Settings) -> None:
    """Run until told to stop. Calls go on in Asterisk; the next process adopts them.

    Raises:
        stream.Replaced: another process took the application over.
        AsteriskTaken: another installation serves this Asterisk.

    """
    engine = make_engine(settings)
    sessions = make_sessions(engine)
    cel = CelReader(settings.cel_file, sessions, settings.asterisk_id)
    spool = Spool(settings.spool_dir, sessions, cel)
    prompts = PromptStore(settings.prompts_dir)
    ari = AriClient(settings.ari_url, settings.ari_user, settings.ari_password.get_secret_value())
    metrics.METRICS.watch_database(engine)
    metrics.follow_spool(settings.spool_dir)
    async with ari, metrics.METRICS.served(settings):
        claim = Claim(ari, await name_of(sessions, settings.data_dir / "installation"))
        await _claimed(claim, settings.asterisk_id, sessions)
        registry = Registry(
            ari=ari,
            sessions=sessions,
            prompts=prompts,
            spool=spool,
            limits=settings.limits,
            asterisk_id=settings.asterisk_id,
        )
        metrics.follow_calls(registry.states)
        orders = Orders(registry, settings.database_url)
        recovery = Recovery(registry, ari, sessions, spool, cel)

        async def connected() -> None:
            # Asterisk may be a new one, which knows of no claim.
            await claim.renew()
            await recovery.resync()
            # Asterisk knows the application even while nobody serves it; this says that we do.
            _ready_file(settings).write_text(str(os.getpid()))

        work = (
            claim.keep(),
            stream.events(ari, connected, registry.on_event),
            registry.beat(),
            registry.watch_wallets(),
            orders.listen(),
            orders.follow(),
            recovery.sweep(settings.limits.sweep_ms),
            cel.follow(),
            spool.drain_for_ever(),
        )
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(each) for each in work]
                loop = asyncio.get_running_loop()
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.add_signal_handler(number, _cancel, tasks)
        finally:
            _ready_file(settings).unlink(missing_ok=True)
            await engine.dispose()


async def _claimed(claim: Claim, asterisk_id: str, sessions: Sessions) -> None:
    """Take Asterisk before a word of it is heard; to be refused is an alarm."""
    kind = AlarmKind.ASTERISK_TAKEN
    try:
        await claim.take()
    except AsteriskTaken as error:
        with suppress(SQLAlchemyError, OSError, TimeoutError):
            async with sessions.begin() as s:
                await alarms.raise_alarm(s, kind, asterisk_id, error.sentence, at=now())
        raise
    with suppress(SQLAlchemyError, OSError, TimeoutError):
        async with sessions.begin() as s:
            await alarms.clear_alarm(s, kind, asterisk_id, at=now())


def _ready_file(settings: Settings) -> Path:
    """Holds the id of the process that takes calls, from its first connection to its end."""
    return settings.data_dir / "ari_app.ready"


def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    log.info("stopping")
    for task in tasks:
        task.cancel()


def main() -> int:
    """Exit status 0 when stopped, 3 when another process took over, 4 when refused."""
    settings = Settings()  # type: ignore[call-arg]  # the environment has the rest
    configure(settings.log_level, json=True)
    status = 0
    try:
        asyncio.run(serve(settings))
    except* stream.Replaced:
        log.warning("another process has taken over this application")
        status = 3
    except* AsteriskTaken as taken:
        for error in taken.exceptions:
            log.error("asterisk belongs to another installation", sentence=str(error))  # noqa: TRY400
        status = 4
    return status


if __name__ == "__main__":
    sys.exit(main())
