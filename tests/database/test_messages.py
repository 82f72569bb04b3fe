"""The free messages of premium-rate numbers, measured as a voice says them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api import jobs, messages
from billing.catalogue import premium
from billing.catalogue import service as catalogue
from billing.kit.limits import Limits
from billing.money.text import parse
from billing.monitoring.alarms import list_alarms
from billing.monitoring.values import AlarmKind
from billing.rulesets import service as rulesets
from dialplan.prompts.sound import RATE_HZ, Samples
from dialplan.prompts.store import PromptStore
from dialplan.prompts.testvoice import TestVoice, noise
from dialplan.prompts.values import Phrase
from tests.database.test_jobs import settings_for, work
from tests.database.test_premium_terms import TERMS
from tests.database.world import DIRECT, NOW, World, eur

LATER = NOW + timedelta(minutes=1)
BRITISH = "+449098790301"


@dataclass(frozen=True, slots=True)
class SlowVoice:
    """Takes so many seconds for each text."""

    seconds: int
    name: str = "slow"
    natural: bool = True

    def render(self, texts: Sequence[str]) -> Iterator[Samples]:
        for text in texts:
            yield np.resize(noise(text), self.seconds * RATE_HZ)


def store_at(tmp_path: Path, seconds: int) -> PromptStore:
    voice = SlowVoice(seconds, name=f"{seconds} s")
    return PromptStore(tmp_path / str(seconds), {"en": voice, "fr": voice})


async def add_terms(world: World, number: str = DIRECT, **changes: Any) -> None:
    async with world.sessions.begin() as s:
        terms = replace(TERMS, announced_by="us", **changes)
        await premium.add_terms(s, number, terms, valid_from=NOW, at=NOW)


async def alarms(world: World) -> list[str]:
    async with world.sessions() as s:
        return [one.detail for one in await list_alarms(s, kind=AlarmKind.MESSAGE_UNFIT)]


async def check(world: World, store: PromptStore, number: str = DIRECT) -> list[str]:
    await messages.check_message(world.sessions, store, Limits(), number, LATER)
    return await alarms(world)


async def test_a_message_that_is_too_short_is_an_alarm_until_it_is_long_enough(
    world: World, tmp_path: Path
) -> None:
    await add_terms(world)
    (told,) = await check(world, store_at(tmp_path, 1))
    assert "lasts 5.0 s" in told
    assert "at least 10 s" in told
    assert await check(world, store_at(tmp_path, 2)) == []


async def test_a_message_for_which_there_is_no_time_before_the_answer_is_an_alarm(
    world: World, tmp_path: Path
) -> None:
    await add_terms(world)
    (told,) = await check(world, store_at(tmp_path, 5))
    assert "announcing_ms" in told


async def test_r12_a_message_that_delays_a_british_caller_unduly_is_an_alarm(
    world: World, tmp_path: Path
) -> None:
    async with world.sessions.begin() as s:
        await catalogue.add_number(
            s, number=BRITISH, kind="direct", expert_id=world.expert_id, at=NOW
        )
    pound, nothing = parse("1.00", "GBP"), parse("0", "GBP")
    await add_terms(
        world, BRITISH, country="GB", retail_per_minute=pound, retail_per_call=nothing,
        outpayment_per_minute=nothing, outpayment_per_call=nothing, month_maximum=None,
    )  # fmt: skip
    store = store_at(tmp_path, 8)
    assert await check(world, store, BRITISH) == []
    # The figure is the operator's to set; the next check goes by it, without new terms.
    async with world.sessions.begin() as s:
        await rulesets.set_figure(s, "GB", "message-most-seconds", "15", at=NOW)
    await messages.check_messages(world.sessions, store, Limits(), LATER)
    (told,) = await alarms(world)
    assert "lasts 16.0 s" in told
    assert "at most 15 s" in told


async def test_a_message_in_a_language_without_a_voice_is_an_alarm(
    world: World, tmp_path: Path
) -> None:
    await add_terms(world)
    store = PromptStore(tmp_path, {"fr": TestVoice()})
    (told,) = await check(world, store)
    assert "isn't rendered" in told


async def test_what_the_carrier_says_is_not_measured(world: World, tmp_path: Path) -> None:
    await add_terms(world)
    assert await check(world, store_at(tmp_path, 1))
    async with world.sessions.begin() as s:
        await premium.add_terms(s, DIRECT, TERMS, valid_from=LATER, at=NOW)
    assert await check(world, store_at(tmp_path, 1)) == []


async def test_saved_terms_are_rendered_whole_before_anybody_calls(
    world: World, fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_terms(world, publisher="Example & Co.", retail_per_minute=eur("0.60"))
    found = {"en": SlowVoice(2), "fr": SlowVoice(2)}
    monkeypatch.setattr(jobs, "voices", lambda _tree: found)
    settings = settings_for(fresh_database, tmp_path)
    await work(jobs.make_app(settings, world.sessions))
    store = PromptStore(settings.prompts_dir)
    for phrase in (
        Phrase("provider", "Example & Co."),
        Phrase("service", TERMS.service),
        Phrase("plus-normal-call"),
        Phrase("hang-up-free"),
    ):
        for language in found:
            assert store.media(phrase, language)
    assert await alarms(world) == []
