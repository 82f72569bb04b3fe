"""What others say of a call: Asterisk now, Asterisk's record, the application's log, the rows."""

import asyncio
import csv
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import aiohttp
from sqlalchemy import text

from ari_app.calls.states import State
from billing.catalogue import service as catalogue
from billing.catalogue.values import Availability
from primeline.asterisk_conf import ARI_USER
from tests.calls.stage import CallerOnStage, ExpertOnStage, Stage

# The application's log.


def changes(stage: Stage, call_id: UUID) -> list[tuple[int, State]]:
    """When (wall clock, µs) a call came into each of its states, the first one left out."""
    found = []
    for line in stage.system.log_file("ari_app").read_text().splitlines():
        if str(call_id) in line:
            entry = json.loads(line)
            if entry["event"] == "state":
                at = datetime.fromisoformat(entry["timestamp"])
                found.append((round(at.timestamp() * 1_000_000), State(entry["state"])))
    return found


def state_at(stage: Stage, call_id: UUID, at_us: int) -> State:
    """The state that a call was in."""
    before = [state for when, state in changes(stage, call_id) if when <= at_us]
    return before[-1] if before else State.RECEIVED


async def reached(stage: Stage, call_id: UUID, state: State, *, seconds: int = 8) -> int:
    """Wait until a call has been in a state; gives since when (µs)."""
    end = time.monotonic() + seconds
    while True:
        for when, known in changes(stage, call_id):
            if known is state:
                return when
        if time.monotonic() > end:
            raise AssertionError(f"never {state}: {changes(stage, call_id)}")
        await asyncio.sleep(0.02)


async def connected(stage: Stage, *, since_us: int, seconds: int = 20) -> int:
    """Wait until the application has connected to Asterisk (again); gives when (µs)."""
    end = time.monotonic() + seconds
    while True:
        for line in stage.system.log_file("ari_app").read_text().splitlines():
            if '"connected to asterisk"' in line:
                at = datetime.fromisoformat(json.loads(line)["timestamp"])
                if (at_us := round(at.timestamp() * 1_000_000)) > since_us:
                    return at_us
        assert time.monotonic() < end, "not connected"
        await asyncio.sleep(0.05)


# Asterisk.


async def ari(stage: Stage, path: str) -> list[dict[str, object]]:
    """Ask Asterisk for a list."""
    login = aiohttp.encode_basic_auth(ARI_USER, stage.system.instance.secrets.ari_password)
    async with (
        aiohttp.ClientSession(headers={"Authorization": login}) as session,
        session.get(f"{stage.system.urls['ari']}/ari/{path}") as response,
    ):
        response.raise_for_status()
        return list(await response.json())


async def channel_from(stage: Stage, number: str, *, seconds: int = 4) -> str:
    """Wait for a channel whose caller id is a number; gives its id."""
    end = time.monotonic() + seconds
    while True:
        for one in await ari(stage, "channels"):
            if number in json.dumps(one["caller"]):
                return str(one["id"])
        assert time.monotonic() < end, "no such channel"
        await asyncio.sleep(0.05)


async def left_in_asterisk(stage: Stage, call_id: UUID) -> list[str]:
    """Channels and bridges of a call that are still there."""
    async with stage.sessions() as s:
        query = text("SELECT caller_channel FROM calls WHERE id = :id")
        caller_channel = (await s.execute(query, {"id": call_id})).scalar_one()
    names = [str(one["id"]) for path in ("channels", "bridges") for one in await ari(stage, path)]
    return [name for name in names if name == caller_channel or name.startswith(str(call_id))]


async def nothing_left(stage: Stage, call_id: UUID, *, seconds: int = 8) -> None:
    """Wait until Asterisk has nothing of a call any more."""
    end = time.monotonic() + seconds
    while left := await left_in_asterisk(stage, call_id):
        assert time.monotonic() < end, left
        await asyncio.sleep(0.1)


def paid_ms(stage: Stage, call_id: UUID) -> int:
    """How long both legs were in a call's paid bridges, by Asterisk's record alone (CEL)."""
    return recorded_ms(stage, call_id, paid=True)


def recorded_ms(stage: Stage, call_id: UUID, *, paid: bool) -> int:
    """How long both legs were in a call's paid, or free, bridges, by Asterisk's record (CEL)."""
    bridges = f"{call_id}-{'paid' if paid else 'free'}-"
    stays: dict[str, dict[str, list[tuple[int, str]]]] = defaultdict(lambda: defaultdict(list))
    with stage.system.instance.cel_file.open(newline="") as file:
        for event, seconds, channel, _, extra in csv.reader(file):
            if event in {"BRIDGE_ENTER", "BRIDGE_EXIT"}:
                bridge = json.loads(extra)["bridge_id"]
                if bridge.startswith(bridges):
                    whole, _, fraction = seconds.partition(".")
                    at_us = int(whole) * 1_000_000 + int(fraction)
                    stays[bridge][channel].append((at_us, event))
    total = 0
    for bridge, by_channel in stays.items():
        assert len(by_channel) == 2, (bridge, by_channel)
        for moments in by_channel.values():
            assert [event for _, event in moments] == ["BRIDGE_ENTER", "BRIDGE_EXIT"]
        total += min(m[1][0] for m in by_channel.values()) - max(
            m[0][0] for m in by_channel.values()
        )
    return total // 1_000


async def imported(stage: Stage, call_id: UUID, *, seconds: int = 10) -> None:
    """Wait until Asterisk's record of a call is in the database, to the end of both legs."""
    query = text("""
        SELECT count(*) FROM cel_records WHERE event = 'CHAN_END' AND channel_id IN (
            SELECT caller_channel FROM calls WHERE id = :call
            UNION SELECT channel_id FROM dial_attempts WHERE call_id = :call
        )
    """)
    end = time.monotonic() + seconds
    while True:
        async with stage.sessions() as s:
            if await s.scalar(query, {"call": call_id}) == 2:
                return
        assert time.monotonic() < end, "Asterisk's record was not imported"
        await asyncio.sleep(0.1)


# Rows.


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet in ledger units."""

    posted: int
    pending: int


async def wallet(stage: Stage, caller: CallerOnStage) -> Wallet:
    """A caller's wallet as it stands in its row."""
    async with stage.sessions() as s:
        query = text("SELECT posted, pending FROM wallets WHERE account_id = :id")
        return Wallet(*(await s.execute(query, {"id": caller.wallet_id})).one())


async def availability(stage: Stage, expert: ExpertOnStage) -> Availability:
    """What a caller would be told of an expert now."""
    async with stage.sessions() as s:
        choice = await catalogue.expert_choice(s, expert.expert_id)
    assert choice is not None
    return choice.availability


LOCKS = {
    "wallet": "SELECT 1 FROM wallets WHERE account_id = :key FOR UPDATE",
    "expert": "SELECT 1 FROM experts WHERE id = :key FOR UPDATE",
    "call": "SELECT 1 FROM calls WHERE id = :key FOR UPDATE",
    "number": "SELECT 1 FROM numbers WHERE e164 = :key FOR UPDATE",
}


@asynccontextmanager
async def locked(stage: Stage, what: str, key: UUID | str) -> AsyncIterator[None]:
    """Hold a row, so that whoever must write it waits."""
    async with stage.sessions.begin() as s:
        assert (await s.execute(text(LOCKS[what]), {"key": key})).one()
        yield
