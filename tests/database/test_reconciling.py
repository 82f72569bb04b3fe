"""Our rows and Asterisk's record, doctored in every way we could think of: each is found."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from billing.calls import service as calls
from billing.calls.models import CelTrim
from billing.calls.values import CelRow, EndReason, Interval
from billing.kit.clock import to_ms
from billing.kit.ids import new_call_id
from billing.reconciliation.asterisk import service
from billing.reconciliation.asterisk.service import Scope, reconcile
from billing.reconciliation.asterisk.values import Cause, Report
from primeline.cli import app
from tests.database.world import NOW, World

START = to_ms(NOW)
DAY = Scope(NOW - timedelta(hours=1), NOW + timedelta(days=1))
LATER = NOW + timedelta(hours=1)


def lines_of(call_id: UUID, start_ms: int, end_ms: int) -> list[CelRow]:
    """What Asterisk writes of a call with one talk."""
    caller, expert, bridge = f"{call_id}-caller", f"{call_id}-expert-1", f"{call_id}-paid-1"

    def line(event: str, channel: str, ms: int, bridge_id: str | None = None) -> CelRow:
        extra = {"bridge_id": bridge_id} if bridge_id else {}
        return CelRow(event, ms * 1_000 + 400, channel, caller, extra)

    return [
        line("CHAN_START", caller, start_ms - 9_000),
        line("CHAN_START", expert, start_ms - 4_000),
        line("BRIDGE_ENTER", expert, start_ms - 2, bridge),
        line("BRIDGE_ENTER", caller, start_ms, bridge),
        line("BRIDGE_EXIT", expert, end_ms, bridge),
        line("BRIDGE_EXIT", caller, end_ms + 1, bridge),
        line("CHAN_END", expert, end_ms + 1_500),
        line("CHAN_END", caller, end_ms + 1_700),
    ]


async def talk(world: World, seconds: int, *, recorded: bool = True) -> UUID:
    """A paid call, with Asterisk's record of it."""
    call_id = await world.granted_call()
    async with world.sessions.begin() as s:
        await calls.dial_attempted(
            s,
            call_id,
            attempt=1,
            phone_id=world.phone_id,
            channel_id=f"{call_id}-expert-1",
            at=world.now,
        )
        await calls.talk_started(
            s, call_id, bridge=f"{call_id}-paid-1", paid=True, start_ms=START, at=world.now
        )
        if recorded:
            await calls.import_cel(s, lines_of(call_id, START, START + seconds * 1_000))
    await world.settle(call_id, seconds)
    return call_id


@pytest.fixture
async def three(world: World) -> list[UUID]:
    """Three calls of 30, 61 and 5 s that are right."""
    await world.top_up("10.00")
    return [await talk(world, seconds) for seconds in (30, 61, 5)]


async def compared(world: World, scope: Scope = DAY) -> Report:
    async with world.sessions.begin() as s:
        return await reconcile(s, scope, at=LATER)


async def doctor(world: World, statement: str, **values: Any) -> None:
    """Change what nobody may: as a superuser past all triggers would."""
    async with world.sessions.begin() as s:
        await s.execute(text("SET LOCAL session_replication_role = replica"))
        changed = await s.execute(text(statement), values)
        assert changed.rowcount > 0  # type: ignore[attr-defined]


def found(report: Report) -> list[tuple[UUID, str, Cause]]:
    return [(one.call_id, one.what, one.cause) for one in report.differences]


async def test_calls_that_are_right_are_exact(world: World, three: list[UUID]) -> None:
    await world.settle(await world.granted_call(), None, EndReason.EXPERT_NO_ANSWER)
    await world.granted_call()
    report = await compared(world)
    assert (report.compared, report.exact, report.within, report.open_calls) == (4, 3, 0, 1)
    # The unanswered call isn't in the record of this test at all.
    assert [(what, cause) for _, what, cause in found(report)] == [("call", Cause.RECORD_MISSING)]
    assert report.ours_ms == report.asterisks_ms == 96_000
    assert three


