"""Callers and experts who do as they please: the calls around those that are aimed at a point."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from psycopg import Error as PgError
from sqlalchemy.exc import SQLAlchemyError

from billing.kit.errors import PrimelineError
from primeline.phones import Phone, PhoneCall
from tests.calls.stage import (
    CALLER_TONE,
    CARRIER,
    EXPERT_TONE,
    PASSWORD,
    PIN,
    ExpertOnStage,
    Stage,
)
from tests.faults.bank import Account, Bank

HAPPENS: Final = (PrimelineError, TimeoutError, OSError, AssertionError, SQLAlchemyError, PgError)
"""What comes of calls while things are killed."""


@dataclass(frozen=True, slots=True)
class Made:
    """A call that somebody made: from which number, when, and what his phone knows of it."""

    number: str
    at_ms: int
    phone: PhoneCall
    expert: PhoneCall | None = None


@dataclass
class Traffic:
    """All that goes on beside the targets."""

    stage: Stage
    bank: Bank
    number: str
    seed: int
    made: list[Made] = field(default_factory=list)
    phones: list[Phone] = field(default_factory=list)
    """Those that are in use now, for when Asterisk dies without a word."""
    stopping: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _money: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, accounts: list[Account], experts: list[ExpertOnStage], callers: int) -> None:
        """Let them begin."""
        for place, expert in enumerate(experts):
            choose = random.Random(f"{self.seed} expert {place}")
            self.phones.append(expert.phone)
            self._tasks.append(asyncio.create_task(self._expert(expert, choose)))
        for place in range(callers):
            choose = random.Random(f"{self.seed} caller {place}")
            account = accounts[place % len(accounts)]
            share = len(account.numbers) // callers
            numbers = account.numbers[place * share : (place + 1) * share]
            self._tasks.append(asyncio.create_task(self._caller(account, numbers, experts, choose)))

    async def stop(self) -> None:
        """Let the calls that go on end as they were meant to."""
        self.stopping = True
        await asyncio.gather(*self._tasks)
        await asyncio.gather(*self._money)

    async def _caller(
        self, account: Account, numbers: Sequence[str], experts: list[ExpertOnStage],
        choose: random.Random,
    ) -> None:  # fmt: skip
        turn = 0
        while not self.stopping:
            await asyncio.sleep(choose.uniform(0.2, 3))
            turn += 1
            line = Phone(CARRIER, PASSWORD, server=self.stage.server)
            self.phones.append(line)
            try:
                async with line:
                    number = numbers[turn % len(numbers)]
                    await self._call(line, account, number, choose.choice(experts), choose)
            except HAPPENS:
                pass
            finally:
                self.phones.remove(line)

    async def _call(
        self,
        line: Phone,
        account: Account,
        number: str,
        expert: ExpertOnStage,
        choose: random.Random,
    ) -> None:
        call = await line.call(self.number, caller_number=number)
        self.made.append(Made(number, time.time_ns() // 1_000_000, call))
        patience = choose.uniform(0.3, 14)
        money = choose.random()
        wrong_pin = choose.random() < 0.3
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._talk(call, account, expert, wrong_pin=wrong_pin, money=money)
        await call.hang_up()

    async def _talk(
        self,
        call: PhoneCall,
        account: Account,
        expert: ExpertOnStage,
        *,
        wrong_pin: bool,
        money: float,
    ) -> None:
        call.speak(CALLER_TONE)
        await asyncio.sleep(1.2)
        if wrong_pin:
            await call.press("1111#")
            await asyncio.sleep(0.8)
            await call.press(f"{PIN}#")
            await asyncio.sleep(0.8)
        await call.press(f"{expert.extension}#")
        await asyncio.sleep(1.5)
        await call.press("1")
        await asyncio.sleep(2)
        if money < 0.3:
            self._money.append(asyncio.create_task(self.bank.top_up(account, 10)))
        elif money < 0.5:
            self._money.append(asyncio.create_task(self.bank.redeem(account)))
        await call.wait_ended(seconds=30)

    async def _expert(self, expert: ExpertOnStage, choose: random.Random) -> None:
        while not self.stopping:
            with suppress(*HAPPENS):
                call = await expert.phone.wait_incoming(seconds=1)
                await self._answered(call, choose)

    async def _answered(self, call: PhoneCall, choose: random.Random) -> None:
        mood, patience = choose.random(), choose.uniform(1, 12)
        if mood < 0.1:
            await call.reject(486)
            return
        await asyncio.sleep(choose.uniform(0.1, 0.8))
        if mood < 0.2:
            return
        await call.answer()
        call.speak(EXPERT_TONE)
        await asyncio.sleep(1)
        await call.press("3" if mood < 0.3 else "1")
        with suppress(*HAPPENS):
            await call.wait_ended(seconds=round(patience))
        await call.hang_up()
