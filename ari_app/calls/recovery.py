"""After a start or a lost socket: what Asterisk shows, against what is known.

Talks that are still up are adopted; calls in an earlier state are let go with an apology, free;
calls that ended are settled by Asterisk's own record. What can't be asked is left as it is.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from ari_app.ari.client import AriClient, AriError
from ari_app.calls import events as e
from ari_app.calls.actor import now_ms
from ari_app.calls.adopting import adopt, let_go, release
from ari_app.calls.commands import Command
from ari_app.calls.data import CallData, Talk
from ari_app.calls.names import Names, call_of, number_of
from ari_app.calls.registry import Registry
from ari_app.calls.states import Leg, State
from ari_app.cel import CelReader
from ari_app.spool import Spool, SpooledEnd
from billing.accounts.values import Identified
from billing.calls import service as calls
from billing.calls.values import EndReason, OpenCall
from billing.kit.database import Sessions
from billing.money.values import Money

MOST_SAYS = 30
"""A call before its talk has rarely said this much."""

YOUNG_MS = 3_000
"""A channel this young may not have told us of itself yet."""

log = structlog.get_logger(__name__)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What Asterisk shows: our channels with their age, and who is in which bridge."""

    channels: dict[str, int]
    bridges: dict[str, frozenset[str]]


async def look(ari: AriClient) -> Snapshot:
    """Ask Asterisk.

    Raises:
        AriError: it can't be asked; nothing is known then, least of all that calls are gone.

    """
    now = now_ms()
    channels = {
        channel["id"]: now - _ms(datetime.fromisoformat(channel["creationtime"]))
        for channel in await ari.channels()
    }
    bridges = {b["id"]: frozenset(b["channels"]) for b in await ari.bridges()}
    return Snapshot(channels, bridges)


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _caller(call: OpenCall) -> Identified | None:
    """Who pays; he has proved himself before the restart."""
    if call.account_id is None:
        return None
    nothing = Money.zero(call.quote.tariff.currency if call.quote else "EUR")
    return Identified(
        call.account_id, call.language, pin_needed=False, locked=False, available=nothing
    )


