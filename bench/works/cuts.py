"""W5: how exactly a talk is cut when the credit is used up, heard at both phones; app dead, too."""

import asyncio
import signal
from typing import Final

from bench.rules import percentile
from bench.talks import PATIENT, talk, to_the_end
from bench.values import Check, Result, Room, Table
from billing.kit.errors import PrimelineError
from primeline.sound import carried_spans, cut_error_ms, whole_span
from tests.calls.stage import Stage, Talk, whole_system

CALLS: Final = 100
QUICK_CALLS: Final = 10
DEAD_CALLS: Final = 5
AT_ONCE: Final = 10
"""Phones decode sound in this process: more at once would measure it instead."""

CREDIT_CENTS: Final = 6
TALK_SECONDS: Final = 3
DEAD_CENTS: Final = 10
DEAD_TALK_SECONDS: Final = 5
LATE_GOAL_MS: Final = 100
DEAD_GOAL_MS: Final = 2_500


class NoTalk(PrimelineError):
    """A call with credit didn't come to its talk: nothing can be measured."""

    code = "no-talk"

    def __init__(self) -> None:
        super().__init__("A call with credit did not come to its talk.")


METHOD: Final = (
    "Both phones speak a tone of their own. At each: from the first packet with the other's tone to"
    " the end of the last one, less the seconds that the credit buys; the worse of the two counts."
    f" {AT_ONCE} calls at a time. Then the same with the call application killed in the talk, where"
    " Asterisk's own limit ends it."
)


async def run(room: Room) -> list[Result]:
    """Cut the calls, then kill the application in some more."""
    calls = QUICK_CALLS if room.quick else CALLS
    free = asyncio.Semaphore(AT_ONCE)
    async with whole_system(room.folder / "cuts", room.tree, limits=PATIENT) as stage:

        async def one() -> int:
            async with free:
                talked = await _talk(stage, CREDIT_CENTS)
                await to_the_end(talked)
                return _error_ms(talked, TALK_SECONDS)

        errors = await asyncio.gather(*(one() for _ in range(calls)))
        dead = await _dead(stage)
    return [judged(errors, dead)]


def judged(errors: list[int], dead: list[int]) -> Result:
    """Give the result of the errors (ms), with the application alive and dead."""
    p99 = percentile(errors, 990)
    return Result(
        "W5",
        "The cut when the credit is used up",
        METHOD,
        (
            Check(
                f"earliest of {len(errors)} cuts",
                "never early",
                f"{min(errors)} ms",
                min(errors) >= 0,
                must=True,
            ),
            Check(
                "cuts, p99", f"≤ {LATE_GOAL_MS} ms late", f"{p99} ms", (p99 or 0) <= LATE_GOAL_MS
            ),
            Check(
                f"application dead, latest of {len(dead)}",
                f"0 to {DEAD_GOAL_MS} ms",
                f"{max(dead)} ms",
                min(dead) >= 0 and max(dead) <= DEAD_GOAL_MS,
            ),
        ),
        (
            Table(
                "Error at the worse of the two phones, ms",
                ("", "cuts", "least", "p50", "p99", "most"),
                (_row("alive", errors), _row("dead", dead)),
            ),
        ),
        {"errors_ms": sorted(errors), "dead_errors_ms": sorted(dead)},
    )


def _row(name: str, errors: list[int]) -> tuple[str, ...]:
    values = (
        len(errors),
        min(errors),
        percentile(errors, 500),
        percentile(errors, 990),
        max(errors),
    )
    return (name, *(str(value) for value in values))


async def _talk(stage: Stage, cents: int) -> Talk:
    expert, caller = await stage.expert(), await stage.caller(cents)
    talked = await talk(stage, caller, await stage.number(expert=expert), expert)
    if talked is None:
        raise NoTalk
    return talked


async def _dead(stage: Stage) -> list[int]:
    talks = await asyncio.gather(*(_talk(stage, DEAD_CENTS) for _ in range(DEAD_CALLS)))
    stage.system.kill("ari_app", signal.SIGKILL)
    await asyncio.gather(*(to_the_end(talked) for talked in talks))
    return [_error_ms(talked, DEAD_TALK_SECONDS) for talked in talks]


def _error_ms(talked: Talk, granted_seconds: int) -> int:
    caller = whole_span(carried_spans(talked.caller.heard, talked.expert.spoken))
    expert = whole_span(carried_spans(talked.expert.heard, talked.caller.spoken))
    return cut_error_ms(caller, expert, granted_seconds)
