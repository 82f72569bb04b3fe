"""W1: paid calls through a real Asterisk at a rising rate, beside bare `Answer` and `Dial`."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import text

from bench import sipp
from bench.bare import bare
from bench.ground import EXPERTS_HOST, EXPERTS_PORT, Ground, Wanted, ground
from bench.loads import ACCEPT_MS, PAIRS, SIPP, PaidLoad, bare_load
from bench.machine import cores
from bench.rising import Load, Loaded, rise
from bench.rules import first_rate, percentile, top_rate
from bench.values import Check, Line, Plot, Result, Room, Table, shown_ms
from bench.works import transports
from bench.works.settling import SettleProbe

STEP_SECONDS: Final = 20
"""A paid call lasts ten seconds: only after them are as many ended in a second as are begun."""

BARE_STEP_SECONDS: Final = 8
QUICK_SECONDS: Final = 8
WARM_UP_RATE: Final = 6
WARM_UP_CALLS: Final = 24
BARE_WARM_UP_RATE: Final = 60
BARE_WARM_UP_CALLS: Final = 180
"""At few calls a second Asterisk's own housekeeping would make a bare call look dear."""

QUICK_PAIRS: Final = 300
RATIO_GOAL: Final = 35
RATE_GOAL: Final = 75
"""Five times what A2Billing bore on such a machine."""

ADDED_GOAL_US: Final = 30_000

METHOD: Final = (
    "A paid call: INVITE from a trusted trunk with the number of a prepaid account, answered;"
    " welcome, credit, the expert's name, price and minutes are said (0.3 s each); four seconds"
    " after the answer the caller presses 1 (RFC 4733); the money is held; the expert's phone,"
    " dialled by another trunk, rings, answers, presses 1 within the offer; tone; some 3.5 s of"
    " metered talk; the caller hangs up; settled; the expert hears what he earned. A bare call:"
    " Answer, Dial, 3.5 s, hang-up, no record. Good: all of SIP as it should be, and settled with a"
    " charge. In either kind each side sends a packet of sound every half second. Transports: the"
    " same paid calls on two fresh systems, one of them idle in turn, which send their requests to"
    " Asterisk over HTTP or over the events' websocket."
)


