"""Collects what is known of each call and wallet once all is over, for the verdicts."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from billing.calls import books
from billing.reconciliation.asterisk.service import Scope, reconcile
from billing.reconciliation.asterisk.values import Difference
from primeline.phones import PhoneCall
from primeline.sound import carried_spans, whole_span
from tests.calls import evidence
from tests.calls.stage import CALLER_TONE, EXPERT_TONE, Stage
from tests.faults import database
from tests.faults.traffic import Made
from tests.faults.verdicts import CallFacts, WalletFacts

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


async def calls(
    stage: Stage, made: Iterable[Made], frozen: Sequence[tuple[int, int]]
) -> list[CallFacts]:
    """Everything that is known of every call."""
    by_number: dict[str, list[Made]] = defaultdict(list)
    for one in made:
        by_number[one.number].append(one)
    recorded = database.recorded_ms(stage.system.instance.cel_file)
    facts = []
    for row in await database.rows(stage, database.FACTS):
        phone = phone_of(row, by_number[row.caller_number or ""])
        facts.append(
            CallFacts(
                call_id=str(row.id),
                settled=row.settled,
                billed_ms=row.billed_ms,
                billed_seconds=row.billed_seconds,
                granted_seconds=row.granted_seconds,
                charged=row.charged,
                posted=row.posted,
                open_holds=row.open_holds,
                recorded_ms=recorded.get(str(row.id)),
                heard_ms=None if phone is None else heard_ms(phone),
                frozen_ms=_overlap_ms(row, frozen),
            )
        )
    return facts


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
