"""W9: switches between free and paid talk, and top-ups, among the many metered calls of W8."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from bench import sipp
from bench.ground import CALLERS_HOST, Ground
from bench.values import Check, Result, Room, Table
from billing.accounts import service as accounts
from billing.calls import orders
from billing.calls.orders import OrderKind
from billing.money.values import Money
from billing.reconciliation.asterisk.service import Scope, reconcile
from billing.reconciliation.asterisk.values import EXPLAINED, Cause, Report
from primeline.asterisk_conf import LOOPBACK

CALLS: Final = 40
QUICK_CALLS: Final = 10
RATE: Final = 4
SECONDS: Final = 95
QUICK_SECONDS: Final = 30
"""For all of it."""

ROUNDS: Final = 5
QUICK_ROUNDS: Final = 1

SWITCH_SECONDS: Final = 15
"""For one switch: the price is said, and the caller says yes every two seconds."""

TALK_SECONDS: Final = 10
JOINED_SECONDS: Final = 1
"""A state is written before both legs are joined; only then can the talk be switched."""

RECORD_SECONDS: Final = 15
"""Asterisk's record comes to the database a little later."""

TOP_UP: Final = Money.of_minor(1_000, "EUR")
PAID, FREE = "talking paid", "talking free"

METHOD: Final = (
    f"{CALLS} more calls (in a quick run {QUICK_CALLS}) while those of W8 talk: an order switches"
    " each back to free, another asks for payment, the caller hears the price and accepts it by"
    " key; in each paid stretch his account is topped up. Then every paid interval of all calls is"
    " compared with the time that Asterisk's own record has both legs in a paid bridge"
    " (`primeline reconcile`). What these callers send is a key every two seconds: a paid stretch"
    " that gets none of them is a talk with a silent side, and charged nothing."
)


@dataclass(frozen=True, slots=True)
class Switched:
    """What was done. `missed`: switches that were not seen to happen in time."""

    to_free: int
    to_paid: int
    top_ups: int
    missed: int
    calls: int
    good: int


async def switched(room: Room, ground_: Ground) -> Switched:
    """Begin the calls, switch each there and back again and again, and wait for their ends."""
    rounds = QUICK_ROUNDS if room.quick else ROUNDS
    scenario = "willing-caller-quick" if room.quick else "willing-caller"
    calls = QUICK_CALLS if room.quick else CALLS
    pairs = ground_.pairs[-calls:]
    load = asyncio.create_task(
        sipp.calling(
            scenario,
            pairs,
            server=(LOOPBACK, ground_.system.ports.sip),
            host=CALLERS_HOST,
            rate=RATE,
            calls=calls,
            pause_ms=TALK_SECONDS * 1_000,
            tree=room.sipp_tree,
            folder=room.folder / "switchers",
            more_seconds=sipp.PRESSES[scenario] * sipp.PRESS_MS // 1_000,
        )
    )
    try:
        done = await asyncio.gather(
            *(_one(ground_, pair.caller, number, rounds) for number, pair in enumerate(pairs))
        )
        ran = await load
    finally:
        load.cancel()
    return Switched(
        to_free=sum(one[0] for one in done),
        to_paid=sum(one[1] for one in done),
        top_ups=sum(one[2] for one in done),
        missed=sum(one[3] for one in done),
        calls=calls,
        good=ran.successful,
    )


async def _one(ground_: Ground, caller: str, number: int, rounds: int) -> tuple[int, int, int, int]:
    to_free = to_paid = top_ups = missed = 0
    call_id = await _found(ground_, caller)
    if call_id is None:
        return 0, 0, 0, 2 * rounds
    for turn in range(rounds):
        freed = await _switch(ground_, call_id, OrderKind.BACK_TO_FREE, FREE)
        paid = freed and await _switch(ground_, call_id, OrderKind.PROPOSE_PAID, PAID)
        to_free, to_paid = to_free + freed, to_paid + paid
        missed += (not freed) + (not paid)
        if paid:
            await _top_up(ground_, caller, f"bench-{number}-{turn}")
            top_ups += 1
    return to_free, to_paid, top_ups, missed