@pytest.mark.parametrize("by_ms", [21, -21, 1_000, -1_000])
@pytest.mark.parametrize("edge", ["start_ms", "end_ms"])
async def test_a_doctored_interval_is_found(
    world: World, three: list[UUID], edge: str, by_ms: int
) -> None:
    await doctor(
        world,
        "UPDATE paid_intervals SET start_ms = start_ms + :start, end_ms = end_ms + :end"
        " WHERE call_id = :call",
        start=by_ms if edge == "start_ms" else 0,
        end=by_ms if edge == "end_ms" else 0,
        call=three[1],
    )
    talks = [one for one in (await compared(world)).differences if one.what == "talk"]
    assert [(one.call_id, one.cause) for one in talks] == [(three[1], Cause.UNEXPLAINED)]
    sign = 1 if edge == "end_ms" else -1
    assert [(one.off_ms, one.ours, one.asterisks) for one in talks] == [
        (abs(by_ms), 61_000 + sign * by_ms, 61_000)
    ]


MUTATIONS: Sequence[tuple[str, str, Cause]] = (
    ("shifted", ("UPDATE cel_records SET at_us = at_us + 21000 WHERE event = 'BRIDGE_ENTER'"
     " AND channel_id = :caller"), Cause.UNEXPLAINED),
    ("ended sooner", ("UPDATE cel_records SET at_us = at_us - 21000 WHERE event = 'BRIDGE_EXIT'"
     " AND channel_id = :expert"), Cause.UNEXPLAINED),
    ("shifted whole", "UPDATE cel_records SET at_us = at_us + 1000000 WHERE bridge_id = :bridge",
     Cause.UNEXPLAINED),
    ("exits deleted", "DELETE FROM cel_records WHERE event = 'BRIDGE_EXIT' AND bridge_id = :bridge",
     Cause.UNEXPLAINED),
    ("an entry deleted", ("DELETE FROM cel_records WHERE event = 'BRIDGE_ENTER'"
     " AND channel_id = :caller"), Cause.RECORD_MISSING),
    ("a leg swapped for another's", ("UPDATE cel_records SET channel_id = 'else'"
     " WHERE bridge_id = :bridge AND channel_id = :expert"), Cause.RECORD_MISSING),
    ("all ends deleted", ("DELETE FROM cel_records WHERE linked_id = :caller"
     " AND event IN ('BRIDGE_EXIT', 'CHAN_END')"), Cause.RECORD_MISSING),
    ("deleted", "DELETE FROM cel_records WHERE linked_id = :caller", Cause.RECORD_MISSING),
    ("bridge renamed", ("UPDATE cel_records SET bridge_id = replace(bridge_id, 'paid', 'free')"
     " WHERE bridge_id = :bridge"), Cause.RECORD_MISSING),
    ("interval deleted", "DELETE FROM paid_intervals WHERE call_id = :call", Cause.NOT_BILLED),
    ("interval doubled", ("INSERT INTO paid_intervals SELECT call_id, 2, start_ms, end_ms"
     " FROM paid_intervals WHERE call_id = :call"), Cause.RECORD_MISSING),
)  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "cause"), [m[1:] for m in MUTATIONS], ids=[m[0] for m in MUTATIONS]
)
async def test_a_doctored_record_is_found(
    world: World, three: list[UUID], statement: str, cause: Cause
) -> None:
    call = three[1]
    values: dict[str, Any] = {
        "call": call,
        "caller": f"{call}-caller",
        "expert": f"{call}-expert-1",
        "bridge": f"{call}-paid-1",
    }
    await doctor(world, statement, **{k: v for k, v in values.items() if f":{k}" in statement})
    report = await compared(world)
    assert (call, "talk", cause) in found(report)
    assert {one.call_id for one in report.differences} == {call}
    assert report.exact == 2


