"""Rounds of calls at their points, a blow at each, and the judgement over all of them."""

import asyncio
import random
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from dialplan.prompts.values import Phrase
from primeline.phones import Phone
from primeline.phones.errors import RegistrationRefused
from primeline.ports import lease_ports
from tests.calls.loose_socket import loose_socket
from tests.calls.parked import PARKING
from tests.calls.premium import TERMS, premium_number
from tests.calls.stage import PRICE, ExpertOnStage, Stage, euro, whole_system
from tests.faults import database, judging
from tests.faults.bank import Bank
from tests.faults.points import Point, Seen, Victim, Way, point_of
from tests.faults.report import Hit, Report
from tests.faults.strikes import Blow, Striker, random_blow
from tests.faults.targets import TIMED, Target
from tests.faults.traffic import HAPPENS, Made, Traffic
from tests.faults.verdicts import wrongs_of_call, wrongs_of_premium, wrongs_of_wallet

LIMITS: Final = replace(PARKING, grant_seconds=7, extend_at_seconds=3)
FIRST: Final = (Victim.APP, Victim.POSTGRES, Victim.ASTERISK)
"""Killed with a call at every point, in this order, before chance decides."""

PREPARED_SECONDS: Final = 40
THERE_SECONDS: Final = 20
HEALED_SECONDS: Final = 90
FULL_SECONDS: Final = 600
"""In a campaign of this length everything must have been played."""

MORE_ROUNDS: Final = 4
"""At most so many rounds more for points that were not hit."""

TRAFFIC_EXPERTS, TRAFFIC_CALLERS = 6, 4
TRAFFIC_CENTS: Final = (2_000, 2_000, 60)
"""Two accounts that talk for long, and one whose talks are cut."""

SOLD: Final = replace(PRICE, price_per_act=euro(4), act_minimum_seconds=1)
"""By the minute at everybody's price, and acts."""