async def _found(ground_: Ground, caller: str) -> UUID | None:
    """Wait for the caller's paid talk; None: there is none."""
    query = text(
        "SELECT id FROM calls WHERE caller_number = :caller AND ended_at IS NULL AND state = :state"
    )
    end = time.monotonic() + CALLS / RATE + SWITCH_SECONDS
    while time.monotonic() < end:
        async with ground_.sessions() as s:
            found: UUID | None = await s.scalar(query, {"caller": caller, "state": PAID})
        if found is not None:
            return found
        await asyncio.sleep(0.5)
    return None


async def _switch(ground_: Ground, call_id: UUID, kind: OrderKind, wanted: str) -> bool:
    """Order it and wait until the call is in the state wanted."""
    await asyncio.sleep(JOINED_SECONDS)
    async with ground_.sessions.begin() as s:
        await orders.ask(s, call_id, asked_by="bench", at=datetime.now(UTC), kind=kind)
    query = text("SELECT state FROM calls WHERE id = :call AND ended_at IS NULL")
    end = time.monotonic() + SWITCH_SECONDS
    while time.monotonic() < end:
        await asyncio.sleep(0.3)
        async with ground_.sessions() as s:
            state = await s.scalar(query, {"call": call_id})
        if state in {wanted, None}:
            return bool(state == wanted)
    return False


async def _top_up(ground_: Ground, caller: str, key: str) -> None:
    query = text("SELECT account_id FROM caller_numbers WHERE e164 = :caller")
    async with ground_.sessions.begin() as s:
        account: UUID | None = await s.scalar(query, {"caller": caller})
        assert account is not None  # the ground made it
        await accounts.top_up(s, account, TOP_UP, idempotency_key=key, at=datetime.now(UTC))


async def compared(ground_: Ground) -> Report:
    """Compare all paid time so far with Asterisk's record."""
    end = time.monotonic() + RECORD_SECONDS
    while True:
        now = datetime.now(UTC)
        async with ground_.sessions() as s:
            report = await reconcile(s, Scope(now - timedelta(days=1), now), at=now)
        if Cause.RECORD_LATE not in report.causes or time.monotonic() > end:
            return report
        await asyncio.sleep(1)


def judged(done: Switched, report: Report, findings: list[str]) -> Result:
    """Give the result: a paid millisecond outside a paid bridge is wrong, and so are the books."""
    wrong = {cause: count for cause, count in report.causes.items() if cause not in EXPLAINED}
    shown = ", ".join(f"{cause} {count}" for cause, count in sorted(wrong.items())) or "none"
    return Result(
        "W9",
        "Switches and top-ups among them",
        METHOD,
        (
            Check(
                f"paid time outside a paid bridge, over 20 ms, in {report.compared} calls",
                "none",
                shown,
                not wrong and report.compared > 0 and done.to_paid > 0,
                must=True,
            ),
            Check(
                f"books after {done.top_ups} top-ups in mid-call",
                "nothing wrong",
                "; ".join(findings[:3]) or "nothing wrong",
                not findings and done.top_ups > 0,
                must=True,
            ),
            Check("switches not seen in time", "none", str(done.missed), done.missed == 0),
        ),
        (
            Table(
                "Done",
                (
                    "to free",
                    "to paid",
                    "top-ups",
                    "calls good",
                    "paid by us",
                    "by the record",
                    "calls with a silent stretch",
                ),
                (
                    (
                        str(done.to_free),
                        str(done.to_paid),
                        str(done.top_ups),
                        f"{done.good} of {done.calls}",
                        f"{report.ours_ms} ms",
                        f"{report.asterisks_ms} ms",
                        str(report.causes.get(Cause.NO_SOUND, 0)),
                    ),
                ),
            ),
        ),
        {
            "to_free": done.to_free,
            "to_paid": done.to_paid,
            "top_ups": done.top_ups,
            "missed": done.missed,
            "compared": report.compared,
            "ours_ms": report.ours_ms,
            "asterisks_ms": report.asterisks_ms,
            "causes": {str(cause): count for cause, count in report.causes.items()},
        },
    )
