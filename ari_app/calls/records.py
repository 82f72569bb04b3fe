"""A call's writes to the database: one after the other, beside the talk, answered by events."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from ari_app import metrics
from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.actor import Actor, now_ms, steady_ms
from ari_app.calls.data import CallData
from ari_app.calls.names import Names
from ari_app.deadline import within
from ari_app.spool import RecordIncomplete, Spool, SpooledEnd
from billing.accounts import service as accounts
from billing.accounts import vouchers
from billing.calls import live, orders
from billing.calls import service as calls
from billing.calls.values import TimelineEntry
from billing.catalogue import service as catalogue
from billing.charging import rules as charging_rules
from billing.charging import service as charging
from billing.charging.sessions import proved_by_pin
from billing.charging.values import Refused, Settlement
from billing.kit.clock import from_ms
from billing.kit.database import Sessions
from billing.kit.limits import Limits
from billing.pins.values import PinCheck

log = structlog.get_logger(__name__)

AWAY = (OperationalError, InterfaceError, PoolTimeout, TimeoutError, OSError)
"""What tells that the database is away or too slow, and not that we are wrong."""

CEL_AGAIN_MS = 100

Write = Callable[[AsyncSession], Awaitable[e.Event | None]]


@dataclass(frozen=True, slots=True)
class Step:
    """What a command adds to the write of the call's own row."""

    received: bool = False
    consented_at_ms: int | None = None
    accepted_at: datetime | None = None


class Arrival:
    """What Asterisk told of the caller when his channel came in."""

    def __init__(self, dialled: str, caller_number: str | None, trunk: str | None) -> None:
        self.dialled = dialled
        self.caller_number = caller_number
        self.trunk = trunk


