"""`python -m ari_app`: the Stasis application, one for each Asterisk, set by the environment."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

import structlog
import uvloop
from sqlalchemy.exc import SQLAlchemyError

from ari_app import metrics, unsettled
from ari_app.ari import stream
from ari_app.calls.orders import Orders
from ari_app.calls.recovery import Recovery
from ari_app.calls.registry import Registry
from ari_app.cel import CelReader
from ari_app.claim import AsteriskTaken, Claim, name_of
from ari_app.fence import Fence, FencedAri
from ari_app.handover import Giver, Taker
from ari_app.holder import AsteriskIdTaken, Holder
from ari_app.spool import Spool
from billing.calls.followup import FollowUp
from billing.kit import claims
from billing.kit.clock import now
from billing.kit.database import Sessions, make_engine, make_sessions
from billing.kit.logs import configure
from billing.kit.settings import Settings
from billing.monitoring import alarms
from billing.monitoring.values import AlarmKind
from dialplan.prompts.store import PromptStore
from dialplan.prompts.values import Phrase

log = structlog.get_logger(__name__)


async def serve(settings: Settings) -> None:
    """Run until told to stop. Calls go on in Asterisk; the next process adopts them.

    One that is started beside us takes them over from us as they are.

    Raises:
        stream.Replaced: another process took the application over.
        AsteriskTaken: another installation serves this Asterisk.
        AsteriskIdTaken: another Asterisk has the same name on this database.

    """
    fence = Fence(uuid4())
    name = claims.application_name(fence.holder)
    async with AsyncExitStack() as held:
        # The claim has a connection of its own, which needs no claim.
        plain, engine = (make_engine(settings, application_name=n) for n in ("primeline", name))
        for each in (plain, engine):
            held.push_async_callback(each.dispose)
        password = settings.ari_password.get_secret_value()
        by_websocket = settings.ari_transport == "websocket"
        ari = FencedAri(
            settings.ari_url, settings.ari_user, password, fence, by_websocket=by_websocket
        )
        await held.enter_async_context(ari)
        metrics.METRICS.watch_database(engine)
        metrics.follow_spool(settings.spool_dir)
        await held.enter_async_context(metrics.METRICS.served(settings))
        holder = Holder(ari, fence, make_sessions(plain), settings.asterisk_id)
        holder.guard(engine)
        app = _App(settings, fence, ari, holder, make_sessions(engine))
        own = make_sessions(plain)
        claim = Claim(ari, await name_of(own, settings.data_dir / "installation"))
        await _unless_taken(claim.take(), settings.asterisk_id, own)
        await app.begin(own)
        held.push_async_callback(app.end)
        await app.work(claim, own)


class _App:
    """The parts of the running application, put together."""

    def __init__(
        self, settings: Settings, fence: Fence, ari: FencedAri, holder: Holder, sessions: Sessions
    ) -> None:
        self._settings = settings
        self._fence = fence
        self._ari = ari
        self._holder = holder
        self._sessions = sessions
        self._cel = CelReader(settings.cel_file, sessions, settings.asterisk_id)
        prompts = PromptStore(settings.prompts_dir)
        follow_up = FollowUp(
            lambda amount: prompts.lacks(Phrase("amount", amount)), settings.receipts_by_sms
        )
        self._spool = Spool(settings.spool_dir, sessions, self._cel, follow_up, settings.limits)
        self._registry = Registry(
            ari=ari,
            sessions=sessions,
            prompts=prompts,
            spool=self._spool,
            limits=settings.limits,
            codes=settings.feature_codes,
            asterisk_id=settings.asterisk_id,
            secret_key=settings.secret_key.get_secret_value(),
        )
        metrics.follow_calls(self._registry.states)
        self._orders = Orders(self._registry, settings.database_url)
        self._recovery = Recovery(self._registry, ari, sessions, self._spool, self._cel)
        self._giver = Giver(self._registry, self._recovery)
        self._taker: Taker | None = None
        self._ready = asyncio.Event()

    async def begin(self, own: Sessions) -> None:
        """Ask the process that has the calls for them; where there is none, take the claim."""
        await self._holder.recognise()
        self._taker = await Taker.ask(self._settings.data_dir)
        if self._taker is None:
            asterisk_id = self._settings.asterisk_id
            await _unless_taken(self._holder.take(), asterisk_id, own)
            await self._holder.show()

    async def end(self) -> None:
        """Say that we are gone, unless it is another who is there."""
        ready = _ready_file(self._settings)
        with suppress(FileNotFoundError):
            if ready.read_text() == str(os.getpid()):
                ready.unlink()
        if not self._fence.lost.is_set():
            await self._holder.release()

    async def work(self, claim: Claim, own: Sessions) -> None:
        """Do all there is to do, for ever."""
        once_claimed, registry = self._holder.once_claimed, self._registry
        sweep_ms = self._settings.limits.sweep_ms
        work = (
            claim.keep(),
            _unless_taken(self._holder.keep(), self._settings.asterisk_id, own),
            self._fence.tick(),
            self._until_lost(),
            self._events(claim),
            self._give(),
            once_claimed(registry.beat),
            once_claimed(registry.watch_wallets),
            once_claimed(self._orders.listen),
            once_claimed(self._orders.follow),
            once_claimed(partial(self._recovery.sweep, sweep_ms)),
            once_claimed(self._cel.follow),
            once_claimed(self._spool.drain_for_ever),
            once_claimed(self._watch_ends),
        )
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, _cancel, tasks)

    async def _watch_ends(self) -> None:
        known = self._settings
        await unsettled.watch(
            known.spool_dir, self._sessions, known.asterisk_id, known.unsettled_minutes
        )

    async def _until_lost(self) -> None:
        await self._fence.lost.wait()
        raise stream.Replaced

    async def _events(self, claim: Claim) -> None:
        async def connected() -> None:
            # Asterisk may be a new one, which knows of no claim.
            await claim.renew()
            await self._holder.recognise()
            taker, self._taker = self._taker, None
            self._giver.reconnected()
            if taker is not None:
                whole = await taker.last()
                await self._holder.take()
            await self._holder.show()
            await self._holder.end_the_one_before()
            if taker is not None:
                taker.hand_to(self._registry)
            if taker is not None and whole:
                self._recovery.due()
            else:
                await self._recovery.resync()
            # Asterisk knows the application even while nobody serves it; this says that we do.
            _ready_file(self._settings).write_text(str(os.getpid()))
            self._ready.set()

        try:
            await stream.events(self._ari, connected, self._giver.on_event)
        except* stream.Replaced:
            # First: calls that are given are held, and all that others may do ends with `lose`.
            await self._giver.replaced()
            self._fence.lose("another process is connected to asterisk")
            raise

    async def _give(self) -> None:
        await self._ready.wait()
        await self._giver.serve(self._settings.data_dir)


async def _unless_taken(taking: Awaitable[None], asterisk_id: str, sessions: Sessions) -> None:
    """Take Asterisk before a word of it is heard; to be refused is an alarm."""
    kind = AlarmKind.ASTERISK_TAKEN
    try:
        await taking
    except (AsteriskTaken, AsteriskIdTaken) as error:
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
        uvloop.run(serve(settings))
    except* stream.Replaced:
        log.warning("another process has taken over this application")
        status = 3
    except* (AsteriskTaken, AsteriskIdTaken) as taken:
        for error in taken.exceptions:
            log.error("refused", sentence=str(error))  # noqa: TRY400
        status = 4
    return status


if __name__ == "__main__":
    sys.exit(main())
