"""What a phone hears is the very prompt that was meant, whole and no other, in both languages."""

import asyncio
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from dialplan.prompts.sentences import VALUED
from dialplan.prompts.values import Phrase
from primeline.phones import PhoneCall, alaw
from primeline.phones.heard import RATE_HZ
from primeline.sound import best_match, durations_agree, read_wav, sound_ms, which
from tests.calls.stage import PIN, PRICE, Stage, euro

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEARCHED_SECONDS = 6
FITS, DIFFERS = 0.5, 0.3
PAUSE_MS = 300
"""Longer without a packet is silence."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One sound file: its catalogue id, its name, its sound."""

    id: str
    name: str
    sound: Sequence[int]


class Prompts:
    """Every prompt there is in one language."""

    def __init__(self, stage: Stage, language: str) -> None:
        self._stage, self._language = stage, language
        folder = stage.store.directory / language
        self.all = {
            path.stem: Prompt(stage.store.entry(str(path.with_suffix(""))).id, path.stem, sound)
            for path in sorted(folder.glob("*.wav"))
            if sound_ms(sound := read_wav(path))
        }

    def of(self, phrases: Sequence[Phrase | str]) -> list[Prompt]:
        """The files of phrases, in order."""
        return [
            self.all[Path(path).name]
            for phrase in phrases
            for path in self._stage.store.media(
                Phrase(phrase) if isinstance(phrase, str) else phrase, self._language
            )
        ]

    def _candidates(self, meant: Prompt) -> dict[str, Sequence[int]]:
        """All without a value, all of the same id, and a tenth of the other amounts and lengths."""
        return {
            name: prompt.sound
            for place, (name, prompt) in enumerate(self.all.items())
            if prompt.id not in VALUED or prompt.id == meant.id or place % 10 == 0
        }

    def check(self, call: PhoneCall, phrases: Sequence[Phrase | str]) -> None:
        """Each prompt was heard in order; each stretch is that prompt, whole, and no other."""
        heard = _played(call)
        rows = self.of(phrases)
        starts: list[int] = []
        place = 0
        for prompt in rows:
            stretch = heard[place : place + SEARCHED_SECONDS * RATE_HZ]
            match = best_match(stretch, prompt.sound)
            assert match.correlation > FITS, prompt.name
            starts.append(place + match.start_ms * RATE_HZ // 1_000)
            place = starts[-1] + len(prompt.sound) // 2
        for prompt, start, follows in zip(rows, starts, [*starts[1:], None], strict=True):
            end = start + len(prompt.sound)
            ranked = which(heard[start:end], self._candidates(prompt))
            assert ranked[0][0] == prompt.name
            others = [(n, m.correlation) for n, m in ranked if self.all[n].id != prompt.id]
            assert others[0][1] < DIFFERS, (prompt.name, others[0])
            # Up to where the next one begins there is this prompt's sound and nothing else.
            until = min(follows or len(heard), end + RATE_HZ // 4)
            heard_ms, meant_ms = sound_ms(heard[start:until]), sound_ms(prompt.sound)
            assert durations_agree(heard_ms, meant_ms), (prompt.name, heard_ms, meant_ms)


def _played(call: PhoneCall) -> "array[int]":
    """What was sent, packet after packet; a packet that comes late doesn't lengthen a sound."""
    played = array("h")
    last_us = 0
    for frame in call.heard:
        if last_us and frame.at_us - last_us > PAUSE_MS * 1_000:
            played.extend([0] * (PAUSE_MS * RATE_HZ // 1_000))
        played.extend(alaw.decode(frame.payload))
        last_us = frame.at_us
    return played


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_both_hear_the_very_prompts_that_are_meant(stage: Stage, language: str) -> None:
    expert = await stage.expert(language=language)
    caller = await stage.caller(1_234, alone=False, language=language)
    number = await stage.number(expert=expert, language=language)
    prompts = await asyncio.to_thread(Prompts, stage, language)

    async def hears_out(call: PhoneCall, phrase: str) -> None:
        """Keys end a prompt, so they wait for its end."""
        await stage.hears(call, phrase, language=language)
        await asyncio.sleep(0.4)

    call = await stage.dial(caller, number)
    await hears_out(call, "enter-pin")
    await call.press(f"{PIN}#", hold_ms=60, gap_ms=60)
    await hears_out(call, "press-1-to-accept")
    await call.press("1")
    incoming = await expert.phone.wait_incoming()
    await incoming.answer()
    await hears_out(incoming, "press-1-or-3")
    await incoming.press("1")
    await asyncio.sleep(2)
    await incoming.hang_up()
    await call.wait_ended()

    record = await stage.ended(caller)
    assert record.summary.settlement is not None
    charge = record.summary.settlement.charge
    assert charge is not None
    bought = Phrase("credit-buys-caller", 617)
    await asyncio.to_thread(
        prompts.check,
        call,
        [
            "welcome",
            "enter-pin",
            "balance-is",
            Phrase("amount", euro(1_234)),
            Phrase("expert-name", record.summary.expert_name),
            Phrase("price", PRICE),
            Phrase("credit-buys", 617),
            "press-1-to-accept",
            "tone",
            "expert-hung-up",
            "the-call-cost",
            Phrase("amount", charge),
            "credit-left-is",
            Phrase("amount", euro(1_234) - charge),
            "goodbye",
        ],
    )
    await asyncio.to_thread(
        prompts.check,
        incoming,
        ["offer-paid", Phrase("price", PRICE), bought, "press-1-or-3", "tone"],
    )


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_expert_hears_the_very_words_of_his_earnings(stage: Stage, language: str) -> None:
    expert, caller = await stage.expert(language=language), await stage.caller(1_000)
    talk = await stage.to_ringing_directly(caller, await stage.number(expert=expert), expert)
    await talk.expert.answer()
    await stage.hears(talk.expert, "press-1-or-3", language=language)
    await talk.expert.press("1")
    await asyncio.sleep(2)
    await talk.caller.hang_up()
    await talk.expert.wait_ended()
    record = await stage.ended(caller)
    assert record.summary.settlement is not None
    assert record.summary.settlement.split is not None
    earned = record.summary.settlement.split.expert.amount // 100
    prompts = await asyncio.to_thread(Prompts, stage, language)
    await asyncio.to_thread(
        prompts.check,
        talk.expert,
        ["caller-hung-up", "you-earned", Phrase("amount", euro(earned)), "expert-goodbye"],
    )
