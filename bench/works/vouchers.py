"""W6: one voucher keyed by six real callers in the same moment, many times."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text

from bench.values import Check, Result, Room, Table
from billing.accounts import vouchers
from primeline.phones import PhoneCall
from tests.calls.stage import LIMITS, PIN, CallerOnStage, Stage, euro, whole_system

ROUNDS: Final = 100
QUICK_ROUNDS: Final = 4
CALLERS: Final = 6
AT_ONCE: Final = 5
"""Rounds beside each other."""

CENTS: Final = 1_000
PATIENT: Final = replace(LIMITS, line_key_ms=20_000, line_step_ms=60_000, line_sessions=64)

METHOD: Final = (
    "Six callers in six calls key the same voucher; all wait for each other before the last digit."
    " MagnusBilling, in the same trial without a telephone, credited two to six of them in ten"
    " rounds of ten."
)


async def run(room: Room) -> list[Result]:
    """Play all rounds."""
    rounds = QUICK_ROUNDS if room.quick else ROUNDS
    free = asyncio.Semaphore(AT_ONCE)
    async with whole_system(room.folder / "vouchers", room.tree, limits=PATIENT) as stage:
        number = await stage.line_number("account-line")

        async def one() -> tuple[int, int]:
            async with free:
                return await _round(stage, number)

        return [counted(await asyncio.gather(*(one() for _ in range(rounds))))]


def counted(rounds: list[tuple[int, int]]) -> Result:
    """Give the result: for each round how many callers were credited, and how many heard so."""
    exact = sum(credited == 1 and heard == 1 for credited, heard in rounds)
    return Result(
        "W6",
        "One voucher, six callers at once",
        METHOD,
        (
            Check(
                f"{len(rounds)} rounds",
                "one of six credited in each, and told so",
                f"right in {exact}",
                exact == len(rounds),
                must=True,
            ),
        ),
        (
            Table(
                "Rounds",
                ("credited to", "rounds"),
                tuple(
                    (str(count), str(sum(credited == count for credited, _ in rounds)))
                    for count in range(CALLERS + 1)
                ),
            ),
        ),
        {"rounds": len(rounds), "exact": exact},
    )


async def _round(stage: Stage, number: str) -> tuple[int, int]:
    async with stage.sessions.begin() as s:
        batch = await vouchers.add_batch(
            s, count=1, amount=euro(CENTS), key=stage.system.secret_key, at=datetime.now(UTC)
        )
    (code,) = batch.codes
    callers = [await stage.caller(0) for _ in range(CALLERS)]
    barrier = asyncio.Barrier(CALLERS)
    heard = await asyncio.gather(
        *(_redeem(stage, caller, number, code, barrier) for caller in callers)
    )
    return await _credited(stage, callers), sum(heard)


async def _redeem(
    stage: Stage, caller: CallerOnStage, number: str, code: str, barrier: asyncio.Barrier
) -> bool:
    """Key it; gives whether the caller was told that it is his."""
    call = await stage.dial(caller, number)
    await stage.hears(call, "enter-pin", seconds=20)
    await call.press(f"{PIN}#", hold_ms=60, gap_ms=60)
    await stage.hears(call, "account-menu", seconds=30)
    await call.press("2")
    await stage.hears(call, "enter-voucher", seconds=20)
    await call.press(code[:-1], hold_ms=60, gap_ms=60)
    await barrier.wait()
    await call.press(code[-1], hold_ms=60)
    told = await _told(stage, call)
    await call.hang_up()
    return told


async def _told(stage: Stage, call: PhoneCall) -> bool:
    said = [
        asyncio.create_task(stage.hears(call, phrase, seconds=20))
        for phrase in ("voucher-credited", "voucher-used")
    ]
    done, rest = await asyncio.wait(said, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.wait(said)
    return said[0] in done and said[0].exception() is None


async def _credited(stage: Stage, callers: list[CallerOnStage]) -> int:
    query = text("SELECT count(*) FROM wallets WHERE account_id = ANY(:ids) AND posted <> 0")
    async with stage.sessions() as s:
        ids = [caller.wallet_id for caller in callers]
        return int(await s.scalar(query, {"ids": ids}) or 0)