async def run(room: Room) -> list[Result]:
    """Load ours, then the bare one, then both at half of our top rate."""
    seconds = QUICK_SECONDS if room.quick else STEP_SECONDS
    answering = partial(sipp.answering, host=EXPERTS_HOST, port=EXPERTS_PORT, pause_ms=ACCEPT_MS)
    probe = SettleProbe()
    async with (
        answering("expert", tree=room.sipp_tree, folder=room.folder / "experts") as pid,
        ground(room, Wanted(QUICK_PAIRS if room.quick else PAIRS)) as ground_,
    ):
        paid = PaidLoad(room, ground_, pid)
        warmed = await paid(WARM_UP_RATE, WARM_UP_CALLS)
        steps = [] if room.quick else await _steps(paid, warmed, seconds)
        rate = max(1, top_rate([one.step for one in steps]) // 2) if steps else _first(warmed)
        async with probe.watching(ground_.system.database_url):
            half = await paid(rate, rate * seconds)
        findings = await ground_.findings()
        money = await _money(ground_)
    async with (
        answering("bare-expert", tree=room.sipp_tree, folder=room.folder / "experts") as pid,
        bare(room.folder / "bare", room.tree) as process,
    ):
        load = bare_load(room, process.instance.ports.sip, {"asterisk": process.pid, SIPP: pid})
        warmed = await load(BARE_WARM_UP_RATE, BARE_WARM_UP_CALLS)
        bare_steps = [] if room.quick else await _steps(load, warmed, BARE_STEP_SECONDS)
        bare_half = await load(rate, rate * BARE_STEP_SECONDS)
    rounds = [] if room.quick else await transports.rounds(room)
    return [
        _result(
            steps or [half], half, bare_steps or [bare_half], bare_half, findings, money, rounds
        ),
        probe.result(paid.byes, rate),
    ]


async def _steps(load: Load, warmed: Loaded, seconds: int) -> list[Loaded]:
    """Load at a rising rate."""
    return await rise(load, first=_first(warmed), seconds=seconds)


def _first(warmed: Loaded) -> int:
    """Give the first rate, by what a call took before; a quick run tries no other."""
    return first_rate(warmed.cpu_us_per_call(), cores())


@dataclass(frozen=True, slots=True)
class Money:
    """Calls ended, settlements in all, settlements with a charge."""

    ended: int
    settlements: int
    charged: int


async def _money(ground_: Ground) -> Money:
    query = """
        SELECT (SELECT count(*) FROM calls WHERE ended_at IS NOT NULL), count(*),
            count(*) FILTER (WHERE charge > 0) FROM settlements
    """
    async with ground_.sessions() as s:
        ended, settlements, charged = (await s.execute(text(query))).one()
        return Money(ended, settlements, charged)


def _rates_judged(steps: list[Loaded], top: int, ratio: int) -> tuple[Check, ...]:
    """Judge the top rate; one step alone, as in a quick run, has none."""
    if len(steps) == 1:
        return ()
    return (
        Check("top rate beside bare", f"≥ {RATIO_GOAL} %", f"{ratio} %", ratio >= RATIO_GOAL),
        Check("top rate", f"≥ {RATE_GOAL}/s", f"{top}/s", top >= RATE_GOAL),
    )


def _result(
    steps: list[Loaded],
    half: Loaded,
    bare_steps: list[Loaded],
    bare_half: Loaded,
    findings: list[str],
    money: Money,
    rounds: list[transports.Round],
) -> Result:
    top, bare_top = (top_rate([one.step for one in some]) for some in (steps, bare_steps))
    ratio = 100 * top // max(1, bare_top)
    ours = half.cpu_us_per_call("ari_app")
    asterisk = half.cpu_us_per_call("asterisk")
    added = (percentile(half.answer_us, 500) or 0) - (percentile(bare_half.answer_us, 500) or 0)
    right = not findings and money.ended == money.settlements
    return Result(
        "W1",
        "Paid calls at a rising rate",
        METHOD,
        (
            Check(
                "the books after all of it, one settlement for each call",
                "nothing wrong",
                "; ".join(findings[:3])
                or f"{money.ended} calls, {money.settlements} settlements, {money.charged} charged",
                right,
                must=True,
            ),
            *_rates_judged(steps, top, ratio),
            Check(
                "the application's CPU a call",
                f"below Asterisk's {shown_ms(asterisk)}",
                shown_ms(ours),
                ours < asterisk,
            ),
            Check(
                "added to the answer at half load, median",
                "≤ 30 ms",
                shown_ms(added),
                added <= ADDED_GOAL_US,
            ),
        ),
        (
            Table(
                "Rates",
                ("", "calls/s", "calls", "good", "retransmissions", "answered p50", "p99", "borne"),
                (*_rows("paid", steps), *_rows("bare", bare_steps)),
            ),
            Table(
                f"CPU a call at {half.step.rate} calls/s",
                ("", *sorted(half.cpu_ms), "all"),
                (_cpu_row("paid", half, half), _cpu_row("bare", bare_half, half)),
            ),
            *((transports.table(rounds),) if rounds else ()),
        ),
        {
            "top_rate": top,
            "bare_top_rate": bare_top,
            "ratio_percent": ratio,
            "added_answer_us_p50": added,
            "half_load": _figures(half),
            "bare_half_load": _figures(bare_half),
            "steps": [_figures(one) for one in steps],
            "bare_steps": [_figures(one) for one in bare_steps],
            "transports": [{"transport": one.transport, **_figures(one.loaded)} for one in rounds],
        },
        (
            Plot(
                "w1-good-calls",
                "Good calls at a rising rate",
                "calls a second, wanted",
                "good calls a second",
                tuple(
                    Line(
                        name,
                        [
                            (one.step.rate, one.step.rate * one.step.good // max(1, one.step.calls))
                            for one in sorted(some, key=lambda one: one.step.rate)
                        ],
                    )
                    for name, some in (("paid", steps), ("bare", bare_steps))
                ),
            ),
        ),
    )


def _rows(name: str, some: list[Loaded]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            name,
            str(one.step.rate),
            str(one.step.calls),
            str(one.step.good),
            str(one.step.retransmissions),
            shown_ms(percentile(one.answer_us, 500)),
            shown_ms(percentile(one.answer_us, 990)),
            "yes" if one.step.kept else "no",
        )
        for one in some
    )


def _cpu_row(name: str, one: Loaded, like: Loaded) -> tuple[str, ...]:
    shown = (
        shown_ms(one.cpu_us_per_call(process)) if process in one.cpu_ms else "-"
        for process in sorted(like.cpu_ms)
    )
    return (name, *shown, shown_ms(one.cpu_us_per_call()))


def _figures(one: Loaded) -> dict[str, Any]:
    return {
        "rate": one.step.rate,
        "calls": one.step.calls,
        "good": one.step.good,
        "retransmissions": one.step.retransmissions,
        "started_per_mille": one.step.started_per_mille,
        "borne": one.step.kept,
        "answer_us_p50": percentile(one.answer_us, 500),
        "answer_us_p99": percentile(one.answer_us, 990),
        "cpu_us_per_call": {name: one.cpu_us_per_call(name) for name in sorted(one.cpu_ms)},
    }
