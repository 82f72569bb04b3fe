"""Real phones brought into a talk by keys alone, without listening for prompts.

To recognise prompts costs the phones' process more than a call costs the system: with ten calls at
once that would be what is measured.
"""

import asyncio
from dataclasses import replace
from typing import Final

from billing.kit.limits import Limits
from primeline.phones import PhoneCall, State
from tests.calls.stage import (
    CALLER_TONE,
    EXPERT_TONE,
    LIMITS,
    CallerOnStage,
    ExpertOnStage,
    Stage,
    Talk,
)

AGAIN_SECONDS: Final = 0.6
"""Between two presses of a key: whoever is too early is not heard."""

LONGEST_SECONDS: Final = 60
PATIENT: Final = replace(
    Limits(),
    holding_ms=15_000,
    database_ms=10_000,
    settling_ms=10_000,
    grant_seconds=LIMITS.grant_seconds,
    extend_at_seconds=LIMITS.extend_at_seconds,
    minimum_talk_seconds=LIMITS.minimum_talk_seconds,
    warning_seconds=LIMITS.warning_seconds,
    no_warning_before_seconds=LIMITS.no_warning_before_seconds,
)
"""Short grants, but the waits of production: a busy machine must not end the calls."""


async def talk(
    stage: Stage, caller: CallerOnStage, number: str, expert: ExpertOnStage, *, pin: str = ""
) -> Talk | None:
    """Both talk, each with a tone of its own; None: the call was refused.

    `number` is the expert's own. `pin` is keyed first, where the caller's number isn't enough.
    """
    call = await stage.dial(caller, number)
    call.speak(CALLER_TONE)
    await call.wait_until(
        lambda: call.state in {State.UP, State.ENDED}, "an answer", seconds=LONGEST_SECONDS
    )
    if pin:
        await call.press(f"{pin}#")
    ringing = asyncio.create_task(expert.phone.wait_incoming(seconds=LONGEST_SECONDS))
    while not ringing.done() and call.state is not State.ENDED:
        await call.press("1")
        await asyncio.wait({ringing}, timeout=AGAIN_SECONDS)
    if not ringing.done():
        ringing.cancel()
        await asyncio.wait({ringing})
        return None
    answered = ringing.result()
    answered.speak(EXPERT_TONE)
    await answered.answer()
    while not _hears(answered, call) and State.ENDED not in {call.state, answered.state}:
        await answered.press("1")
        await asyncio.sleep(AGAIN_SECONDS)
    return Talk(call, answered) if _hears(answered, call) else None


async def to_the_end(one: Talk) -> None:
    """Wait until the caller is hung up on."""
    await one.caller.wait_ended(seconds=LONGEST_SECONDS)


def _hears(one: PhoneCall, other: PhoneCall) -> bool:
    return any(frame.payload in other.spoken for frame in list(one.heard)[-5:])