class Records:
    """Takes the database commands of one call."""

    def __init__(
        self,
        actor: Actor,
        names: Names,
        sessions: Sessions,
        spool: Spool,
        asterisk_id: str,
        arrival: Arrival | None,
        secret_key: str = "",
    ) -> None:
        self._actor = actor
        self._names = names
        self._sessions = sessions
        self._spool = spool
        self._asterisk_id = asterisk_id
        self._arrival = arrival
        self._secret_key = secret_key
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timeline: list[TimelineEntry] = []
        self._settled = False
        self.by_cel = False
        """Events may have been missed: paid time is what Asterisk's own record says."""

    def note(self, entry: TimelineEntry) -> None:
        """Keep a line until the next write."""
        self._timeline.append(entry)

    async def close(self) -> None:
        """Wait for what is still being written, then write how the call ended for its legs."""
        if self._tasks:
            await asyncio.gather(*self._tasks)
        if self._settled and self._timeline:
            try:
                await within(self._actor.data.limits.database_ms, self._append())
            except AWAY as error:
                log.warning("end of timeline not written", error=type(error).__name__)

    async def idle(self) -> None:
        """Wait until nothing is being written."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def unwritten(self) -> tuple[TimelineEntry, ...]:
        """The lines kept until the next write."""
        return tuple(self._timeline)

    @property
    def settled(self) -> bool:
        """Whether the call's money is written."""
        return self._settled

    def take_over(self, notes: Sequence[TimelineEntry], *, by_cel: bool, settled: bool) -> None:
        """Go on with what another process has written, and has not."""
        self._timeline = list(notes)
        self.by_cel, self._settled = by_cel, settled

    def give_up(self) -> None:
        """Another process has the call: nothing more is written of it here."""
        self._timeline, self._settled = [], False

    async def _append(self) -> None:
        async with self._sessions.begin() as session:
            await calls.append_timeline(session, self._names.call_id, self._timeline)

    def take(self, command: c.Command, data: CallData) -> bool:
        """Start carrying `command` out if it is one for the database."""
        if isinstance(command, c.Settle):
            self._start(self._settle(command, data.limits))
            return True
        write = self._write_of(command, data)
        if write is None:
            return False
        self._start(self._run(write, _step_of(command, data), data))
        return True

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, write: Write, step: Step, data: CallData) -> None:
        """One transaction, with its deadline; the lock keeps the writes of a call in order."""
        async with self._lock:
            timeline, self._timeline = self._timeline, []
            try:
                event = await within(data.limits.database_ms, self._write(write, step, timeline))
            except AWAY as error:
                self._timeline = timeline + self._timeline
                log.warning("database away", error=type(error).__name__)
                event = e.DatabaseAway()
            except Exception:
                # A fault of ours: the call must end in order all the same.
                self._timeline = timeline + self._timeline
                log.exception("write failed")
                event = e.DatabaseAway()
            if event is not None:
                self._actor.post(event)

    async def _write(
        self, write: Write, step: Step, timeline: Sequence[TimelineEntry]
    ) -> e.Event | None:
        state = str(self._actor.data.state)
        async with self._sessions.begin() as session:
            if step.received:
                # There is no row yet.
                event = await write(session)
            # The call's row first, as whoever settles it does: session, limits, wallet follow.
            await calls.write_step(
                session,
                self._names.call_id,
                state,
                timeline,
                consented_at_ms=step.consented_at_ms,
                accepted_at=step.accepted_at,
            )
            if not step.received:
                event = await write(session)
        return event

    def _write_of(self, command: c.Command, data: CallData) -> Write | None:  # noqa: C901, PLR0911
        names = self._names
        call_id = names.call_id
        limits = data.limits
        match command:
            case c.Receive():
                return self._receive

            case c.CheckPin(pin):

                async def check_pin(s: AsyncSession) -> e.Event:
                    assert data.caller is not None  # a PIN is asked of an account
                    check = await calls.check_pin(s, call_id, data.caller.account_id, pin, _now())
                    if check is PinCheck.RIGHT and data.expert is not None:
                        # He was asked for it because his number alone was not enough.
                        await proved_by_pin(s, call_id)
                    return e.PinChecked(check)

                return check_pin

            case c.LookUp(number, extension):

                async def look_up(s: AsyncSession) -> e.Event:
                    return e.LookedUp(await catalogue.find_extension(s, number, extension))

                return look_up

            case c.AskQuote(expert, mode):

                async def quote(s: AsyncSession) -> e.Event:
                    assert data.caller is not None  # quoted to a payer
                    assert data.number is not None
                    quoted = await charging.quote(
                        s,
                        call_id,
                        account_id=data.caller.account_id,
                        expert_id=expert.expert_id,
                        number_id=data.number.number_id,
                        limits=limits,
                        at=_now(),
                        mode=mode,
                    )
                    if isinstance(quoted, Refused):
                        return e.NotGranted(quoted.refusal)
                    return e.Quoted(quoted)

                return quote

            case c.Hold(expert, paid):

                async def hold(s: AsyncSession) -> e.Event:
                    if not paid:
                        refused = await calls.reserve_free(s, call_id, expert.expert_id, _now())
                        return e.NotGranted(refused.refusal) if refused else e.Held(None)
                    assert data.caller is not None  # somebody pays
                    account_id = data.caller.account_id
                    # Read before the hold: a rise in between is then seen as one.
                    versions = await accounts.wallet_versions(s, [account_id])
                    grant = await charging.initial(s, call_id, limits, _now())
                    if isinstance(grant, Refused):
                        return e.NotGranted(grant.refusal)
                    return e.Held(grant, versions[account_id])

                return hold

            case c.Release(reason):

                async def release(s: AsyncSession) -> None:
                    await calls.release(s, call_id, reason=reason)

                return release

            case c.RecordDial(attempt, phone):

                async def dial(s: AsyncSession) -> e.Event:
                    await calls.dial_attempted(
                        s,
                        call_id,
                        attempt=attempt,
                        phone_id=phone.phone_id,
                        channel_id=names.expert_channel(attempt),
                        at=_now(),
                    )
                    return e.DialRecorded(attempt)

                return dial

            case c.RecordDialEnd(attempt, result):

                async def dial_end(s: AsyncSession) -> None:
                    await calls.dial_ended(s, call_id, attempt=attempt, result=result, at=_now())

                return dial_end

            case c.RecordTalk(bridge, paid, start_ms):

                async def talk(s: AsyncSession) -> e.Event | None:
                    if start_ms is None and data.talks == 1:
                        await calls.dial_ended(
                            s, call_id, attempt=data.attempt, result="accepted", at=_now()
                        )
                    await calls.talk_started(
                        s, call_id, bridge=bridge, paid=paid, start_ms=start_ms, at=_now()
                    )
                    return e.TalkRecorded(bridge) if start_ms is None else None

                return talk

            case c.Extend(request_number, from_ms):

                async def extend(s: AsyncSession) -> e.Event:
                    till_ms = max(from_ms, self._actor.asterisk_ms())
                    used = charging_rules.used_seconds(((from_ms, till_ms),))
                    grant = await charging.update(
                        s,
                        call_id,
                        request_number=request_number,
                        used_seconds=used,
                        limits=limits,
                        at=_now(),
                    )
                    return e.Extended(grant)

                return extend

            case _:
                return self._segment_write_of(command, data)

    def _segment_write_of(  # noqa: C901
        self, command: c.Command, data: CallData
    ) -> Write | None:
        call_id = self._names.call_id
        match command:
            case c.RecordTalkEnd(bridge, end_ms):

                async def talk_end(s: AsyncSession) -> None:
                    await calls.talk_stopped(s, call_id, bridge=bridge, end_ms=end_ms)

                return talk_end

            case c.CloseSegment(intervals):

                async def close(s: AsyncSession) -> e.Event:
                    closed = await calls.close_segment(s, call_id, intervals=intervals, at=_now())
                    return e.SegmentClosed(closed.bill.billed_seconds if closed else 0)

                return close

            case c.CloseOrder(order_id, result):

                async def close_order(s: AsyncSession) -> None:
                    await orders.carried_out(s, order_id, result=result, at=_now())

                return close_order

            case c.AskCost():

                async def cost(s: AsyncSession) -> e.Event:
                    at = from_ms(self._actor.asterisk_ms())
                    found = await live.list_live(s, at, call_ids=[call_id])
                    talk = found[0].talk if found else None
                    return e.CostSoFar(talk.charge if talk else None)

                return cost

            case c.RedeemVoucher(code):

                async def redeem(s: AsyncSession) -> e.Event:
                    assert data.caller is not None  # somebody pays
                    done = await calls.redeem_voucher(
                        s, call_id, data.caller.account_id, code, key=self._secret_key, at=_now()
                    )
                    if isinstance(done, vouchers.Redeemed):
                        return e.VoucherTaken(done.amount)
                    return e.VoucherRefused(str(done))

                return redeem

            case _:
                return self._premium_write_of(command, data.limits)

    def _premium_write_of(self, command: c.Command, limits: Limits) -> Write | None:
        call_id = self._names.call_id
        match command:
            case c.HoldPremium(wanted):

                async def hold_premium(s: AsyncSession) -> e.Event:
                    plan = await calls.hold_premium(
                        s,
                        call_id,
                        expert_id=wanted.expert_id if wanted else None,
                        limits=limits,
                        at=_now(),
                    )
                    if isinstance(plan, Refused):
                        return e.NotGranted(plan.refusal)
                    return e.PremiumHeld(plan)

                return hold_premium

            case c.RecordAnswered(at_ms):

                async def answered(s: AsyncSession) -> None:
                    await calls.answered(s, call_id, at_ms=at_ms)

                return answered

            case _:
                return None

    async def _receive(self, s: AsyncSession) -> e.Event:
        arrival = self._arrival
        assert arrival is not None  # only a call that came in is received
        reception = await calls.receive(
            s,
            call_id=self._names.call_id,
            asterisk_id=self._asterisk_id,
            channel_id=self._names.caller_channel,
            dialled=arrival.dialled,
            caller_number=arrival.caller_number,
            trunk=arrival.trunk,
            language_default=self._actor.data.language,
            at=_now(),
        )
        return e.Received(reception)

    async def _settle(self, command: c.Settle, limits: Limits) -> None:
        began_ms = steady_ms()
        async with self._lock:
            timeline, self._timeline = self._timeline, []
            end = SpooledEnd(
                call_id=self._names.call_id,
                reason=command.reason,
                intervals=command.intervals,
                no_payer=command.no_payer,
                at=_now(),
                timeline=tuple(timeline),
                by_cel=self.by_cel or command.by_record,
                meter=command.meter,
                silent_seconds=command.silent_seconds,
            )
            try:
                settlement = await within(limits.settling_ms, self._settle_now(end))
            except asyncio.CancelledError:
                # We are ended in the midst of it: the next process settles it from disk.
                self._spool.write(end)
                raise
            except Exception as error:
                if not isinstance(error, AWAY):
                    log.exception("settling failed")
                await asyncio.to_thread(self._spool.write, end)
                log.warning("end of call spooled", error=type(error).__name__)
                self._actor.post(e.Spooled())
            else:
                # None: the call was never written, so there is nothing to settle.
                self._settled = settlement is not None
                self._actor.post(e.Settled(settlement) if settlement else e.Spooled())
        metrics.settled(self._actor.data, (steady_ms() - began_ms) / 1_000)

    async def _settle_now(self, end: SpooledEnd) -> Settlement | None:
        """Settle once Asterisk's record holds the end of the talk: it is written moments later."""
        while True:
            try:
                return await self._spool.settle(end)
            except RecordIncomplete:
                await asyncio.sleep(CEL_AGAIN_MS / 1000)


def _step_of(command: c.Command, data: CallData) -> Step:
    match command:
        case c.Receive():
            return Step(received=True)
        case c.Hold(_, True):
            return Step(consented_at_ms=now_ms())
        case c.RecordTalk(_, _, None) if data.talks == 1:
            return Step(accepted_at=_now())
        case _:
            return Step()


def _now() -> datetime:
    return datetime.now(UTC)
