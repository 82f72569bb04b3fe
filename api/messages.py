"""The free messages of premium-rate numbers: rendered, and measured against the rules.

How long a message lasts is known only once a voice has said it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import listing, premium
from billing.catalogue.premium import KeptTerms
from billing.kit.database import Sessions
from billing.kit.errors import PrimelineError
from billing.kit.limits import Limits
from billing.monitoring.alarms import clear_alarm, raise_alarm
from billing.monitoring.values import AlarmKind
from billing.rulesets import rules
from billing.rulesets import service as rulesets
from billing.rulesets.values import CallRules
from dialplan.prompts.messages import message_phrases
from dialplan.prompts.store import PromptStore
from dialplan.prompts.values import Phrase
from dialplan.prompts.voices import VoiceFailed

VALUED_PARTS = ("price", "provider", "service")
"""Rendered even where today's rules ask for less, so that a later set finds them."""


async def check_messages(
    sessions: Sessions, store: PromptStore, limits: Limits, at: datetime
) -> None:
    """Check the messages of all numbers: figures are set, and sets begin, without new terms."""
    async with sessions() as s:
        numbers = {kept.number for kept in await premium.list_terms(s)}
    for number in sorted(numbers):
        await check_message(sessions, store, limits, number, at)


async def check_message(
    sessions: Sessions, store: PromptStore, limits: Limits, number: str, at: datetime
) -> None:
    """Render what a number's terms of now and later have callers told, if we tell it.

    A message that is too short or too long, or that can't be said, is an alarm; it is cleared once
    all is well.
    """
    async with sessions() as s:
        wanted = await _wanted(s, number, at)
        language = next((one.language for one in await listing.list_numbers(s, number)), "")
    problems = []
    for kept, asked in wanted:
        problem = await asyncio.to_thread(_problem, store, limits, kept, asked, language)
        if problem:
            problems.append(f"From {kept.valid_from:%Y-%m-%d}: {problem}")
    async with sessions.begin() as s:
        if problems:
            detail = " ".join(problems)
            await raise_alarm(s, AlarmKind.MESSAGE_UNFIT, number, detail, at=at)
        else:
            await clear_alarm(s, AlarmKind.MESSAGE_UNFIT, number, at=at)


async def _wanted(
    s: AsyncSession, number: str, at: datetime
) -> Sequence[tuple[KeptTerms, CallRules]]:
    kept = await premium.list_terms(s, number)
    now = premium.latest(tuple(reversed(kept)), at)
    return [
        (
            one,
            await rulesets.rules_for_number(s, one.terms.country, number, max(one.valid_from, at)),
        )
        for one in kept
        if one.terms.announced_by == "us" and (one == now or one.valid_from > at)
    ]


def _problem(
    store: PromptStore, limits: Limits, kept: KeptTerms, asked: CallRules, language: str
) -> str | None:
    terms = kept.terms

    def phrases(parts: Sequence[str]) -> tuple[Phrase, ...]:
        return message_phrases(
            parts, retail=terms.retail, provider=terms.publisher, service=terms.service
        )

    message, tone = phrases(asked.message), (Phrase("tone"),)
    try:
        store.ensure((*phrases(VALUED_PARTS), *message, *tone), list(store.voices))
        lasts_ms = store.lasts_ms(message, language)
        before_ms = lasts_ms + store.lasts_ms(tone, language)
    except VoiceFailed:
        raise  # the job tries again
    except PrimelineError as error:
        return error.sentence
    seconds = f"the message of {kept.number} lasts {lasts_ms // 1_000}.{lasts_ms // 100 % 10} s"
    if not rules.message_fits(asked, lasts_ms):
        least, most = asked.message_least_seconds, asked.message_most_seconds
        wanted = f"at least {least} s" + (f" and at most {most} s" if most is not None else "")
        return f"{seconds}; {asked.rule_set} asks for {wanted}."
    if before_ms > limits.announcing_ms:
        return f"{seconds}; with the tone it has {limits.announcing_ms // 1_000} s (announcing_ms)."
    return None