@pytest.mark.parametrize("event", ["BRIDGE_ENTER", "BRIDGE_EXIT", "CHAN_END", "CHAN_START"])
async def test_lines_that_are_there_twice_or_in_swapped_legs_change_nothing(
    world: World, three: list[UUID], event: str
) -> None:
    await doctor(
        world,
        "INSERT INTO cel_records (event, at_us, channel_id, linked_id, bridge_id, extra)"
        " SELECT event, at_us + 1, channel_id, linked_id, bridge_id, extra FROM cel_records"
        " WHERE event = :event",
        event=event,
    )
    call = three[1]
    await doctor(
        world,
        "UPDATE cel_records SET channel_id = CASE WHEN channel_id = :caller THEN :expert"
        " ELSE :caller END WHERE bridge_id = :bridge",
        caller=f"{call}-caller",
        expert=f"{call}-expert-1",
        bridge=f"{call}-paid-1",
    )
    report = await compared(world)
    assert (report.exact, report.differences) == (3, [])


@pytest.mark.parametrize(
    "statement",
    [
        (
            "UPDATE settlements SET charge = charge + 100, platform = platform + 100"
            " WHERE call_id = :call"
        ),
        "UPDATE transfers SET amount = amount - 100 WHERE call_id = :call AND kind = 'post'",
        "UPDATE settlements SET billed_seconds = billed_seconds - 1 WHERE call_id = :call",
        (
            "UPDATE charging_sessions SET tariff = jsonb_set(tariff, '{price_per_minute}', '12100')"
            " WHERE session_id = :call"
        ),
        "UPDATE charging_sessions SET tariff = tariff - 'currency' WHERE session_id = :call",
    ],
)
async def test_a_doctored_charge_is_found(world: World, three: list[UUID], statement: str) -> None:
    await doctor(world, statement, call=three[1])
    report = await compared(world)
    assert report.wrong > 0
    assert {(call, what, cause) for call, what, cause in found(report)} == {
        (three[1], "charge", Cause.CHARGE)
    }


async def test_paid_talk_of_a_call_that_we_do_not_know_is_found(world: World) -> None:
    unknown = new_call_id()
    async with world.sessions.begin() as s:
        await calls.import_cel(s, lines_of(unknown, START, START + 5_000))
    report = await compared(world)
    assert found(report) == [(unknown, "call", Cause.CALL_UNKNOWN)]
    assert report.strangers == 1


async def test_callers_who_were_refused_before_we_wrote_them_are_counted_and_not_wrong(
    world: World,
) -> None:
    async with world.sessions.begin() as s:
        await calls.import_cel(
            s, [CelRow("CHAN_START", START * 1_000, "1795383328.13", "1795383328.13", {})]
        )
    report = await compared(world)
    assert (report.strangers, report.wrong) == (1, 0)


