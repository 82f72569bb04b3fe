"""A whole running system with phones at both ends, and short ways to set a call up on it.

Every limit is shortened (`LIMITS`), but for the dead-man's two seconds; prompts are 0.3 s of noise,
each unlike all others, so that a phone can tell which one it hears.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

import numpy as np

from billing.accounts import service as accounts
from billing.calls import service as calls
from billing.calls.records import CallRecord
from billing.catalogue import service as catalogue
from billing.endpoints.digest import ha1_of
from billing.endpoints.trunks import add_trunk
from billing.endpoints.values import KnownPhone, Trunk
from billing.kit.database import Sessions, make_engine, make_sessions
from billing.kit.limits import Limits
from billing.kit.settings import Settings
from billing.money.values import Money
from billing.tariffs import service as tariffs
from billing.tariffs.values import Tariff
from billing.tariffs.windows import Timetable, flat_tariffs
from dialplan.prompts.needed import standing_phrases
from dialplan.prompts.sound import write as write_sound
from dialplan.prompts.store import PromptStore
from dialplan.prompts.testvoice import TestVoice, noise
from dialplan.prompts.values import Phrase
from primeline.asterisk_conf import Lines
from primeline.parts import PARTS
from primeline.phones import Heard, Phone, PhoneCall, State, tone
from primeline.phones.rtp import FRAME_SAMPLES
from primeline.ports import Ports
from primeline.sound import find, read_wav
from primeline.system import System, SystemConfig

LIMITS: Final = Limits(
    pin_digit_ms=900,
    identifying_ms=6_000,
    extension_first_digit_ms=1_500,
    extension_next_digit_ms=800,
    choosing_ms=5_000,
    quoting_turn_ms=1_500,
    quoting_ms=3_000,
    holding_ms=1_500,
    ringing_phone_ms=2_000,
    offer_wait_ms=1_000,
    ringing_and_offering_ms=4_000,
    premium_setup_ms=11_000,
    announcing_ms=4_000,
    premium_menu_ms=5_000,
    premium_lease_ms=4_000,
    premium_renew_ms=1_500,
    premium_confirm_ms=1_500,
    feature_key_ms=700,
    consent_wait_ms=1_500,
    consenting_ms=5_000,
    consent_apart_ms=500,
    freeing_ms=4_000,
    free_minutes_ms=2_000,
    voucher_key_ms=1_500,
    topping_up_ms=6_000,
    hold_paid_ms=700,
    hold_ms=4_000,
    please_wait_ms=1_000,
    stopping_ms=1_000,
    settling_ms=1_500,
    aftercare_ms=3_000,
    goodbye_ms=3_000,
    ending_ms=1_000,
    received_ms=2_000,
    line_key_ms=1_500,
    line_step_ms=20_000,
    line_ms=60_000,
    line_header_ms=1_000,
    line_sessions=8,
    price_change_ms=0,
    grant_seconds=6,
    extend_at_seconds=3,
    minimum_talk_seconds=2,
    warning_seconds=2,
    no_warning_before_seconds=1,
    database_ms=1_500,
    heartbeat_ms=1_000,
    media_seconds=8,
    sweep_ms=5_000,
)
PAUSES: Final = (0.2, 0.5, 1)
ENDPOINTS: Final = 160
PASSWORD: Final = "a-password-of-the-tests"
CARRIER, STRANGER, NARROW = "carrier", "stranger", "narrow"
"""Trunks: one whose caller ids are trusted, one whose are not, one that brings one call at once."""
TRUNKS: Final = (
    Trunk(CARRIER, trusted=True, ha1=ha1_of(CARRIER, PASSWORD)),
    Trunk(STRANGER, ha1=ha1_of(STRANGER, PASSWORD)),
    Trunk(NARROW, ha1=ha1_of(NARROW, PASSWORD), maximum_calls=1),
)
FRENCH, BRITISH, AMERICAN = "+331990{:05d}", "+449098790{:03d}", "+1900555{:04d}"
"""Numbers that nobody has: set aside for films and trials."""
CALLER_TONE, EXPERT_TONE = tone(400), tone(600)
PIN: Final = "83649207"


def euro(cents: int) -> Money:
    """Cents as money."""
    return Money.of_minor(cents, "EUR")


PRICE: Final = Tariff(
    price_per_minute=euro(120),
    connect_fee=euro(0),
    minimum_charge=euro(0),
    maximum_charge=None,
    tax_basis_points=2_000,
)
"""1.20 a minute by the second, 20 % tax in it."""


@dataclass(frozen=True, slots=True)
class ExpertOnStage:
    """An expert and his registered phones."""

    expert_id: UUID
    extension: str
    phones: tuple[Phone, ...]

    @property
    def phone(self) -> Phone:
        """His first phone."""
        return self.phones[0]


@dataclass(frozen=True, slots=True)
class CallerOnStage:
    """A caller's account."""

    account_id: UUID
    wallet_id: UUID
    number: str


