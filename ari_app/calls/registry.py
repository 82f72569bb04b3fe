"""All calls of this process: events find their call here, and what all calls share is done here."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from ari_app import metrics
from ari_app.ari import events as a
from ari_app.ari.client import AriClient, AriError
from ari_app.calls import events as e
from ari_app.calls.actor import Actor, steady_ms
from ari_app.calls.carried import Carried
from ari_app.calls.commands import Command
from ari_app.calls.data import CallData
from ari_app.calls.executor import CallExecutor
from ari_app.calls.machine import begin
from ari_app.calls.names import Names, call_of, leg_of, number_of
from ari_app.calls.records import Arrival, Records
from ari_app.calls.states import Leg, State
from ari_app.deadline import within
from ari_app.spool import Spool, SpooledEnd
from billing.accounts import service as accounts
from billing.calls import service as calls
from billing.calls.values import EndReason
from billing.kit.database import Sessions
from billing.kit.feature_codes import FeatureCodes
from billing.kit.ids import new_call_id
from billing.kit.limits import Limits
from dialplan.prompts.store import PromptStore

WALLETS_EVERY_MS = 1_000
TALKING = frozenset(
    {
        State.TALKING_PAID,
        State.TALKING_FREE,
        State.CONSENTING,
        State.FREEING,
        State.TOPPING_UP,
        State.ON_HOLD,
    }
)

log = structlog.get_logger(__name__)


class Registry:
    """The calls by id, and the caller's channel of each."""

    def __init__(
        self,
        *,
        ari: AriClient,
        sessions: Sessions,
        prompts: PromptStore,
        spool: Spool,
        limits: Limits,
        asterisk_id: str,
        secret_key: str = "",
        codes: FeatureCodes | None = None,
    ) -> None:
        self.limits = limits
        self.codes = codes or FeatureCodes()
        self._secret_key = secret_key
        self.asterisk_id = asterisk_id
        self._ari = ari
        self._sessions = sessions
        self._prompts = prompts
        self._spool = spool
        self._actors: dict[UUID, Actor] = {}
        self._records: dict[UUID, Records] = {}
        self._callers: dict[str, UUID] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # Calls come and go.

    def actors(self) -> Iterable[tuple[UUID, Actor, Records]]:
        """Every call there is now."""
        return [(id_, actor, self._records[id_]) for id_, actor in self._actors.items()]

    def states(self) -> list[str]:
        """The state of every call; may be asked from any thread."""
        return [str(actor.data.state) for actor in list(self._actors.values())]

    def has(self, call_id: UUID) -> bool:
        """Whether the call is run by this process."""
        return call_id in self._actors

    def caller_channel(self, call_id: UUID) -> str | None:
        """The caller's channel of a call."""
        return next((c for c, id_ in self._callers.items() if id_ == call_id), None)

    def owns(self, channel: str) -> bool:
        """Whether a call of this process has the channel."""
        return channel in self._callers or call_of(channel) in self._actors

    def tell(self, call_id: UUID, event: e.Event) -> None:
        """Hand an event from outside to a call; one that is over hears nothing."""
        actor = self._actors.get(call_id)
        if actor is not None:
            actor.post(event)

    def receive(self, event: a.StasisStart) -> None:
        """A caller's channel came in: `in,<dialled number>,<trunk>`."""
        _, dialled, trunk, *_ = (*event.args, "", "")
        data = CallData(call_id=str(new_call_id()), limits=self.limits, codes=self.codes)
        data, commands = begin(data)
        arrival = Arrival(dialled, event.caller or None, trunk or None)
        self.start(data, event.channel, commands, arrival=arrival)

    def start(
        self,
        data: CallData,
        caller_channel: str,
        first: Iterable[Command],
        *,
        arrival: Arrival | None = None,
        by_cel: bool = False,
    ) -> None:
        """Give a call its actor, from its beginning or from where a restart found it."""
        names = Names(UUID(data.call_id), caller_channel)
        actor = Actor(data, tuple(first))
        records = self._records_of(actor, names, arrival)
        records.by_cel = by_cel
        self._run(actor, records, names)

    def take_over(self, carried: Carried) -> None:
        """Go on with a call where another process has left it."""
        names = Names(UUID(carried.data.call_id), carried.caller_channel)
        actor = Actor(carried.data)
        actor.wait_for(carried.waiting)
        records = self._records_of(actor, names, None)
        records.take_over(carried.notes, by_cel=carried.by_cel, settled=carried.settled)
        self._run(actor, records, names)

    def _records_of(self, actor: Actor, names: Names, arrival: Arrival | None) -> Records:
        return Records(
            actor,
            names,
            self._sessions,
            self._spool,
            self.asterisk_id,
            arrival,
            self._secret_key,
        )

    def _run(self, actor: Actor, records: Records, names: Names) -> None:
        executor = CallExecutor(actor, names, self._ari, self._prompts, records)
        caller_channel = names.caller_channel
        self._actors[names.call_id] = actor
        self._records[names.call_id] = records
        self._callers[caller_channel] = names.call_id
        task = asyncio.create_task(self._live(actor, executor, names))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live(self, actor: Actor, executor: CallExecutor, names: Names) -> None:
        try:
            await actor.run(executor)
            metrics.ended(actor.data)
        except Exception:
            log.exception("call failed", call_id=str(names.call_id))
            metrics.ended(actor.data, failed=True)
            await self._rescue(actor, names)
        finally:
            self._actors.pop(names.call_id, None)
            self._records.pop(names.call_id, None)
            self._callers.pop(names.caller_channel, None)

    async def _rescue(self, actor: Actor, names: Names) -> None:
        """A fault of ours ends the call at once, and Asterisk's record says what is owed."""
        for channel in (names.caller_channel, names.expert_channel(actor.data.attempt)):
            try:
                await self._ari.hang_up(channel)
            except AriError:
                continue
        self._spool.write(
            SpooledEnd(
                names.call_id,
                EndReason.SERVICE_DOWN,
                (),
                None,
                datetime.now(UTC),
                (),
                by_cel=True,
            )
        )

    # Events find their call.

    def on_event(self, event: a.AriEvent) -> None:
        """Hand an event to the call it belongs to; never waits."""
        if isinstance(event, a.StasisStart) and event.args[:1] == ("in",):
            if event.channel not in self._callers:
                self.receive(event)
            return
        name, told = self._told(event)
        call_id = self._callers.get(name) or call_of(name)
        actor = self._actors.get(call_id) if call_id else None
        if actor is not None and told is not None:
            actor.post(told, event.at_ms)

    def _told(self, event: a.AriEvent) -> tuple[str, e.Event | None]:  # noqa: PLR0911
        """The channel or playback that tells the call, and what is told; None: of no meaning."""
        match event:
            case a.ChannelDtmf(_, channel, digit) if self.owns(channel):
                by = self._leg(channel)
                return channel, e.Key(by, digit, number_of(channel) if by is Leg.EXPERT else 0)
            case a.EnteredBridge(at_ms, channel, bridge) if call_of(bridge):
                return channel, e.Entered(self._leg(channel), bridge, at_ms, steady_ms())
            case a.LeftBridge(at_ms, channel, bridge, packets) if call_of(bridge):
                left = e.Left(self._leg(channel), bridge, at_ms, steady_ms(), packets)
                return channel, left
            case a.PlaybackFinished(_, playback, failed):
                leg = leg_of(playback)
                number = number_of(playback) if leg else 0
                return playback, e.Said(leg, number, heard=not failed) if leg else None
            case a.StasisEnd(at_ms, channel) if channel in self._callers:
                return channel, e.LegEnded(Leg.CALLER, at_ms=at_ms)
            case a.ChannelSilent(at_ms, channel) if self.owns(channel):
                by = self._leg(channel)
                attempt = number_of(channel) if by is Leg.EXPERT else 0
                return channel, e.MediaLost(by, at_ms, attempt)
            case a.ChannelHold(_, channel, on) if self.owns(channel):
                by = self._leg(channel)
                attempt = number_of(channel) if by is Leg.EXPERT else 0
                return channel, (e.HoldBegan if on else e.HoldEnded)(by, attempt)
            case a.ChannelUp(at_ms, channel) if channel in self._callers:
                return channel, e.Answered(at_ms)
            case (
                a.StasisStart(_, channel) | a.ChannelDestroyed(_, channel) | a.ChannelUp(_, channel)
            ) if channel not in self._callers and call_of(channel):
                return channel, self._told_of_expert(event, number_of(channel))
        return "", None

    def _told_of_expert(self, event: a.AriEvent, attempt: int) -> e.Event | None:
        match event:
            case a.StasisStart():
                return e.LegReady(attempt)
            case a.ChannelUp():
                return e.LegUp(attempt)
            case a.ChannelDestroyed(_, _, cause):
                return e.LegEnded(Leg.EXPERT, attempt, cause)
        return None

    def _leg(self, channel: str) -> Leg:
        return Leg.CALLER if channel in self._callers else Leg.EXPERT

    # What all calls share.

    async def beat(self) -> None:
        """Every few seconds one statement says which talks still live, here and in Asterisk.

        If Asterisk dies, a talk that its record does not end is paid up to this moment.
        """
        while True:
            await asyncio.sleep(self.limits.heartbeat_ms / 1000)
            await self._beat()

    async def _beat(self) -> None:
        talking = [
            (channel, id_)
            for channel, id_ in self._callers.items()
            if self._actors[id_].data.state in TALKING
        ]
        if not talking:
            return
        at = datetime.now(UTC)
        try:
            # An Asterisk that was started anew lives too, but our callers are not in it.
            ours = set(await self._ari.application_channels())
        except AriError as error:
            log.warning("asterisk does not answer", error=str(error))
            return
        living = [id_ for channel, id_ in talking if channel in ours]
        if living:
            await self.quietly(partial(calls.heartbeat, call_ids=living, at=at))

    async def watch_wallets(self) -> None:
        """Tell the talks whose wallet has more available than when they last looked."""
        while True:
            await asyncio.sleep(WALLETS_EVERY_MS / 1000)
            by_account: dict[UUID, list[Actor]] = {}
            for _, actor, _ in self.actors():
                caller = actor.data.caller
                if actor.data.state is State.TALKING_PAID and caller is not None:
                    by_account.setdefault(caller.account_id, []).append(actor)
            if not by_account:
                continue
            versions = await self.quietly(
                partial(accounts.wallet_versions, account_ids=list(by_account))
            )
            for account_id, version in (versions or {}).items():
                for actor in by_account[account_id]:
                    if version > actor.data.wallet_version:
                        actor.post(e.AvailableRose(version))

    async def quietly(self, work: Callable[[Any], Any]) -> Any:
        """Do `work` in one transaction; None if the database is away or too slow."""
        try:
            return await within(self.limits.database_ms, self._in_transaction(work))
        except Exception as error:  # noqa: BLE001  (the next round tries again)
            log.warning("database away", error=type(error).__name__)
            return None

    async def _in_transaction(self, work: Callable[[Any], Any]) -> Any:
        async with self._sessions.begin() as session:
            return await work(session)