class Recovery:
    """Compares, and gives each call what it needs."""

    def __init__(
        self,
        registry: Registry,
        ari: AriClient,
        sessions: Sessions,
        spool: Spool,
        cel: CelReader,
    ) -> None:
        self._registry = registry
        self._ari = ari
        self._sessions = sessions
        self._spool = spool
        self._cel = cel

    async def resync(self) -> None:
        """Bring calls and Asterisk together; safe to repeat."""
        seen = await look(self._ari)
        self._tell_missed(seen)
        try:
            await self._cel.catch_up()
            async with self._sessions.begin() as session:
                found = await calls.open_calls(session, self._registry.asterisk_id)
        except Exception as error:  # noqa: BLE001  (the next sweep tries again)
            log.warning("open calls not read", error=type(error).__name__)
            return
        for call in found:
            if not self._registry.has(call.call_id):
                await self._recover(call, seen)
        await self._clean(seen, {call.caller_channel for call in found})

    async def sweep(self, every_ms: int) -> None:
        """Compare every minute: nothing talks without a timer, no call stays open for ever."""
        while True:
            await asyncio.sleep(every_ms / 1000)
            try:
                await self.resync()
            except AriError as error:
                log.warning("not swept", error=str(error))

    def _tell_missed(self, seen: Snapshot) -> None:
        """Ends of legs that were not told, since the socket was lost just then."""
        for call_id, actor, records in self._registry.actors():
            data = actor.data
            caller = self._registry.caller_channel(call_id)
            expert = f"{call_id}-expert-{data.attempt}"
            gone = [
                leg
                for leg, up, channel in (
                    (Leg.CALLER, data.caller_up, caller),
                    (Leg.EXPERT, data.expert_answered and data.expert_up, expert),
                )
                if up and channel not in seen.channels
            ]
            if not gone:
                continue
            records.by_cel = True
            for leg in gone:
                if data.talk is not None and data.talk.from_ms is not None:
                    actor.post(e.Left(leg, data.talk.bridge, now_ms()))
                actor.post(e.LegEnded(leg, data.attempt if leg is Leg.EXPERT else 0))

    async def _recover(self, call: OpenCall, seen: Snapshot) -> None:
        caller_up = call.caller_channel in seen.channels
        expert_up = call.expert_channel in seen.channels
        data = self._data_of(call, caller_up=caller_up, expert_up=expert_up)
        both = {call.caller_channel, call.expert_channel}
        inside = seen.bridges.get(call.talk_bridge or "", frozenset())
        start_ms = await self._talk_start_ms(call)
        log.info("open call found", call_id=str(call.call_id), state=call.state)
        if caller_up and expert_up and both <= inside and start_ms is not None:
            self._adopt(call, data, start_ms)
            return
        await self._hush(call)
        if start_ms is None and caller_up:
            self._start(call, *let_go(data), by_cel=False)
        elif caller_up or expert_up:
            self._start(call, *release(data, EndReason.SERVICE_DOWN), by_cel=True)
        else:
            await self._settle(call)

    async def _hush(self, call: OpenCall) -> None:
        """Stop what the process before was saying: requests to a channel wait behind a prompt."""
        names = Names(call.call_id, call.caller_channel)
        await asyncio.gather(
            *(
                self._ignore_gone(self._ari.stop_playback(names.playback(leg, number)))
                for leg in Leg
                for number in range(1, MOST_SAYS)
            )
        )

    async def _talk_start_ms(self, call: OpenCall) -> int | None:
        if call.intervals:
            return call.intervals[-1].start_ms
        if call.free_from_ms is not None:
            return call.free_from_ms
        if call.talk_bridge is None:
            return None
        # Killed between joining and writing it: Asterisk's record knows.
        async with self._sessions.begin() as session:
            recorded = await calls.cel_intervals(session, call.call_id)
        return recorded[-1].start_ms if recorded else None

    def _data_of(self, call: OpenCall, *, caller_up: bool, expert_up: bool) -> CallData:
        attempt = number_of(call.expert_channel) if call.expert_channel else 0
        return CallData(
            call_id=str(call.call_id),
            limits=self._registry.limits,
            language=call.language,
            caller_up=caller_up,
            answered=call.state != State.RECEIVED,
            attempt=attempt,
            expert_up=expert_up,
            expert_answered=expert_up,
            number=call.number,
            caller=_caller(call),
            expert=call.expert,
            quote=call.quote,
            grant=call.grant,
        )

    def _adopt(self, call: OpenCall, data: CallData, start_ms: int) -> None:
        bridge = call.talk_bridge
        assert bridge is not None  # noqa: S101  (both legs are in it)
        paid = "-paid-" in bridge
        talk = Talk(
            bridge,
            paid,
            from_ms=start_ms,
            inside=frozenset(Leg),
            written=True,
            limited=True,
        )
        self._start(call, *adopt(data, talk, number_of(bridge)), by_cel=False)
        log.info("talk adopted", call_id=str(call.call_id))

    def _start(
        self, call: OpenCall, data: CallData, commands: tuple[Command, ...], *, by_cel: bool
    ) -> None:
        self._registry.start(data, call.caller_channel, commands, by_cel=by_cel)

    async def _settle(self, call: OpenCall) -> None:
        end = SpooledEnd(
            call.call_id,
            EndReason.SERVICE_DOWN,
            (),
            None,
            datetime.now(UTC),
            (),
            by_cel=True,
            proved_until_ms=_ms(call.last_seen_at),
        )
        try:
            await self._spool.settle(end)
        except Exception as error:  # noqa: BLE001  (it is still open for the next sweep)
            log.warning("open call not settled", error=type(error).__name__)
        else:
            log.info("ended call settled", call_id=str(call.call_id))

    async def _clean(self, seen: Snapshot, callers: set[str]) -> None:
        """Channels and bridges of ours that no call owns."""
        for channel in await self._ari.application_channels():
            known = channel in callers or self._registry.owns(channel)
            if not known and seen.channels.get(channel, 0) > YOUNG_MS:
                log.warning("channel without a call hung up", channel=channel)
                await self._ignore_gone(self._ari.hang_up(channel, 34))
        for bridge in seen.bridges:
            call_id = call_of(bridge)
            if call_id is not None and not self._registry.has(call_id):
                await self._ignore_gone(self._ari.drop_bridge(bridge))

    async def _ignore_gone(self, request: Awaitable[None]) -> None:
        try:
            await request
        except AriError as error:
            if not error.gone:
                log.warning("asterisk refused", error=str(error))
