"""Premium-rate calls on a running system: set up, driven to a state, and what the wire shows."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from billing.catalogue import premium
from billing.catalogue.values import PremiumTerms
from dialplan.prompts.values import Phrase
from primeline.phones import PhoneCall
from tests.calls.stage import (
    CALLER_TONE,
    CARRIER,
    EXPERT_TONE,
    FRENCH,
    ExpertOnStage,
    Stage,
    Talk,
    euro,
)

TERMS: Final = PremiumTerms(
    retail_per_minute=euro(80),
    retail_per_call=euro(0),
    outpayment_per_minute=euro(52),
    outpayment_per_call=euro(0),
    carrier=CARRIER,
    announced_by="carrier",
    country="FR",
    publisher="Example SARL",
    service="Advice",
    category="advice",
    time_zone="Europe/Paris",
)

_STATUS = re.compile(r"^SIP/2\.0 (\d{3}) .*?^CSeq: \d+ INVITE", re.MULTILINE | re.DOTALL)


async def premium_number(
    stage: Stage,
    expert: ExpertOnStage | None = None,
    *,
    digits: str = FRENCH,
    language: str = "en",
    **changes: Any,
) -> str:
    """An expert's own premium-rate number, or a menu."""
    number = await stage.number(expert=expert, digits=digits, language=language)
    await add_terms(stage, number, datetime.now(UTC), **changes)
    return number


async def add_terms(stage: Stage, number: str, valid_from: datetime, **changes: Any) -> None:
    """Give a number terms, and have all rendered that a message may say of them."""
    terms = replace(TERMS, **changes)
    async with stage.sessions.begin() as s:
        await premium.add_terms(s, number, terms, valid_from=valid_from, at=datetime.now(UTC))
    await stage.say(
        Phrase("price", terms.retail),
        Phrase("provider", terms.publisher),
        Phrase("service", terms.service),
    )


async def to_ringing(stage: Stage, caller: str, expert: ExpertOnStage, **changes: Any) -> Talk:
    """The expert's first phone rings; the caller is not answered."""
    call = await stage.dial(caller, await premium_number(stage, expert, **changes))
    return Talk(call, await expert.phone.wait_incoming())


async def to_offering(stage: Stage, caller: str, expert: ExpertOnStage, **changes: Any) -> Talk:
    """The expert has answered and heard the offer."""
    talk = await to_ringing(stage, caller, expert, **changes)
    await talk.expert.answer()
    await stage.hears(talk.expert, "press-1-or-3")
    return talk


async def to_talk(stage: Stage, caller: str, expert: ExpertOnStage, **changes: Any) -> Talk:
    """Both talk: each hears the other's tone."""
    talk = await to_offering(stage, caller, expert, **changes)
    talk.caller.speak(CALLER_TONE)
    talk.expert.speak(EXPERT_TONE)
    await talk.expert.press("1")
    await stage.both_talk(talk)
    return talk


def answers(call: PhoneCall) -> list[tuple[int, int]]:
    """The statuses that came for the caller's INVITE, with their moments (µs); no 100, no 401."""
    found = []
    for message in call.phone.wire.log:
        status = None if message.sent else _STATUS.match(message.text)
        if status and int(status[1]) not in {100, 401, 407}:
            found.append((int(status[1]), message.at_us))
    return found


def statuses(call: PhoneCall) -> list[int]:
    """The same without moments, repeats left out."""
    found: list[int] = []
    for status, _ in answers(call):
        if found[-1:] != [status]:
            found.append(status)
    return found


def answered_us(call: PhoneCall) -> int:
    """When the 200 came, which starts the carrier's meter."""
    return next(at_us for status, at_us in answers(call) if status == 200)
