"""What people do in a talk beside talking: what the campaign plays, and how often it came off."""

import asyncio
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from primeline.phones import PhoneCall, State
from primeline.phones.voices import Voice
from tests.calls.stage import CALLER_TONE, EXPERT_TONE


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


BY_EXPERT: Final = (
    None,
    Play.BACK_TO_FREE,
    Play.PAID_AGAIN,
    Play.ACT,
    Play.FREE_MINUTES,
    Play.ON_HOLD,
)
TALKS_SECONDS: Final = 10


@dataclass
class Played:
    """In how many calls it came off, and how many of those a blow found open."""

    calls: int = 0
    struck: int = 0


async def as_expert(call: PhoneCall, choose: random.Random) -> None:
    """Do one of these in a talk, or nothing."""
    await _talking(call, CALLER_TONE)
    await asyncio.sleep(choose.uniform(0.5, 2))
    play = choose.choice(BY_EXPERT)
    if play in {Play.BACK_TO_FREE, Play.PAID_AGAIN, Play.ACT}:
        await call.press("*9")
    if play in {Play.PAID_AGAIN, Play.ACT}:
        await asyncio.sleep(0.8)
        await _talking(call, CALLER_TONE)
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
        await _talking(call, EXPERT_TONE)
        await asyncio.sleep(choose.uniform(0, 1))
        await call.press("*5")
        await asyncio.sleep(1)
        await call.press(code)
        return
    while call.state is not State.ENDED:
        await asyncio.sleep(1.1)
        await call.press("1")


async def _talking(call: PhoneCall, other: Voice) -> None:
    """Wait until the other one is heard."""
    spoken = set(other.frames)
    await call.wait_until(
        lambda: any(frame.payload in spoken for frame in list(call.heard)[-5:]),
        "the other's voice",
        seconds=TALKS_SECONDS,
    )
