"""Callers and experts who do as they please: the calls around those that are aimed at a point."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
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
from tests.faults import plays
from tests.faults.bank import Account, Bank

HAPPENS: Final = (PrimelineError, TimeoutError, OSError, AssertionError, SQLAlchemyError, PgError)
"""What comes of calls while things are killed."""

KEYS_A_VOUCHER: Final = 0.35
SOON_SECONDS: Final = 3


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
    _patience: set[asyncio.Timeout] = field(default_factory=set)
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

    def start_premium(self, number: str, expert: ExpertOnStage) -> None:
        """Let somebody call a number that the carrier bills, each time from another one."""
        self.phones.append(expert.phone)
        choose = random.Random(f"{self.seed} premium")
        self._tasks.append(asyncio.create_task(self._expert(expert, choose)))
        self._tasks.append(asyncio.create_task(self._premium_caller(number, choose)))

    async def stop(self) -> None:
        """Let the calls that go on end soon."""
        self.stopping = True
        soon = asyncio.get_running_loop().time() + SOON_SECONDS
        for patience in self._patience:
            patience.reschedule(min(soon, patience.when() or soon))
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
            number, expert = numbers[turn % len(numbers)], choose.choice(experts)
            await self._on_a_line(partial(self._call, account, number, expert, choose))

    async def _premium_caller(self, number: str, choose: random.Random) -> None:
        while not self.stopping:
            await asyncio.sleep(choose.uniform(0.2, 3))
            await self._on_a_line(partial(self._premium_call, number, choose))

    async def _premium_call(self, number: str, choose: random.Random, line: Phone) -> None:
        caller = self.stage.stranger()
        call = await line.call(number, caller_number=caller)
        self.made.append(Made(caller, time.time_ns() // 1_000_000, call))
        call.speak(CALLER_TONE)
        with suppress(TimeoutError):
            async with self._patient(choose.uniform(0.5, 12)):
                await call.wait_ended(seconds=30)
        await call.hang_up()

    async def _on_a_line(self, call: Callable[[Phone], Awaitable[None]]) -> None:
        """Make a call from a phone of its own, whatever comes of it."""
        line = Phone(CARRIER, PASSWORD, server=self.stage.server)
        self.phones.append(line)
        try:
            async with line:
                await call(line)
        except HAPPENS:
            pass
        finally:
            self.phones.remove(line)

    @asynccontextmanager
    async def _patient(self, seconds: float) -> AsyncIterator[None]:
        """For so long, or until soon after the end of it all."""
        async with asyncio.timeout(min(seconds, SOON_SECONDS) if self.stopping else seconds) as t:
            self._patience.add(t)
            try:
                yield
            finally:
                self._patience.discard(t)

    async def _call(
        self,
        account: Account,
        number: str,
        expert: ExpertOnStage,
        choose: random.Random,
        line: Phone,
    ) -> None:
        call = await line.call(self.number, caller_number=number)
        self.made.append(Made(number, time.time_ns() // 1_000_000, call))
        patience = choose.choice([choose.uniform(0.3, 14), choose.uniform(10, 22)])
        money = choose.random()
        wrong_pin = choose.random() < 0.3
        with suppress(TimeoutError):
            async with self._patient(patience):
                await self._talk(call, account, expert, wrong_pin=wrong_pin, money=money)
                code = self.bank.hand_out(account) if choose.random() < KEYS_A_VOUCHER else None
                playing = asyncio.create_task(plays.as_caller(call, choose, code))
                try:
                    await call.wait_ended(seconds=30)
                finally:
                    playing.cancel()
                    await asyncio.wait({playing})
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
            # An extension that nobody has, where no PIN is asked for.
            await call.press("1111#")
            await asyncio.sleep(0.8)
        if not account.alone:
            await call.press(f"{PIN}#")
            await asyncio.sleep(0.8)
        await call.press(f"{expert.extension}#")
        for _ in range(3):
            await asyncio.sleep(1.2)
            await call.press("1")
        if money < 0.3:
            self._money.append(asyncio.create_task(self.bank.top_up(account, 10)))
        elif money < 0.5:
            self._money.append(asyncio.create_task(self.bank.redeem(account)))

    async def _expert(self, expert: ExpertOnStage, choose: random.Random) -> None:
        while not self.stopping:
            with suppress(*HAPPENS):
                call = await expert.phone.wait_incoming(seconds=1)
                await self._answered(call, choose)

    async def _answered(self, call: PhoneCall, choose: random.Random) -> None:
        mood, patience = choose.random(), choose.uniform(1, 9)
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
            await plays.as_expert(call, choose)
            await call.wait_ended(seconds=round(patience))
        await call.hang_up()