class Campaign:
    """One run on one system."""

    def __init__(self, stage: Stage, striker: Striker, seed: int) -> None:
        self.stage = stage
        self.report = Report(seed)
        self._striker = striker
        self._choose = random.Random(f"{seed} rounds")
        self._bank = Bank(stage, seed)
        self._experts: list[ExpertOnStage] = []
        self._made: list[Made] = []
        self._struck: set[str] = set()
        self._since = datetime.now(UTC)
        self._traffic: Traffic

    async def run(self, *, seconds: int) -> Report:
        """Strike for so many seconds, and at every point at least; then judge."""
        began = time.monotonic()
        self.report.full = seconds >= FULL_SECONDS
        await self._open()
        for victim in FIRST:
            await self._round(Blow(victim, Way.KILL), [*Point])
        await self._round(Blow(Victim.WORKER, Way.KILL), [Point.RINGING, Point.AFTER_COMMIT])
        while time.monotonic() - began < seconds:
            points = self._choose.sample([*Point], self._choose.randint(3, len(Point)))
            await self._round(random_blow(self._choose), points)
        for _ in range(MORE_ROUNDS):
            missed = [point for point in Point if not self.report.kills(point)]
            if not missed:
                break
            await self._round(Blow(Victim.APP, Way.KILL), missed)
        await self._judge()
        self.report.seconds = round(time.monotonic() - began)
        return self.report

    async def _open(self) -> None:
        stage = self.stage
        await self._bank.open()
        self._number = await stage.number()
        self._experts = [await stage.expert() for _ in Point]
        await stage.say(Phrase("price", SOLD.by("act")))
        experts = [await stage.expert(tariff=SOLD) for _ in range(TRAFFIC_EXPERTS)]
        accounts = [await self._bank.account(alone=alone) for alone in (True, True, False)]
        for account, cents in zip(accounts, TRAFFIC_CENTS, strict=True):
            await self._bank.top_up(account, cents)
        self._traffic = Traffic(stage, self._bank, self._number, self.report.seed)
        self._traffic.start(accounts, experts, TRAFFIC_CALLERS)
        expert = await stage.expert()
        self._traffic.start_premium(await premium_number(stage, expert), expert)

    # A round.

    async def _round(self, blow: Blow, points: Sequence[Point]) -> None:
        self.report.rounds += 1
        self._progress(f"{blow}: {len(points)} calls come to their points")
        targets = self._targets(points)
        try:
            near = await self._come(targets, "prepare", PREPARED_SECONDS)
            there = await self._come(near, "go", THERE_SECONDS)
            await self._come([t for t in there if t.point in TIMED], "last", THERE_SECONDS)
            pids = self.stage.system.pids
            struck_ms = await self._strike(blow, targets)
        finally:
            await asyncio.gather(*(t.lock.release() for t in targets if t.lock is not None))
        parting = [asyncio.create_task(target.part()) for target in targets]
        await self._striker.heal(blow, pids)
        if blow == Blow(Victim.ASTERISK, Way.KILL):
            await self._new_asterisk(targets)
        await asyncio.gather(*parting)
        await self._healed(targets, struck_ms)

    def _targets(self, points: Sequence[Point]) -> list[Target]:
        """At most one of the two that pass by themselves: the blow comes right after it."""
        timed = self._timed([point for point in points if point in TIMED])
        wanted = [point for point in points if point not in TIMED or point is timed]
        self._choose.shuffle(wanted)
        for expert in self._experts:
            expert.phone.forget_calls()
        return [
            Target(self.stage, point, self._number, expert, random.Random(self._choose.random()))
            for point, expert in zip(wanted, self._experts, strict=False)
        ]

    def _timed(self, among: Sequence[Point]) -> Point | None:
        """The one that was hit less so far."""
        return min(among, key=self.report.kills, default=None)

    async def _come(self, targets: Sequence[Target], step: str, seconds: int) -> list[Target]:
        """Let all take a step at once; gives those who could, and leaves the others where they are.

        A blow may have hit another call in a way that keeps one from its point.
        """
        tasks = [asyncio.create_task(getattr(target, step)()) for target in targets]
        if not tasks:
            return []
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        came = await asyncio.gather(*tasks, return_exceptions=True)
        for target, result in zip(targets, came, strict=True):
            if isinstance(result, BaseException):
                self._progress(f"not {target.point} ({step}): {result!r}")
            if isinstance(result, Exception) and not isinstance(result, HAPPENS):
                raise result
        return [t for t, result in zip(targets, came, strict=True) if result is None]

    async def _strike(self, blow: Blow, targets: Sequence[Target]) -> int:
        before = await self._seen(targets)
        self._struck |= {str(seen.call_id) for seen in before if seen.settled_for_ms is None}
        struck_ms = time.time_ns() // 1_000_000
        await self._striker.strike(blow)
        # What the dead application had done shows only now; all else goes on by itself.
        dead = blow.victim is Victim.APP and blow.way is Way.KILL
        for seen in await self._seen(targets) if dead else before:
            point = point_of(replace(seen, at_ms=struck_ms))
            if point is not None:
                self.report.hits.append(Hit(point, blow.victim, blow.way, str(seen.call_id)))
        self.report.strikes += 1
        return struck_ms

    async def _seen(self, targets: Sequence[Target]) -> list[Seen]:
        settling: list[UUID] = []
        for target in targets:
            locked = target.point is Point.IN_SETTLEMENT and target.lock
            if locked and target.call_id and await locked.waited_for(self.stage):
                settling.append(target.call_id)
        return await database.snapshot(self.stage, settling)

    async def _new_asterisk(self, targets: Sequence[Target]) -> None:
        """Nobody told the phones that the calls are over, nor the new one where phones are."""
        for call in (call for target in targets for call in target.phones):
            call.forget()
        phones = [*self._traffic.phones, *(expert.phone for expert in self._experts)]
        for phone in phones:
            phone.forget_calls()
        await asyncio.gather(*(_registered(phone) for phone in phones if phone.registered))

    async def _healed(self, targets: Sequence[Target], struck_ms: int) -> None:
        waiting = {target.call_id: target for target in targets if target.call_id is not None}
        for target in targets:
            if target.caller is not None:
                self._bank.put_in[target.caller.wallet_id] += target.put_in
            if target.phones:
                self._made.append(target.made())
        end = time.monotonic() + HEALED_SECONDS
        while waiting and time.monotonic() < end:
            for row in await database.rows(self.stage, database.SETTLED, ids=[*waiting]):
                since_ms = max(struck_ms, waiting.pop(row.call_id).ended_ms)
                self.report.heal_ms.append(max(0, time.time_ns() // 1_000_000 - since_ms))
            await asyncio.sleep(0.1)
        self.report.findings += [f"call {call_id} did not heal" for call_id in waiting]

    # The end.

    async def _judge(self) -> None:
        self._progress("all is over; the books are checked")
        await self._traffic.stop()
        await self._bank.count_keyed()
        report, stage = self.report, self.stage
        report.findings += await judging.findings(stage, self._since)
        made = [*self._made, *self._traffic.made]
        judged = await judging.calls(stage, made, self._striker.asterisk_frozen)
        calls = judged.calls
        for call_id, plays in judged.played.items():
            for play in plays:
                report.plays[play].calls += 1
                report.plays[play].struck += call_id in self._struck
        for carried in judged.premium:
            report.wrongs += wrongs_of_premium(carried, TERMS)
        report.calls = len(calls) + len(judged.premium)
        report.charged_calls = sum(call.charged > 0 for call in calls)
        report.lost_ms = sorted((call.lost_ms for call in calls if call.heard_ms), reverse=True)
        for call in calls:
            report.wrongs += wrongs_of_call(call, SOLD)
        for wallet in await judging.wallets(stage, defaultdict(int, self._bank.put_in)):
            report.wrongs += wrongs_of_wallet(wallet)

    def _progress(self, doing: str) -> None:
        hit = sum(self.report.kills(point) > 0 for point in Point)
        line = f"round {self.report.rounds}, {hit} of {len(Point)} points hit: {doing}"
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{line}")
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


async def _registered(phone: Phone) -> None:
    """Register until it is heard: what was just started may take a moment."""
    for last in (False, False, True):
        try:
            return await phone.register()
        except RegistrationRefused:
            if last:
                raise
    return None


@asynccontextmanager
async def system_for_faults(directory: Path, tree: Path) -> AsyncIterator[tuple[Stage, Striker]]:
    """A whole system that starts again what dies, whose socket to Asterisk can be lost."""
    lease = lease_ports()
    try:
        async with (
            loose_socket(lease.ports.ari) as (socket, port),
            whole_system(
                directory,
                tree,
                limits=LIMITS,
                restart=True,
                durable=True,
                parts=("ari_app", "agi", "worker"),
                ports=lease.ports,
                variables={
                    "PRIMELINE_ARI_URL": f"http://127.0.0.1:{port}",
                    # No voice says sentences meanwhile: that is all that the worker finds there.
                    "PRIMELINE_TREE": str(directory),
                },
            ) as stage,
        ):
            yield stage, Striker(stage, socket)
    finally:
        lease.release()


async def campaign(directory: Path, tree: Path, *, seed: int, seconds: int) -> Report:
    """Run a campaign on a system of its own."""
    async with system_for_faults(directory, tree) as (stage, striker):
        return await Campaign(stage, striker, seed).run(seconds=seconds)
