"""One call in every state of the machine at the same moment, so that a process can be killed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from sqlalchemy import text

from ari_app.calls.states import State
from primeline.phones import PhoneCall
from tests.calls import evidence
from tests.calls.stage import (
    CALLER_TONE,
    EXPERT_TONE,
    LIMITS,
    CallerOnStage,
    ExpertOnStage,
    Stage,
    Talk,
)

STATE_MS: Final = 16_000
GRANT_SECONDS: Final = 20
CREDIT_SECONDS, CREDIT_CENTS = 28, 56
FREE_SECONDS: Final = 20
PARKING: Final = replace(
    LIMITS,
    received_ms=STATE_MS,
    pin_digit_ms=STATE_MS,
    identifying_ms=STATE_MS,
    extension_first_digit_ms=STATE_MS,
    choosing_ms=STATE_MS,
    quoting_turn_ms=STATE_MS,
    quoting_ms=STATE_MS,
    holding_ms=STATE_MS,
    ringing_phone_ms=STATE_MS,
    offer_wait_ms=STATE_MS,
    ringing_and_offering_ms=STATE_MS,
    consent_wait_ms=STATE_MS,
    consenting_ms=STATE_MS,
    voucher_key_ms=STATE_MS,
    topping_up_ms=STATE_MS,
    hold_ms=STATE_MS,
    # A part that is frozen for long is no lost phone.
    media_seconds=30,
    settling_ms=6_000,
    aftercare_ms=6_000,
    goodbye_ms=6_000,
    database_ms=8_000,
    grant_seconds=GRANT_SECONDS,
)
"""States that last long enough for one call to wait in each of them."""


EARLY: Final = (
    State.RECEIVED,
    State.IDENTIFYING,
    State.CHOOSING,
    State.QUOTING,
    State.HOLDING,
    State.RINGING,
    State.OFFERING,
)
TALKS: Final = (State.TALKING_FREE, State.TALKING_PAID)
LATE: Final = (State.SETTLING, State.AFTERCARE, State.GOODBYE)
PARKED: Final = (*EARLY, *TALKS, *LATE)


@dataclass(frozen=True, slots=True)
class ParkedCall:
    """A call that waits in `state`. `call_id` None: it is not in the database."""

    state: State
    caller: CallerOnStage | str
    cents: int
    expert: ExpertOnStage
    calls: tuple[PhoneCall, ...]
    call_id: UUID | None = None

    @property
    def talk(self) -> Talk:
        """Both phones."""
        caller, expert = self.calls
        return Talk(caller, expert)


class Park:
    """Brings calls to their states on one system, and holds the rows that keep them there."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.locks = AsyncExitStack()

    async def all(self) -> dict[State, ParkedCall]:
        """Every state at once; those that soon pass by themselves come last."""
        drivers: dict[State, Callable[[], Awaitable[ParkedCall]]] = {
            State.IDENTIFYING: self.identifying,
            State.CHOOSING: self.choosing,
            State.QUOTING: self.quoting,
            State.HOLDING: self.holding,
            State.RINGING: self.ringing,
            State.OFFERING: self.offering,
            State.TALKING_FREE: self.talking_free,
            State.TALKING_PAID: self.talking_paid,
            State.SETTLING: self.talking_paid,
            State.AFTERCARE: self.talking_paid,
        }
        parked = dict(
            zip(drivers, await asyncio.gather(*(d() for d in drivers.values())), strict=True)
        )
        (
            parked[State.RECEIVED],
            parked[State.SETTLING],
            parked[State.AFTERCARE],
        ) = await asyncio.gather(
            self.received(),
            self._settling(parked[State.SETTLING]),
            self._aftercare(parked[State.AFTERCARE]),
        )
        parked[State.GOODBYE] = await self.goodbye()
        return parked

    async def release(self) -> None:
        """Let go of all rows."""
        await self.locks.aclose()

    async def hold(self, what: str, key: UUID | str) -> None:
        """Hold a row until `release`."""
        await self.locks.enter_async_context(evidence.locked(self.stage, what, key))

    async def _of(
        self, state: State, caller: CallerOnStage | str, cents: int, expert: ExpertOnStage,
        *calls: PhoneCall,
    ) -> ParkedCall:  # fmt: skip
        call_id = (await self.stage.record(caller)).summary.call_id
        if evidence.state_at(self.stage, call_id, time.time_ns() // 1_000) is not state:
            await evidence.reached(self.stage, call_id, state)
        return ParkedCall(state, caller, cents, expert, calls, call_id)

    async def received(self) -> ParkedCall:
        stage = self.stage
        expert, caller = await stage.expert(), await stage.caller()
        number = await stage.number(expert=expert)
        await self.hold("number", number)
        call = await stage.dial(caller, number)
        await evidence.channel_from(stage, caller.number)
        return ParkedCall(State.RECEIVED, caller, 1_000, expert, (call,))

    async def identifying(self) -> ParkedCall:
        stage = self.stage
        expert, caller = await stage.expert(), await stage.caller(alone=False)
        call = await stage.dial(caller, await stage.number())
        await stage.hears(call, "enter-pin")
        return await self._of(State.IDENTIFYING, caller, 1_000, expert, call)

    async def choosing(self) -> ParkedCall:
        stage = self.stage
        expert, caller = await stage.expert(), await stage.caller()
        call = await stage.to_choosing(caller, await stage.number())
        return await self._of(State.CHOOSING, caller, 1_000, expert, call)

    async def quoting(self) -> ParkedCall:
        stage = self.stage
        expert, caller = await stage.expert(), await stage.caller()
        call = await stage.to_quoting(caller, await stage.number(), expert)
        return await self._of(State.QUOTING, caller, 1_000, expert, call)

    async def holding(self) -> ParkedCall:
        stage = self.stage
        expert, caller = await stage.expert(), await stage.caller()
        call = await stage.to_quoting(caller, await stage.number(), expert)
        await self.hold("expert", expert.expert_id)
        await call.press("1")
        return await self._of(State.HOLDING, caller, 1_000, expert, call)

    async def ringing(self) -> ParkedCall:
        stage = self.stage
        expert, caller = await stage.expert(), await stage.caller()
        talk = await stage.to_ringing(caller, await stage.number(), expert)
        return await self._of(State.RINGING, caller, 1_000, expert, talk.caller, talk.expert)

    async def offering(self) -> ParkedCall:
        stage = self.stage
        expert, caller = await stage.expert(), await stage.caller()
        talk = await stage.to_offering(caller, await stage.number(), expert)
        return await self._of(State.OFFERING, caller, 1_000, expert, talk.caller, talk.expert)

    async def talking_free(self, seconds: int = FREE_SECONDS) -> ParkedCall:
        stage = self.stage
        expert, caller = await stage.expert(), stage.stranger()
        number = await stage.number(without_payer="free", free_limit_seconds=seconds)
        talk = await stage.to_free_talk(caller, number, expert)
        return await self._of(State.TALKING_FREE, caller, 0, expert, talk.caller, talk.expert)

    async def talking_paid(self, cents: int = CREDIT_CENTS) -> ParkedCall:
        stage = self.stage
        expert, caller = await stage.expert(), await stage.caller(cents)
        talk = await stage.to_talk(caller, await stage.number(), expert)
        return await self._of(State.TALKING_PAID, caller, cents, expert, talk.caller, talk.expert)

    async def joined_unwritten(self) -> ParkedCall:
        """Both talk, and the start of it can't be written."""
        stage = self.stage
        expert, caller = await stage.expert(), await stage.caller(CREDIT_CENTS)
        talk = await stage.to_offering(caller, await stage.number(), expert)
        talk.caller.speak(CALLER_TONE)
        talk.expert.speak(EXPERT_TONE)
        call_id = (await stage.record(caller)).summary.call_id
        await talk.expert.press("1", gap_ms=0)
        async with stage.sessions() as s:
            query = text("SELECT talk_bridge FROM calls WHERE id = :id")
            while (await s.execute(query, {"id": call_id})).scalar_one() is None:
                await s.rollback()
                await asyncio.sleep(0.005)
        await self.hold("call", call_id)
        await stage.both_talk(talk)
        return await self._of(
            State.TALKING_PAID, caller, CREDIT_CENTS, expert, talk.caller, talk.expert
        )

    async def _settling(self, call: ParkedCall) -> ParkedCall:
        """The expert has hung up, and the money can't be written."""
        assert isinstance(call.caller, CallerOnStage)
        await self.hold("wallet", call.caller.wallet_id)
        await call.talk.expert.hang_up()
        return await self._of(
            State.SETTLING, call.caller, call.cents, call.expert, call.talk.caller
        )

    async def _aftercare(self, call: ParkedCall) -> ParkedCall:
        """The expert has hung up, and the caller is told."""
        await call.talk.expert.hang_up()
        return await self._of(
            State.AFTERCARE, call.caller, call.cents, call.expert, call.talk.caller
        )

    async def goodbye(self) -> ParkedCall:
        stage = self.stage
        expert, caller = await stage.expert(), stage.stranger()
        call = await stage.dial(caller, await stage.number())
        await stage.hears(call, "welcome")
        return await self._of(State.GOODBYE, caller, 0, expert, call)
