"""Calls that are brought to a point and kept there by their phones, or by a row the campaign holds.

`prepare` brings a call one step before its point, `go` to it, `last` is for the two points that
pass by themselves: it comes when all others are there, and the blow right after it.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from primeline.phones import PhoneCall, State
from tests.calls.stage import (
    CALLER_TONE,
    EXPERT_TONE,
    CallerOnStage,
    ExpertOnStage,
    Stage,
    Talk,
    euro,
)
from tests.faults import database
from tests.faults.database import Lock
from tests.faults.points import Point
from tests.faults.traffic import Made

THERE_SECONDS: Final = 12
CUT_CENTS: Final = 6
CENTS: Final = 1_000
TIMED: Final = (Point.AT_CUT, Point.AFTER_COMMIT)
LAST_GRANT: Final = text(
    "SELECT max(granted_seconds) AS granted, count(*) AS grants,"
    " (SELECT min(start_ms) FROM talk_stretches WHERE call_id = :id AND paid) AS start_ms"
    " FROM grants WHERE session_id = :id"
)


class Target:
    """One call on its way to a point."""

    def __init__(
        self, stage: Stage, point: Point, number: str, expert: ExpertOnStage, choose: random.Random
    ) -> None:
        self.point = point
        self.expert = expert
        self.caller: CallerOnStage | None = None
        self.call_id: UUID | None = None
        self.phones: list[PhoneCall] = []
        self.lock: Lock | None = None
        self._stage = stage
        self._number = number
        self._choose = choose

    @property
    def put_in(self) -> int:
        """What its caller's wallet was given, in ledger units."""
        return euro(self._cents).amount

    @property
    def _cents(self) -> int:
        return CUT_CENTS if self.point is Point.AT_CUT else CENTS

    def made(self) -> Made:
        """What its phones know of it."""
        phone, *expert = self.phones
        at_ms = phone.at_us(State.CALLING) // 1_000
        return Made(self._payer.number, at_ms, phone, expert[0] if expert else None)

    @property
    def talk(self) -> Talk:
        """Both phones."""
        caller, expert = self.phones
        return Talk(caller, expert)

    @property
    def _payer(self) -> CallerOnStage:
        assert self.caller is not None
        return self.caller

    async def prepare(self) -> None:
        """Come one step before the point."""
        stage = self._stage
        self.caller = await stage.caller(self._cents)
        call = await stage.dial(self.caller, self._number)
        self.phones.append(call)
        await stage.hears(call, "enter-extension", seconds=THERE_SECONDS)
        await call.press(f"{self.expert.extension}#")
        await stage.hears(call, "press-1-to-accept", seconds=THERE_SECONDS)
        (row,) = await database.rows(stage, database.NEWEST, number=self.caller.number)
        self.call_id = row.id
        if self.point in {Point.BEFORE_HOLD, Point.AFTER_HOLD}:
            return
        await call.press("1")
        self.phones.append(await self.expert.phone.wait_incoming(seconds=THERE_SECONDS))
        if self.point is Point.RINGING:
            return
        await self.talk.expert.answer()
        await stage.hears(self.talk.expert, "press-1-or-3", seconds=THERE_SECONDS)
        if self.point is Point.MID_QUOTA:
            await self._speak()
            await self._until(lambda grant: grant.grants > 1)

    async def go(self) -> None:
        """Come to the point."""
        match self.point:
            case Point.BEFORE_HOLD if self._choose.random() < 0.5:
                await self._hold("expert", self.expert.expert_id)
                await self.talk_alone.press("1")
                await self._waited_for()
            case Point.AFTER_HOLD:
                await self._hold("phone", self.expert.expert_id)
                await self.talk_alone.press("1")
                await self._waited_for()
            case Point.BRIDGED:
                await asyncio.sleep(0.8)
                await self._speak()
            case Point.AT_CUT | Point.AFTER_COMMIT:
                await self._speak()
            case Point.IN_SETTLEMENT:
                await self._speak()
                await asyncio.sleep(self._choose.uniform(0.2, 1.2))
                await self._hold("wallet", self._payer.wallet_id)
                await self._hang_up_first()
                await self._waited_for()

    async def last(self) -> None:
        """Come to a point that passes by itself."""
        if self.point is Point.AT_CUT:
            grant = await self._until(lambda grant: grant.start_ms is not None)
            end = grant.start_ms / 1_000 + grant.granted + self._choose.uniform(-0.12, 0.02)
            await asyncio.sleep(max(0.0, end - time.time()))
        elif self.point is Point.AFTER_COMMIT:
            await self._hang_up_first()
            await self._there(self._settled)

    @property
    def talk_alone(self) -> PhoneCall:
        """The caller's phone."""
        return self.phones[0]

    async def _speak(self) -> None:
        self.talk.caller.speak(CALLER_TONE)
        self.talk.expert.speak(EXPERT_TONE)
        await self.talk.expert.press("1")
        await self._stage.both_talk(self.talk, seconds=THERE_SECONDS)

    async def _hang_up_first(self) -> None:
        await self._choose.choice(self.phones).hang_up()

    async def _hold(self, what: str, key: UUID) -> None:
        self.lock = await Lock.take(self._stage, what, key)

    async def _waited_for(self) -> None:
        lock = self.lock
        assert lock is not None
        await self._there(lambda: lock.waited_for(self._stage))

    async def _settled(self) -> bool:
        return bool(await database.rows(self._stage, database.SETTLED, ids=[self.call_id]))

    async def _there(self, asked: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(THERE_SECONDS):
            while not await asked():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def _until(self, wanted: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(THERE_SECONDS):
            while True:
                (row,) = await database.rows(self._stage, LAST_GRANT, id=self.call_id)
                if wanted(row):
                    return row
                await asyncio.sleep(0.02)

    async def part(self) -> None:
        """Hang up some time after the blow, either side first."""
        await asyncio.sleep(self._choose.uniform(0, 3))
        for phone in self._choose.sample(self.phones, len(self.phones)):
            if phone.state is not State.ENDED:
                with suppress(Exception):
                    await phone.hang_up()
            await asyncio.sleep(self._choose.uniform(0, 0.4))
        if len(self.phones) == 1:
            self.expert.phone.forget_calls()

    @property
    def ended_ms(self) -> int:
        """When the last of its phones had ended (wall clock)."""
        return max((phone.at_us(State.ENDED) // 1_000 for phone in self.phones), default=0)
