"""W3: ten real calls at once on one credit, each to its cut; and a broken hold is caught."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import text

from bench.talks import PATIENT, talk, to_the_end
from bench.values import Check, Result, Room, Table
from billing.calls import books
from primeline.parts import PARTS
from tests.calls.stage import PIN, CallerOnStage, ExpertOnStage, Stage, whole_system

CALLS: Final = 10
CREDIT_CENTS: Final = 100
INCREMENT_UNITS: Final = 200
"""What one more second costs, in ledger units, at the stage's 1.20 a minute."""

SETTLE_SECONDS: Final = 15
"""The broken hold leaves calls behind that nothing settles, so this is waited for in full."""

BROKEN: Final = {**PARTS, "ari_app": ("-m", "bench.broken_app")}

METHOD: Final = (
    "Ten calls of one account, by its PIN, at the same time on 1.00 at 1.20 a minute, grants of six"
    " seconds; real phones with sound, each call goes on until it is cut or was refused. Beside it,"
    " on a system of its own, the same with a call application whose hold reads the wallet and"
    " writes it 20 ms later. Of the peers, A2Billing ended at -2.80 and MagnusBilling at -9.00"
    " after ten calls at once on 1.00."
)


@dataclass(frozen=True, slots=True)
class Came:
    """What came of ten calls: the wallet in ledger units, calls with a charge, wrong books."""

    posted: int
    pending: int
    charged: int
    findings: int

    @property
    def exact(self) -> bool:
        """Whether nothing was spent twice and less than an increment is left."""
        return (
            0 <= self.posted < INCREMENT_UNITS
            and self.pending == 0
            and self.charged > 1
            and self.findings == 0
        )


async def run(room: Room) -> list[Result]:
    """Play it with our hold and with the broken one, each on a system of its own."""
    ours, broken = await asyncio.gather(
        _played(room.folder / "parallel", room.tree, PARTS),
        _played(room.folder / "broken", room.tree, BROKEN),
    )
    return [compared(ours, broken)]


def compared(ours: Came, broken: Came) -> Result:
    """Give the result of both."""
    return Result(
        "W3",
        "Ten calls at once on 1.00",
        METHOD,
        (
            Check(
                "credit left after ten calls on 1.00",
                "≥ 0 and < 0.02, books right",
                _shown(ours),
                ours.exact,
                must=True,
            ),
            Check(
                "a hold that reads, then writes",
                "must be caught",
                _shown(broken),
                not broken.exact,
                must=True,
            ),
        ),
        (
            Table(
                "In ledger units (1.00 is 10 000)",
                ("", "left", "held", "calls charged", "wrong in the books"),
                (_row("ours", ours), _row("broken", broken)),
            ),
        ),
        {
            name: {
                "posted": came.posted,
                "pending": came.pending,
                "charged": came.charged,
                "findings": came.findings,
            }
            for name, came in (("ours", ours), ("broken", broken))
        },
    )


def _shown(came: Came) -> str:
    return f"{came.posted} units, {came.charged} calls charged, {came.findings} wrong in the books"


def _row(name: str, came: Came) -> tuple[str, ...]:
    return (
        name,
        *(str(value) for value in (came.posted, came.pending, came.charged, came.findings)),
    )


async def _played(folder: Path, tree: Path, programs: Mapping[str, tuple[str, ...]]) -> Came:
    async with whole_system(folder, tree, limits=PATIENT, programs=programs) as stage:
        experts = [await stage.expert() for _ in range(CALLS)]
        numbers = [await stage.number(expert=expert) for expert in experts]
        # By his PIN: the row of a daily limit would put even a broken hold's calls in line.
        caller = await stage.caller(CREDIT_CENTS, alone=False)
        await asyncio.gather(
            *(
                _call(stage, caller, number, expert)
                for number, expert in zip(numbers, experts, strict=True)
            )
        )
        await _settled(stage)
        return await _came(stage, caller)


async def _call(stage: Stage, caller: CallerOnStage, number: str, expert: ExpertOnStage) -> None:
    """To its cut, unless it was refused."""
    talked = await talk(stage, caller, number, expert, pin=PIN)
    if talked is not None:
        await to_the_end(talked)


async def _settled(stage: Stage) -> None:
    for _ in range(5 * SETTLE_SECONDS):
        if not await _open(stage):
            return
        await asyncio.sleep(0.2)


async def _open(stage: Stage) -> int:
    async with stage.sessions() as s:
        return int(await s.scalar(text("SELECT count(*) FROM calls WHERE ended_at IS NULL")) or 0)


async def _came(stage: Stage, caller: CallerOnStage) -> Came:
    async with stage.sessions() as s:
        wallet = text("SELECT posted, pending FROM wallets WHERE account_id = :id")
        posted, pending = (await s.execute(wallet, {"id": caller.wallet_id})).one()
        charged = await s.scalar(text("SELECT count(*) FROM settlements WHERE charge > 0"))
    async with stage.sessions() as s:
        return Came(posted, pending, int(charged or 0), len(await books.check(s)))
