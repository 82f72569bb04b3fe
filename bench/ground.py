"""What a work stands on: a fresh system of its own, with as many callers and experts as it needs.

Callers come in by a trunk known by its address, experts are dialled on ordinary numbers by another:
so both ends are a SIPp, and no phone registers.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from unittest.mock import patch
from uuid import UUID

from bench.machine import RTP_FIRST, RTP_LAST
from bench.values import Room
from billing.accounts import service as accounts
from billing.calls import books
from billing.catalogue import service as catalogue
from billing.catalogue.phones import add_ordinary_phone
from billing.endpoints.trunks import add_trunk
from billing.endpoints.values import Trunk
from billing.kit.database import Sessions, make_engine, make_sessions
from billing.kit.limits import Limits
from billing.kit.settings import Settings
from billing.money.values import Money
from billing.pins.service import hash_pin
from billing.tariffs import service as tariffs
from billing.tariffs.values import Tariff
from dialplan.prompts.needed import standing_phrases
from dialplan.prompts.store import PromptStore
from dialplan.prompts.testvoice import TestVoice
from dialplan.prompts.values import Phrase
from primeline.asterisk import AsteriskProcess
from primeline.asterisk_conf import Lines
from primeline.parts import PARTS
from primeline.ports import Ports, lease_ports
from primeline.system import System, SystemConfig

CALLERS_HOST: Final = "127.0.0.21"
EXPERTS_HOST: Final = "127.0.0.22"
EXPERTS_PORT: Final = 5160
"""SIPp's own addresses; the whole of 127/8 is the loopback."""

QUALIFIED_SECONDS: Final = 60

TRUNKS: Final = (
    Trunk("callers", trusted=True, addresses=(CALLERS_HOST,)),
    Trunk(
        "experts",
        host=f"{EXPERTS_HOST}:{EXPERTS_PORT}",
        presented_number="+33199000000",
    ),
)
LINES: Final = Lines(TRUNKS, ())
PRICE: Final = Tariff(
    price_per_minute=Money.of_minor(120, "EUR"),
    connect_fee=Money.zero("EUR"),
    minimum_charge=Money.zero("EUR"),
    maximum_charge=None,
    tax_basis_points=2_000,
)
"""1.20 a minute by the second, 20 % tax in it."""

EXPERT: Final = "Expert"
PIN: Final = "83649207"


@dataclass(frozen=True, slots=True)
class Pair:
    """A caller with credit, known by his number alone, and the direct number of his expert."""

    caller: str
    dials: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a work wants of its ground.

    `programs`: other arguments of Python for some parts; `variables`: more settings of all parts.
    """

    pairs: int
    credit: Money = field(default_factory=lambda: Money.of_minor(9_000, "EUR"))
    limits: Limits = field(default_factory=Limits)
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ("ari_app",)


class Ground:
    """A running system and its people."""

    def __init__(self, system: System, sessions: Sessions, pairs: tuple[Pair, ...]) -> None:
        self.system = system
        self.sessions = sessions
        self.pairs = pairs

    async def findings(self) -> list[str]:
        """Give what `books check` finds wrong; [] means that all is right."""
        async with self.sessions() as s:
            return [finding.sentence for finding in await books.check(s)]


@asynccontextmanager
async def ground(room: Room, wanted: Wanted, name: str = "system") -> AsyncIterator[Ground]:
    """Start a fresh system, durable as in production, and take it down again.

    `name` tells systems apart that run at once.
    """
    work = room.folder / name
    store = await prompts(room.folder.parent / "bench-prompts")
    made: list[Pair] = []

    async def prepare(system: System) -> Lines:
        async with _sessions(system) as sessions:
            made.extend(await _people(sessions, wanted))
        return LINES

    config = SystemConfig(
        directory=work,
        prompts_dir=store.directory,
        tree=room.tree,
        limits=wanted.limits,
        parts=wanted.parts,
        variables=wanted.variables,
        programs={**PARTS, **wanted.programs},
        restart=False,
    )
    lease = lease_ports()
    try:
        config = replace(config, ports=wide(lease.ports))
        async with System(config, prepare) as system, _sessions(system) as sessions:
            await experts_there(system.asterisk)
            yield Ground(system, sessions, tuple(made))
    finally:
        lease.release()
        shutil.rmtree(work, ignore_errors=True)


async def experts_there(process: AsteriskProcess) -> None:
    """Wait until Asterisk has seen that somebody answers at the experts' trunk."""
    async with asyncio.timeout(QUALIFIED_SECONDS):
        # Asterisk's console tells nobody of a change: it has to be asked.
        while "Avail" not in await asyncio.to_thread(  # noqa: ASYNC110
            process.command, "pjsip show contacts"
        ):
            await asyncio.sleep(0.5)


def wide(ports: Ports) -> Ports:
    """Give the ports with room for the sound of thousands of calls."""
    return replace(ports, rtp_first=RTP_FIRST, rtp_last=RTP_LAST)


@asynccontextmanager
async def _sessions(system: System) -> AsyncIterator[Sessions]:
    engine = make_engine(Settings(database_url=system.database_url), statement_timeout_ms=0)
    try:
        yield make_sessions(engine)
    finally:
        await engine.dispose()


async def prompts(directory: Path) -> PromptStore:
    """Give 0.3 s of noise for each sentence that a call may say."""
    store = PromptStore(directory, {"en": TestVoice()})
    wanted = (*standing_phrases("EUR"), Phrase("expert-name", EXPERT), Phrase("price", PRICE))
    await asyncio.to_thread(store.ensure, wanted, ("en",))
    return store


async def _people(sessions: Sessions, wanted: Wanted) -> list[Pair]:
    now = datetime.now(UTC)
    known = await hash_pin(PIN)

    async def same_hash(_pin: str) -> str:
        # A thousand PINs would take a minute to hash, and none is keyed.
        return known

    async with sessions.begin() as s:
        for trunk in TRUNKS:
            await add_trunk(s, trunk)
        tariff = await tariffs.add_version(s, name="bench", tariff=PRICE, valid_from=now, at=now)
    with patch.object(accounts, "hash_pin", same_hash):
        return [
            await _pair(sessions, number, tariff.tariff_id, wanted.credit, now)
            for number in range(wanted.pairs)
        ]


async def _pair(
    sessions: Sessions, number: int, tariff_id: UUID, credit: Money, now: datetime
) -> Pair:
    caller, dials = f"+3363998{number:04d}", f"+331990{number:05d}"
    async with sessions.begin() as s:
        account = await accounts.add_caller(
            s,
            name=f"Caller {number}",
            numbers=[caller],
            currency="EUR",
            at=now,
            pin=PIN,
            number_alone_limit=Money.of_minor(1_000_000, "EUR"),
        )
        await accounts.top_up(s, account.account_id, credit, idempotency_key=caller, at=now)
        expert_id = await catalogue.add_expert(
            s,
            name=EXPERT,
            extension=str(1_000 + number),
            endpoints=(),
            tariff_id=tariff_id,
            at=now,
        )
        # One number for all: whoever is dialled, the same SIPp answers.
        await add_ordinary_phone(s, expert_id, "+33199099999", trunk="experts")
        await catalogue.add_number(s, number=dials, kind="direct", expert_id=expert_id, at=now)
    return Pair(caller, dials)