@dataclass(frozen=True, slots=True)
class Talk:
    """Both phones of a call."""

    caller: PhoneCall
    expert: PhoneCall


Who = CallerOnStage | str | None
"""A caller: with an account, by a number of no account's, or withholding his."""


class Stage:
    """Makes people, numbers and calls on one running system; used by many tests at once."""

    def __init__(self, system: System, sessions: Sessions, store: PromptStore) -> None:
        self.system = system
        self.sessions = sessions
        self.store = store
        self._numbers = itertools.count(1)
        self._endpoints = iter(_endpoints())
        self._stack = AsyncExitStack()

    async def close(self) -> None:
        """Put all phones away."""
        await self._stack.aclose()

    @property
    def server(self) -> tuple[str, int]:
        """Asterisk's SIP address."""
        return ("127.0.0.1", self.system.ports.sip)

    # People and numbers.

    async def expert(
        self,
        *,
        phones: int = 1,
        tariff: Tariff | None = PRICE,
        timetable: Timetable | None = None,
        presence: Literal["available", "there-but-not-available", "away"] = "available",
        registered: bool = True,
        language: str = "en",
    ) -> ExpertOnStage:
        """An expert with a tariff of his own and phones of his own."""
        number = next(self._numbers)
        name, extension = f"Expert {_in_words(number)}", str(1_000 + number)
        endpoints = [next(self._endpoints) for _ in range(phones)]
        now = datetime.now(UTC)
        async with self.sessions.begin() as s:
            kept = tariff and await tariffs.add_version(
                s,
                name=f"tariff {number}",
                tariff=tariff,
                valid_from=now,
                at=now,
                timetable=timetable,
            )
            expert_id = await catalogue.add_expert(
                s,
                name=name,
                extension=extension,
                endpoints=endpoints,
                tariff_id=kept.tariff_id if kept else None,
                presence=presence,
                language=language,
                at=now,
            )
        flat = flat_tariffs(tariff, timetable) if tariff else []
        prices = [Phrase("price", told) for one in flat for told in (one, one.after_paid_talk)]
        await self.say(Phrase("expert-name", name), *prices)
        real = [Phone(endpoint, PASSWORD, server=self.server) for endpoint in endpoints]
        for phone in real:
            await self._stack.enter_async_context(phone)
            if registered:
                await phone.register()
        return ExpertOnStage(expert_id, extension, tuple(real))

    async def caller(
        self,
        cents: int = 1_000,
        *,
        alone: bool = True,
        alone_cents: int = 10_000,
        pin: str = PIN,
        language: str | None = None,
        **limits: Money,
    ) -> CallerOnStage:
        """A caller with credit; `alone`: his number is enough for so many cents a day."""
        number = f"+336399{80_000 + next(self._numbers):05d}"
        now = datetime.now(UTC)
        async with self.sessions.begin() as s:
            account = await accounts.add_caller(
                s,
                name=f"Caller {number[-4:]}",
                numbers=[number],
                currency="EUR",
                at=now,
                pin=pin,
                language=language,
                number_alone_limit=euro(alone_cents) if alone else None,
                **limits,  # type: ignore[arg-type]
            )
            if cents:
                await accounts.top_up(
                    s, account.account_id, euro(cents), idempotency_key=number, at=now
                )
        return CallerOnStage(account.account_id, account.wallet_id, number)

    async def number(
        self,
        *,
        expert: ExpertOnStage | None = None,
        without_payer: Literal["refuse", "free"] = "refuse",
        free_limit_seconds: int = 300,
        begins_free: bool = False,
        language: str = "en",
        digits: str = FRENCH,
    ) -> str:
        """A menu number, or the expert's own."""
        number = digits.format(next(self._numbers))
        await self.say(Phrase("free-call", free_limit_seconds))
        async with self.sessions.begin() as s:
            await catalogue.add_number(
                s,
                number=number,
                kind="direct" if expert else "menu",
                expert_id=expert.expert_id if expert else None,
                without_payer=without_payer,
                free_limit_seconds=free_limit_seconds,
                begins_free=begins_free,
                language=language,
                at=datetime.now(UTC),
            )
        return number

    async def line_number(
        self, kind: Literal["account-line", "expert-line"], *, language: str = "en"
    ) -> str:
        """A number that is a self-service line."""
        number = f"+331990{next(self._numbers):05d}"
        async with self.sessions.begin() as s:
            await catalogue.add_number(
                s, number=number, kind=kind, language=language, at=datetime.now(UTC)
            )
        return number

    async def line(self, trunk: str = CARRIER) -> Phone:
        """A fresh phone behind a trunk: it calls with whatever caller number it is told."""
        return await self._stack.enter_async_context(Phone(trunk, PASSWORD, server=self.server))

    async def say(self, *phrases: Phrase) -> None:
        """Have sentences rendered that only this test needs."""
        await asyncio.to_thread(self.store.ensure, phrases, ("en", "fr"))

    # What is heard.

    def sound(self, phrase: Phrase | str, language: str = "en") -> list[int]:
        """The sound of a phrase as it is on disk."""
        phrase = Phrase(phrase) if isinstance(phrase, str) else phrase
        media = self.store.media(phrase, language)
        return [v for path in media for v in read_wav(Path(f"{path}.wav"))]

    async def hears(
        self,
        call: PhoneCall,
        phrase: Phrase | str,
        *,
        language: str = "en",
        seconds: int = 8,
        since_us: int = 0,
    ) -> int:
        """Wait until the phone has heard a phrase; gives the wall-clock µs of its beginning."""
        wanted = self.sound(phrase, language)
        name = phrase if isinstance(phrase, str) else phrase.id
        longest = len(wanted) // FRAME_SAMPLES + 1
        end = time.monotonic() + seconds
        searched = max(0, len(call.heard) - 250)
        while True:
            over = time.monotonic() > end
            frames = [frame for frame in list(call.heard)[searched:] if frame.at_us >= since_us]
            if frames:
                place = find(Heard(frames).samples(), wanted)
                if place is not None:
                    return frames[0].at_us + place * 1_000
                # What a prompt may have begun in is looked at again with what follows.
                searched = max(searched, len(call.heard) - longest)
            if over:
                raise AssertionError(f"{name!r} was not heard within {seconds} s")
            await asyncio.sleep(0.1)

    async def told(self, call: PhoneCall, *phrases: str, language: str = "en") -> None:
        """Wait until the phone has heard each phrase, in this order, and was then hung up."""
        since_us = 0
        for phrase in phrases:
            since_us = await self.hears(call, phrase, language=language, since_us=since_us)
        await call.wait_ended()
        assert call.ended_by == "them"

    # Calls, driven to a state.

    def stranger(self) -> str:
        """A caller's number that nobody's account has."""
        return f"+336399{90_000 + next(self._numbers):05d}"

    async def dial(self, caller: Who, number: str, *, trunk: str = CARRIER) -> PhoneCall:
        """The caller dials; the call is only begun."""
        line = await self.line(trunk)
        return await line.call(number, caller_number=_number_of(caller))

    async def to_choosing(self, caller: Who, number: str) -> PhoneCall:
        """Answered, asked for an extension."""
        call = await self.dial(caller, number)
        await self.hears(call, "enter-extension")
        return call

    async def to_quoting(
        self, caller: CallerOnStage, number: str, expert: ExpertOnStage
    ) -> PhoneCall:
        """The price was said, a key is awaited."""
        call = await self.to_choosing(caller, number)
        await call.press(f"{expert.extension}#")
        await self.hears(call, "press-1-to-accept")
        await asyncio.sleep(0.2)
        return call

    async def to_ringing(self, caller: CallerOnStage, number: str, expert: ExpertOnStage) -> Talk:
        """The expert's first phone rings."""
        call = await self.to_quoting(caller, number, expert)
        await call.press("1")
        return Talk(call, await expert.phone.wait_incoming())

    async def to_ringing_directly(
        self, caller: CallerOnStage, number: str, expert: ExpertOnStage
    ) -> Talk:
        """The same by the expert's own number."""
        call = await self.dial(caller, number)
        await self.hears(call, "press-1-to-accept")
        await call.press("1")
        return Talk(call, await expert.phone.wait_incoming())

    async def to_offering(self, caller: CallerOnStage, number: str, expert: ExpertOnStage) -> Talk:
        """The expert has answered and heard the offer."""
        talk = await self.to_ringing(caller, number, expert)
        await talk.expert.answer()
        await self.hears(talk.expert, "press-1-or-3")
        return talk

    async def to_talk(self, caller: CallerOnStage, number: str, expert: ExpertOnStage) -> Talk:
        """Both talk, paid: each hears the other's tone."""
        talk = await self.to_offering(caller, number, expert)
        talk.caller.speak(CALLER_TONE)
        talk.expert.speak(EXPERT_TONE)
        await talk.expert.press("1")
        await self.both_talk(talk)
        return talk

    async def to_free_again(self, talk: Talk) -> None:
        """The expert has given up being paid, and both talk on."""
        await talk.expert.press("*9")
        await self.hears(talk.expert, "free-from-now")
        await asyncio.sleep(0.5)
        await self.both_talk(talk)

    async def to_consenting(self, talk: Talk) -> None:
        """The free talk stands still; the caller has heard the price and the question."""
        since_us = time.time_ns() // 1_000
        await talk.expert.press("*7")
        await self.hears(talk.expert, "caller-hears-price", since_us=since_us)
        await self.hears(talk.caller, "press-1-or-2", since_us=since_us)
        await asyncio.sleep(0.2)

    async def to_topping_up(self, talk: Talk) -> None:
        """The paid talk stands still; the caller was asked for a voucher."""
        await talk.caller.press("*5")
        await self.hears(talk.caller, "enter-voucher")
        await asyncio.sleep(0.2)

    async def to_free_offering(self, caller: Who, number: str, expert: ExpertOnStage) -> Talk:
        """Nobody pays; the expert has answered and heard so."""
        call = await self.to_choosing(caller, number)
        await call.press(f"{expert.extension}#")
        talk = Talk(call, await expert.phone.wait_incoming())
        await talk.expert.answer()
        await self.hears(talk.expert, "press-1-or-3")
        return talk

    async def to_free_talk(self, caller: Who, number: str, expert: ExpertOnStage) -> Talk:
        """Both talk and nobody pays: each hears the other's tone."""
        talk = await self.to_free_offering(caller, number, expert)
        talk.caller.speak(CALLER_TONE)
        talk.expert.speak(EXPERT_TONE)
        await talk.expert.press("1")
        await self.both_talk(talk)
        return talk

    async def both_talk(self, talk: Talk, *, seconds: int = 5) -> None:
        """Wait until each hears the other."""
        for one, other in ((talk.caller, talk.expert), (talk.expert, talk.caller)):
            await one.wait_until(
                lambda one=one, other=other: any(  # type: ignore[misc]
                    frame.payload in other.spoken for frame in list(one.heard)[-5:]
                ),
                "the other's voice",
                seconds=seconds,
            )

    # What is written.

    async def record(self, caller: CallerOnStage | str) -> CallRecord:
        """The latest call of a caller (or of a caller number), as written now."""
        records = await self.records(caller)
        assert records, "no such call"
        return records[0]

    async def records(self, caller: CallerOnStage | str) -> list[CallRecord]:
        """All calls of a caller, the latest first."""
        number = caller if isinstance(caller, str) else caller.number
        async with self.sessions() as s:
            return [
                await calls.get_call(s, one.call_id)
                for one in await calls.list_calls(s, limit=1_000)
                if one.caller_number == number
            ]

    async def ended(self, caller: CallerOnStage | str, *, seconds: int = 8) -> CallRecord:
        """The latest call of a caller, once it is settled."""
        end = time.monotonic() + seconds
        while True:
            record = await self.record(caller)
            if record.summary.settlement is not None:
                return record
            if time.monotonic() > end:
                raise AssertionError(f"not settled; it is {record.summary.state}")
            await asyncio.sleep(0.1)

    async def available(self, caller: CallerOnStage) -> Money:
        """What the caller may spend now."""
        async with self.sessions() as s:
            return (await accounts.list_callers(s, caller.account_id))[0].available


