"""What people do in a talk beside talking: what the campaign plays, and how often it came off."""

import asyncio
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from primeline.phones import PhoneCall


class Play(StrEnum):
    """A kind of call that only keys, a hold or a number of its own bring about."""

    BACK_TO_FREE = "back to free (*9)"
    PAID_AGAIN = "paid again (*7)"
    ACT = "an act (*8)"
    FREE_MINUTES = "free minutes (*6)"
    TOPPED_UP = "voucher by key (*5)"
    ON_HOLD = "expert's hold"
    PREMIUM = "premium rate"


NOTED: Final = {
    "back to free": Play.BACK_TO_FREE,
    "free minutes": Play.FREE_MINUTES,
    "voucher redeemed": Play.TOPPED_UP,
    "meter stopped": Play.ON_HOLD,
}
"""What the timeline of a call says of it. The others are told from its money."""


@dataclass
class Played:
    """In how many calls it came off, and how many of those a blow found open."""

    calls: int = 0
    struck: int = 0


async def as_expert(call: PhoneCall, choose: random.Random) -> None:
    """Do one of these in a talk, or nothing."""
    await asyncio.sleep(choose.uniform(0.8, 2.5))
    play = choose.choice([None, *Play])
    if play in {Play.BACK_TO_FREE, Play.PAID_AGAIN, Play.ACT}:
        await call.press("*9")
    if play in {Play.PAID_AGAIN, Play.ACT}:
        await asyncio.sleep(choose.uniform(1.8, 3))
        await call.press("*7" if play is Play.PAID_AGAIN else "*8")
        await asyncio.sleep(choose.uniform(3, 6))
    elif play is Play.FREE_MINUTES:
        await call.press("*6")
    elif play is Play.ON_HOLD:
        call.hold()
        await asyncio.sleep(choose.uniform(1.2, 3.5))
        call.unhold()


async def as_caller(call: PhoneCall, choose: random.Random, code: str | None) -> None:
    """Key a voucher, or press 1 now and then, which accepts a price where one is offered."""
    if code is not None:
        await asyncio.sleep(choose.uniform(0, 2))
        await call.press("*5")
        await asyncio.sleep(1)
        await call.press(code)
        return
    while True:
        await asyncio.sleep(1.1)
        await call.press("1")
