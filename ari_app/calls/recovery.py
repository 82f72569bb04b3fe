"""After a start or a lost socket: what Asterisk shows, against what is known.

Talks that are still up are adopted; calls in an earlier state are let go with an apology, free;
calls that ended are settled by Asterisk's own record. What can't be asked is left as it is.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import structlog

from ari_app.ari.client import AriClient, AriError
from ari_app.calls.adopting import RECOVERED_SAYS, Next, let_go, release
from ari_app.calls.found import (
    adopted,
    brought_back,
    data_of,
    located,
    no_payer_of,
    reason_of,
    stands_between_talks,
)
from ari_app.calls.missed import legs_now, tell_missed
from ari_app.calls.names import Names, call_of
from ari_app.calls.registry import Registry
from ari_app.calls.reporting import FoundCalls
from ari_app.calls.snapshot import Snapshot, look
from ari_app.calls.states import Leg
from ari_app.cel import CelReader
from ari_app.deadline import within
from ari_app.spool import RecordIncomplete, Spool, SpooledEnd
from billing.calls import service as calls
from billing.calls.restarts import Outcome
from billing.calls.values import EndReason, Interval, OpenCall
from billing.kit.database import Sessions

SAYS = (*range(1, 30), *range(RECOVERED_SAYS, RECOVERED_SAYS + 10))
"""The playbacks that a call may have had: before its talk it has rarely said more."""

YOUNG_MS = 3_000
"""A channel this young may not have told us of itself yet."""

AGAIN_MS = 2_000
"""A comparison that could not be finished is repeated after this."""

READ_MS = 30_000
RECORD_TRIES, RECORD_AGAIN_MS = 15, 100

log = structlog.get_logger(__name__)


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
        self._due = asyncio.Event()
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()
        self._comparing: asyncio.Task[bool] | None = None
        self._found = FoundCalls(sessions, registry.asterisk_id)

    async def pause(self) -> None:
        """Compare no more until `go_on`; what was begun is broken off."""
        self._may_go_on.clear()
        comparing = self._comparing
        if comparing is not None:
            comparing.cancel()
            await asyncio.wait({comparing})

    def go_on(self) -> None:
        """Compare again, soon."""
        self._may_go_on.set()
        self._due.set()

    def due(self) -> None:
        """Compare soon."""
        self._due.set()

    async def resync(self) -> None:
        """After each connect: tell the calls what they missed; the rest is done by `sweep`.

        Raises:
            AriError: Asterisk could not be asked.

        """
        await self._tell(after_loss=True)
        self._found.reconnected()
        self._due.set()

    async def sweep(self, every_ms: int) -> None:
        """Compare after each connect and every minute, for ever, one round at a time.

        Nothing talks without a timer and no call stays open. A round that could not be finished
        (the database is away) is repeated soon.
        """
        wait_ms = every_ms
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_ms / 1000):
                    await self._due.wait()
            await self._may_go_on.wait()
            self._due.clear()
            self._comparing = asyncio.create_task(self._compared())
            try:
                await asyncio.wait({self._comparing})
                done = not self._comparing.cancelled() and self._comparing.result()
            finally:
                self._comparing.cancel()
                self._comparing = None
            wait_ms = every_ms if done else AGAIN_MS

    async def _compared(self) -> bool:
        try:
            return await self._round()
        except Exception as error:
            if not isinstance(error, AriError):
                log.exception("comparing failed")
            log.warning("not swept", error=str(error))
            return False

    async def _tell(
        self, calls_: Callable[[UUID], bool] = lambda _: True, *, after_loss: bool = False
    ) -> Snapshot:
        legs = [leg for leg in legs_now(self._registry) if calls_(leg.call_id)]
        seen = await look(self._ari)
        await tell_missed(self._ari, legs, seen, after_loss=after_loss)
        return seen

    async def _round(self) -> bool:
        """One comparison; whether all that was found is settled or in hand."""
        running = {call_id for call_id, _, _ in self._registry.actors()}
        callers = {self._registry.caller_channel(call_id) for call_id in running}
        # Asked before the open calls are: an end may be settled from disk meanwhile.
        spooled = self._spool.waiting()
        seen = await self._tell()
        try:
            found = await within(READ_MS, self._open_calls())
        except Exception as error:  # noqa: BLE001  (the next round tries again)
            log.warning("open calls not read", error=type(error).__name__)
            return False
        lost = [
            call
            for call in found
            if call.call_id not in running
            and not self._registry.has(call.call_id)
            and str(call.call_id) not in spooled
        ]
        await self._found.begin(lost)
        done = await asyncio.gather(*(self._safely(call, seen) for call in lost))
        reported = await self._found.report()
        if lost:
            # A leg may have gone between the look and the moment its call had an actor again.
            recovered = {call.call_id for call in lost}
            await self._tell(lambda call_id: call_id in recovered)
        # What ended meanwhile is still in what was seen.
        callers |= {call.caller_channel for call in lost}
        clean = await self._clean(seen, callers, running)
        whole = clean and all(done) and reported
        if whole:
            self._found.through()
        return whole

    async def _open_calls(self) -> list[OpenCall]:
        await self._cel.catch_up()
        async with self._sessions.begin() as session:
            return await calls.open_calls(session, self._registry.asterisk_id)

    async def _safely(self, call: OpenCall, seen: Snapshot) -> bool:
        """One call that can't be recovered now keeps no other back."""
        try:
            outcome = await self._recover(call, seen)
            self._found.conclude(call, outcome)
        except Exception as error:
            log.exception("not recovered", call_id=str(call.call_id), error=type(error).__name__)
            return False
        return True

    async def _recover(self, known: OpenCall, seen: Snapshot) -> Outcome:
        call = located(known, seen)
        caller_up = call.caller_channel in seen.ours
        expert_up = call.expert_channel in seen.channels
        inside = seen.bridges.get(call.talk_bridge or "", frozenset())
        joined = {call.caller_channel, call.expert_channel} <= inside
        start_ms = await self._talk_start_ms(call, seen, joined=joined)
        log.info("open call found", call_id=str(call.call_id), state=call.state)
        if not caller_up and not expert_up:
            return await self._settle(call)
        data = data_of(call, seen, self._registry.limits, self._registry.codes)
        if caller_up and expert_up and joined and start_ms is not None:
            if call is not known:
                data = replace(data, intervals=await self._proved_before(call, start_ms))
            # What was paid before the present talk is in Asterisk's record.
            self._start(call, adopted(call, data, start_ms), by_cel=bool(data.intervals))
            log.info("talk adopted", call_id=str(call.call_id))
            return Outcome.WENT_ON
        says = await self._hush(call)
        proved = await self._between_talks(call, seen, start_ms)
        if proved is not None:
            self._start(call, brought_back(call, data, proved, says), by_cel=True)
            log.info("call brought back", call_id=str(call.call_id), state=call.state)
            return Outcome.BROUGHT_BACK
        talked = start_ms is not None or call.intervals or call.free_from_ms is not None
        if not talked and caller_up:
            self._start(call, let_go(data, says), by_cel=False)
            return Outcome.LET_GO
        self._start(call, release(data, reason_of(call, seen), says), by_cel=True)
        return Outcome.RELEASED

    async def _proved_before(self, call: OpenCall, start_ms: int) -> tuple[Interval, ...]:
        """The paid time of a call before its present talk, of which not all may be written."""
        async with self._sessions.begin() as session:
            proved = await calls.proved_time(session, call.call_id)
        return tuple(one for one in proved.intervals if one.start_ms < start_ms)

    async def _between_talks(
        self, call: OpenCall, seen: Snapshot, start_ms: int | None
    ) -> tuple[Interval, ...] | None:
        """All paid time of a call whose legs wait for their next talk; None: they don't.

        Or not all of it can be proved: then nobody could say how much of the grant is left.
        """
        if not stands_between_talks(call, seen, start_ms):
            return None
        async with self._sessions.begin() as session:
            proved = await calls.proved_time(session, call.call_id)
        return proved.intervals if proved.complete else None

    async def _hush(self, call: OpenCall) -> int:
        """Stop what the process before was saying: requests to a channel wait behind a prompt.

        Gives a number for the next playback that none had before.
        """
        names = Names(call.call_id, call.caller_channel)
        stopped = await asyncio.gather(
            *(
                self._unless_gone(self._ari.stop_playback(names.playback(leg, number)))
                for leg in Leg
                for number in SAYS
            )
        )
        highest = max((n for n, was in zip((*SAYS, *SAYS), stopped, strict=True) if was), default=0)
        return max(RECOVERED_SAYS, highest)

    async def _talk_start_ms(self, call: OpenCall, seen: Snapshot, *, joined: bool) -> int | None:
        if call.talk_from_ms is not None:
            return call.talk_from_ms
        if call.talk_bridge is None:
            return None
        # Killed between joining and writing it: Asterisk's record knows the paid ones.
        if "-paid-" in call.talk_bridge:
            async with self._sessions.begin() as session:
                recorded = await calls.cel_intervals(session, call.call_id)
            # Of the present bridge: those of earlier ones began before it was made.
            made_ms = seen.made_ms.get(call.talk_bridge, 0)
            began = [one.start_ms for one in recorded if one.start_ms >= made_ms]
            return began[-1] if began else None
        return seen.made_ms[call.talk_bridge] if joined else None

    def _start(self, call: OpenCall, begins: Next, *, by_cel: bool) -> None:
        data, commands = begins
        self._registry.start(data, call.caller_channel, commands, by_cel=by_cel)

    async def _settle(self, call: OpenCall) -> Outcome:
        end = SpooledEnd(
            call.call_id,
            EndReason.SERVICE_DOWN,
            (),
            no_payer_of(call),
            datetime.now(UTC),
            (),
            by_cel=True,
        )
        for _ in range(RECORD_TRIES):
            try:
                await self._spool.settle(end)
                outcome = Outcome.SETTLED
                break
            except RecordIncomplete:
                await asyncio.sleep(RECORD_AGAIN_MS / 1000)
        else:
            # Both legs are gone and yet not in the record: Asterisk died with them.
            await self._spool.settle(end, patient=False)
            outcome = Outcome.SETTLED_UNPROVED
        log.info("ended call settled", call_id=str(call.call_id), outcome=outcome)
        return outcome

    async def _clean(self, seen: Snapshot, callers: set[str | None], running: set[UUID]) -> bool:
        """Let go of channels and bridges of ours that no call owns; false: some may yet prove so.

        A caller whom no call owns goes to the dialplan's end, which says what it was told to say
        and, to one who was never answered, apologises.
        """
        young = False
        for channel in seen.ours:
            if channel in callers or call_of(channel) in running or self._registry.owns(channel):
                continue
            if seen.channels.get(channel, 0) <= YOUNG_MS:
                young = True
                continue
            log.warning("channel without a call let go", channel=channel)
            if call_of(channel) is None:
                await self._unless_gone(self._ari.leave(channel, "received", "T"))
            else:
                await self._unless_gone(self._ari.hang_up(channel))
        for bridge in seen.bridges:
            call_id = call_of(bridge)
            if call_id and call_id not in running and not self._registry.has(call_id):
                await self._unless_gone(self._ari.drop_bridge(bridge))
        return not young

    async def _unless_gone(self, request: Awaitable[None]) -> bool:
        try:
            await request
        except AriError as error:
            if not error.gone:
                log.warning("asterisk refused", error=str(error))
            return False
        return True
