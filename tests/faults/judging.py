"""Collects what is known of each call and wallet once all is over, for the verdicts."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from billing.calls import books
from billing.reconciliation.asterisk.service import Scope, reconcile
from billing.reconciliation.asterisk.values import Difference
from primeline.phones import PhoneCall, State
from primeline.sound import carried_spans, whole_span
from tests.calls import evidence
from tests.calls.stage import CALLER_TONE, EXPERT_TONE, Stage
from tests.faults import database
from tests.faults.plays import NOTED, Play
from tests.faults.traffic import Made
from tests.faults.verdicts import CallFacts, PremiumFacts, Segment, WalletFacts

QUIET_SECONDS: Final = 60
LONG_AFTER: Final = timedelta(hours=1)
SAME_CALL_MS: Final = 15_000
"""A call is written this soon after it was dialled, or never."""


def heard_ms(made: Made) -> int:
    """How long the phones heard each other: the lesser of those that are known."""
    spans = [_span_ms(made.phone, set(EXPERT_TONE.frames))]
    if made.expert is not None:
        spans.append(_span_ms(made.expert, set(CALLER_TONE.frames)))
    return min(spans)


def _span_ms(phone: PhoneCall, spoken: set[bytes]) -> int:
    spans = carried_spans(phone.heard, spoken)
    return whole_span(spans).duration_ms if spans else 0


def phone_of(row: Any, made: Sequence[Made]) -> Made | None:
    """The phone that made a call: from its number, at its time."""
    at_ms = row.received_at.timestamp() * 1_000
    near = [one for one in made if abs(one.at_ms - at_ms) <= SAME_CALL_MS]
    return min(near, key=lambda one: abs(one.at_ms - at_ms), default=None)


@dataclass
class Judged:
    """All calls, by who bills them, and what was played in which."""

    calls: list[CallFacts]
    premium: list[PremiumFacts]
    played: dict[str, set[Play]]


async def calls(stage: Stage, made: Iterable[Made], frozen: Sequence[tuple[int, int]]) -> Judged:
    """Everything that is known of every call."""
    by_number: dict[str, list[Made]] = defaultdict(list)
    for one in made:
        by_number[one.number].append(one)
    recorded = database.recorded_ms(stage.system.instance.cel_file)
    meters = database.recorded_meters_ms(stage.system.instance.cel_file)
    segments = await Segments.read(stage)
    judged = Judged([], [], {})
    for row in await database.rows(stage, database.FACTS):
        call_id = str(row.id)
        phone = phone_of(row, by_number[row.caller_number or ""])
        played = {NOTED[what] for what in row.noted if what in NOTED}
        if row.premium:
            carried = _premium(row, phone, meters.get(row.caller_channel), frozen)
            judged.premium.append(carried)
            played |= {Play.PREMIUM} if carried.metered_seconds else set()
        else:
            own = segments.of(row)
            judged.calls.append(_call(row, own, phone, recorded.get(call_id), frozen))
            played |= {Play.ACT for one in own if one.mode == "act"}
            played |= {Play.PAID_AGAIN for one in own[1:] if one.mode == "minute"}
        judged.played[call_id] = played
    return judged


def _call(
    row: Any,
    segments: tuple[Segment, ...],
    phone: Made | None,
    recorded_ms: int | None,
    frozen: Sequence[tuple[int, int]],
) -> CallFacts:
    return CallFacts(
        call_id=str(row.id),
        settled=row.settled,
        segments=segments,
        charged=row.charged,
        posted=row.posted,
        open_holds=row.open_holds,
        recorded_ms=recorded_ms,
        heard_ms=None if phone is None else heard_ms(phone),
        frozen_ms=_overlap_ms(row, frozen),
        interrupted=row.stretches > 1,
    )


def _premium(
    row: Any, phone: Made | None, recorded_ms: int | None, frozen: Sequence[tuple[int, int]]
) -> PremiumFacts:
    return PremiumFacts(
        call_id=str(row.id),
        settled=row.settled,
        metered_ms=(row.released_ms or 0) - (row.answered_ms or 0),
        metered_seconds=row.metered_seconds or 0,
        retail=row.retail or 0,
        outpayment=row.outpayment or 0,
        recorded_ms=recorded_ms,
        up_ms=None if phone is None else _up_ms(phone.phone),
        frozen_ms=_overlap_ms(row, frozen),
    )


def _up_ms(phone: PhoneCall) -> int | None:
    """From the answer to the end, as the phone saw it; None: it saw no end."""
    up_us, ended_us = phone.at_us(State.UP), phone.at_us(State.ENDED)
    if not ended_us:
        return None
    return (ended_us - up_us) // 1_000 if up_us else 0


@dataclass(frozen=True, slots=True)
class Segments:
    """Closed segments of all calls, and what was granted in each."""

    closed: dict[UUID, list[Any]]
    granted: dict[tuple[UUID, int], int]

    @classmethod
    async def read(cls, stage: Stage) -> Self:
        """Read them all."""
        closed: dict[UUID, list[Any]] = defaultdict(list)
        for row in await database.rows(stage, database.CLOSED):
            closed[row.session_id].append(row)
        granted = await database.rows(stage, database.GRANTED)
        return cls(closed, {(row.session_id, row.segment): row.seconds for row in granted})

    def of(self, row: Any) -> tuple[Segment, ...]:
        """Give those of a call that have paid time; the last is what is left of the whole."""
        found, first, last_closed = [], 0, -1
        left_seconds = row.billed_seconds
        for one in self.closed.get(row.id, ()):
            paid_ms = sum(row.paid_ms[first : one.last_interval])
            granted = self.granted.get((row.id, one.segment), 0)
            found.append(Segment(one.mode, paid_ms, one.billed_seconds, granted))
            first, last_closed = one.last_interval, one.segment
            left_seconds -= one.billed_seconds
        if row.paid_ms[first:]:
            granted = max(
                (
                    seconds
                    for (call_id, segment), seconds in self.granted.items()
                    if call_id == row.id and segment > last_closed
                ),
                default=0,
            )
            found.append(Segment(row.mode, sum(row.paid_ms[first:]), left_seconds, granted))
        return tuple(found)


def _overlap_ms(row: Any, frozen: Sequence[tuple[int, int]]) -> int:
    if row.start_ms is None or row.settled_ms is None:
        return 0
    overlaps = (min(row.settled_ms, end) - max(row.start_ms, began) for began, end in frozen)
    return sum(max(0, overlap) for overlap in overlaps)


async def wallets(stage: Stage, put_in: dict[UUID, int]) -> list[WalletFacts]:
    """Every wallet that somebody put money into, with what its calls charged."""
    charged: dict[UUID, int] = defaultdict(int)
    for row in await database.rows(stage, database.FACTS):
        if row.wallet_id is not None:
            charged[row.wallet_id] += row.charged
    return [
        WalletFacts(
            str(row.account_id), put_in[row.account_id], charged[row.account_id],
            row.posted, row.pending,
        )
        for row in await database.rows(stage, database.WALLETS)
    ]  # fmt: skip


async def findings(stage: Stage, since: datetime) -> list[str]:
    """What is not as it must be once all calls are over: waited for, then said."""
    end = time.monotonic() + QUIET_SECONDS
    while (left := await _left(stage)) and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    async with stage.sessions() as s:
        left += [finding.sentence for finding in await books.check(s)]
    return left + [_sentence(one) for one in await unexplained(stage, since)]


async def unexplained(stage: Stage, since: datetime) -> list[Difference]:
    """What `primeline reconcile` finds and has no cause for.

    Asterisk's record is read with some delay: that is waited for, and then no excuse any more.
    """
    end = time.monotonic() + QUIET_SECONDS
    while True:
        async with stage.sessions() as s:
            at = datetime.now(UTC)
            report = await reconcile(s, Scope(since, at), at=at + LONG_AFTER)
        wrong = [one for one in report.differences if not one.explained]
        if not wrong or time.monotonic() > end:
            return wrong
        await asyncio.sleep(1)


def _sentence(one: Difference) -> str:
    return f"call {one.call_id}, {one.what}: {one.cause}, {one.sentence}"


async def _left(stage: Stage) -> list[str]:
    ((opened,),) = await database.rows(stage, database.OPEN)
    ((jobs,),) = await database.rows(stage, database.JOBS)
    spooled = list((stage.system.config.directory / "spool").glob("*.json"))
    channels = await evidence.ari(stage, "channels")
    bridges = await evidence.ari(stage, "bridges")
    return [
        f"{count} {what} left"
        for count, what in (
            (opened, "calls are"),
            (jobs, "jobs are"),
            (len(spooled), "spooled ends are"),
            (len(channels), "channels are"),
            (len(bridges), "bridges are"),
        )
        if count
    ]