def _number_of(caller: Who) -> str:
    if caller is None:
        return "anonymous"
    return caller if isinstance(caller, str) else caller.number


def phone_line(endpoint: str, password: str = PASSWORD) -> KnownPhone:
    """A phone as Asterisk is to know it."""
    return KnownPhone(endpoint, ha1=ha1_of(endpoint, password))


def stage_lines(*more: Trunk) -> Lines:
    """The trunks and phones that a stage begins with, and more trunks."""
    return Lines((*TRUNKS, *more), tuple(phone_line(endpoint) for endpoint in _endpoints()))


def _endpoints() -> list[str]:
    return [f"phone-{number:03d}" for number in range(ENDPOINTS)]


def _in_words(number: int) -> str:
    """A name without digits, since names are spoken."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


@asynccontextmanager
async def whole_system(
    directory: Path,
    tree: Path,
    *,
    limits: Limits = LIMITS,
    restart: bool = False,
    durable: bool = False,
    long_prompts: Sequence[str] = (),
    parts: tuple[str, ...] = ("ari_app", "agi"),
    ports: Ports | None = None,
    variables: Mapping[str, str] | None = None,
    programs: Mapping[str, tuple[str, ...]] = PARTS,
) -> AsyncIterator[Stage]:
    """A running system with the tests' prompts, trunks and phones, and nothing left afterwards.

    `long_prompts` are recorded for three seconds each, so that a call can be kept in a farewell.
    `restart`: what dies is started again, soon however often it dies. `durable`: what PostgreSQL
    has committed outlives it, if it is killed. `programs`: what our parts are started with.
    """
    store = PromptStore(directory / "prompts", {"en": TestVoice(), "fr": TestVoice()})
    for id_ in long_prompts:
        recording = store.directory / "recordings" / "en" / f"{id_}.wav"
        recording.parent.mkdir(parents=True, exist_ok=True)
        sounds = [noise(f"{id_} {number}") for number in range(10)]
        write_sound(recording, np.concatenate(sounds))
    await asyncio.to_thread(store.ensure, standing_phrases("EUR"), ("en", "fr"))

    async def prepare(system: System) -> Lines:
        engine = make_engine(Settings(database_url=system.database_url))
        async with make_sessions(engine).begin() as s:
            for trunk in TRUNKS:
                await add_trunk(s, trunk)
        await engine.dispose()
        return stage_lines()

    config = SystemConfig(
        directory=directory / "run",
        prompts_dir=store.directory,
        tree=tree,
        durable=durable,
        limits=limits,
        parts=parts,
        restart=restart,
        pauses=PAUSES,
        ports=ports,
        variables=variables or {},
        programs=programs,
    )
    async with System(config, prepare) as system:
        # Its own statements may wait for locks that a test holds on purpose.
        patient = replace(limits, database_ms=10_000)
        engine = make_engine(Settings(database_url=system.database_url, limits=patient))
        stage = Stage(system, make_sessions(engine), store)
        try:
            yield stage
        finally:
            await stage.close()
            await engine.dispose()


__all__ = ["LIMITS", "CallerOnStage", "ExpertOnStage", "Stage", "State", "Talk", "whole_system"]