async def test_a_talk_in_which_asterisk_died_is_paid_to_the_last_heartbeat(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions.begin() as s:
        await calls.dial_attempted(
            s,
            call_id,
            attempt=1,
            phone_id=world.phone_id,
            channel_id=f"{call_id}-expert-1",
            at=NOW,
        )
        await calls.talk_started(
            s, call_id, bridge=f"{call_id}-paid-1", paid=True, start_ms=START, at=NOW
        )
        await calls.import_cel(s, lines_of(call_id, START, START + 60_000)[:4])
        await calls.heartbeat(s, [call_id], NOW + timedelta(seconds=42))
        proved = await calls.proved_time(s, call_id)
        await calls.settle(
            s,
            call_id,
            intervals=proved.intervals,
            reason=EndReason.SERVICE_DOWN,
            no_payer=None,
            at=NOW + timedelta(seconds=60),
        )
    report = await compared(world)
    assert found(report) == [(call_id, "talk", Cause.ASTERISK_DIED)]
    assert (report.wrong, report.differences[0].ours, report.differences[0].asterisks) == (
        0,
        42_000,
        None,
    )
    await doctor(world, "UPDATE paid_intervals SET end_ms = end_ms + 21")
    assert (await compared(world)).wrong > 0


async def test_what_is_older_than_the_record_that_is_kept_is_named_and_not_missing(
    world: World,
) -> None:
    await world.top_up("10.00")
    call_id = await talk(world, 30, recorded=False)
    async with world.sessions.begin() as s:
        s.add(CelTrim(id=1, kept_from_us=(START + 1) * 1_000))
    report = await compared(world)
    assert (found(report), report.wrong) == ([(call_id, "talk", Cause.RECORD_EXPIRED)], 0)


async def test_a_record_that_was_trimmed_in_the_midst_of_a_call_proves_nothing_about_it(
    world: World,
) -> None:
    await world.top_up("10.00")
    call_id = await talk(world, 30)
    await doctor(world, "DELETE FROM cel_records WHERE event = 'BRIDGE_ENTER'")
    assert (await compared(world)).wrong == 1
    async with world.sessions.begin() as s:
        s.add(CelTrim(id=1, kept_from_us=(START + 1) * 1_000))
    report = await compared(world)
    assert (found(report), report.wrong) == ([(call_id, "talk", Cause.RECORD_EXPIRED)], 0)
    await doctor(world, "UPDATE cel_trims SET kept_from_us = :us", us=(START - 60_000) * 1_000)
    assert (await compared(world)).wrong == 1


async def test_any_number_of_calls_is_compared_in_small_pages(
    world: World, three: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PAGE", 2)
    told: list[tuple[int, int]] = []
    async with world.sessions.begin() as s:
        report = await reconcile(
            s, DAY, at=LATER, progress=lambda done, of: told.append((done, of))
        )
    assert (report.exact, told, len(three)) == (3, [(2, 3), (3, 3)], 3)


async def run(url: str, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", url)
    return await asyncio.to_thread(CliRunner().invoke, app, ["reconcile", *words])


async def test_the_command_fails_only_if_something_is_unexplained(
    world: World, three: list[UUID], fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = ("--from", "2026-11-20", "--to", "2026-11-23")
    done = await run(fresh_database, monkeypatch, *days)
    assert (done.exit_code, "all explained" in done.stdout) == (0, True), done.output
    await doctor(
        world,
        "UPDATE paid_intervals SET end_ms = end_ms + 21 WHERE call_id = :call",
        call=three[2],
    )
    done = await run(fresh_database, monkeypatch, *days, "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["unexplained"], told["compared"]) == (1, 1, 3)
    (line,) = told["listed"]
    assert (line["call"], line["difference"], line["cause"]) == (
        str(three[2]),
        21,
        "unexplained",
    )
    for one, status in ((three[0], 0), (three[2], 1)):
        assert (await run(fresh_database, monkeypatch, "--call", str(one))).exit_code == status
    strange = await run(fresh_database, monkeypatch, "--call", str(new_call_id()))
    assert strange.exit_code == 1
    both = await run(fresh_database, monkeypatch, "--day", "2026-11-22", "--from", "2026-11-22")
    assert both.exit_code == 2


async def test_a_paid_interval_is_billed_once_even_if_settled_twice(
    world: World, three: list[UUID]
) -> None:
    async with world.sessions.begin() as s:
        await calls.settle(
            s,
            three[0],
            intervals=[Interval(START, START + 99_000)],
            reason=EndReason.CALLER_HUNG_UP,
            no_payer=None,
            at=NOW,
        )
    assert (await compared(world)).exact == 3


async def test_what_was_found_by_hand_is_kept_if_asked_and_shown(
    world: World, three: list[UUID], fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await doctor(
        world,
        "UPDATE paid_intervals SET end_ms = end_ms + 21 WHERE call_id = :call",
        call=three[2],
    )
    days = ("--from", "2026-11-20", "--to", "2026-11-23")

    async def shown(*words: str) -> Any:
        runner = CliRunner()
        done = await asyncio.to_thread(runner.invoke, app, ["reconciliations", *words, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    assert (await run(fresh_database, monkeypatch, *days)).exit_code == 1
    assert await shown() == []
    assert (await run(fresh_database, monkeypatch, *days, "--keep")).exit_code == 1
    (kept,) = await shown("--wrong")
    assert (kept["calls"], kept["unexplained"]) == (3, 1)
    told = await shown(kept["reconciliation"])
    assert [(one["call"], one["difference"]) for one in told["listed"]] == [(str(three[2]), 21)]
    plain = ["reconciliations", kept["reconciliation"]]
    assert (await asyncio.to_thread(CliRunner().invoke, app, plain)).exit_code == 0
