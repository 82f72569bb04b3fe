"""What the rules of three countries ask for during a premium-rate call, heard and timed by phones.

The operator has set Britain's notices to pennies, so that seconds are enough.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import pytest_asyncio
from sqlalchemy import text

from billing.catalogue import experts
from billing.catalogue.rules import retail
from billing.money.text import parse
from billing.money.values import Money
from billing.rulesets import service as rulesets
from dialplan.prompts.values import Phrase
from primeline.phones import PhoneCall
from primeline.phones import State as PhoneState
from tests.calls import evidence
from tests.calls.aftermath import at_us
from tests.calls.premium import TERMS, add_terms, answered_us, premium_number, statuses, to_offering
from tests.calls.stage import AMERICAN, BRITISH, ExpertOnStage, Stage, Talk, euro
from tests.calls.together import Outcomes, Scenarios

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_ONCE: Final = 4
GAP_MS: Final = 3_000
LATE_MS: Final = 600
"""What hearing a tone and answering may take beside the gap, on a busy machine."""


def pounds(amount: str) -> Money:
    return parse(amount, "GBP")


def dollars(amount: str) -> Money:
    return parse(amount, "USD")


NOTICES: Final = {"notice-tell": "0.12", "notice-confirm": "0.30", "notice-end": "0.48"}
"""At 3.60 a minute: told at 2 s, to be confirmed by 5 s, over at 8 s."""
BRITAIN: Final[dict[str, Any]] = {
    "digits": BRITISH,
    "country": "GB",
    "announced_by": "us",
    "retail_per_minute": pounds("3.60"),
    "retail_per_call": pounds("0"),
    "outpayment_per_minute": pounds("1"),
    "outpayment_per_call": pounds("0"),
}
AMERICA: Final[dict[str, Any]] = {
    "country": "US",
    "announced_by": "us",
    "retail_per_minute": dollars("1.99"),
    "retail_per_call": dollars("0"),
    "outpayment_per_minute": dollars("1"),
    "outpayment_per_call": dollars("0"),
}


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a call: its end, and whether it was ever answered."""

    call: PhoneCall
    caller: str
    expert: ExpertOnStage
    reason: str
    rule_set: str
    answered: bool = True


scenario: Scenarios[Came] = Scenarios()
FRANCE: Final = "EU-2018-01-13 FR-2015-10-01"


async def heard_in_order(
    stage: Stage, call: PhoneCall, *phrases: Phrase | str, language: str = "en"
) -> int:
    """Wait until each phrase was heard, one after the other; gives the last one's beginning."""
    since_us = 1
    for phrase in phrases:
        since_us = await stage.hears(call, phrase, language=language, since_us=since_us)
    return since_us


async def _accepted(stage: Stage, caller: str, expert: ExpertOnStage, number: str) -> Talk:
    """The expert has accepted a call to a number of his; what follows is the caller's to hear."""
    call = await stage.dial(caller, number)
    incoming = await expert.phone.wait_incoming()
    await incoming.answer()
    await stage.hears(incoming, "press-1-or-3")
    await incoming.press("1")
    return Talk(call, incoming)


# France: the message, the tone, the key that ends the message in its call alone.


@scenario("a French line says all that the rules ask for, in French, before the answer")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_offering(stage, caller, expert, announced_by="us", language="fr")
    await talk.expert.press("1")
    return await _french_message(stage, Came(talk.caller, caller, expert, "caller-hung-up", FRANCE))


async def _french_message(stage: Stage, came: Came) -> Came:
    tone_us = await heard_in_order(
        stage,
        came.call,
        Phrase("provider", TERMS.publisher),
        Phrase("service", TERMS.service),
        Phrase("price", TERMS.retail),
        "plus-normal-call",
        "hang-up-free",
        "tone",
        language="fr",
    )
    await came.call.wait_until(lambda: 200 in statuses(came.call), "the answer")
    assert tone_us < answered_us(came.call)
    await came.call.hang_up()
    return came


@scenario("the hash key ends the French message, and the next call hears it again")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    number = await premium_number(stage, expert, announced_by="us", language="fr")
    talk = await _accepted(stage, caller, expert, number)
    await stage.hears(talk.caller, Phrase("provider", TERMS.publisher), language="fr")
    await talk.caller.press("#")
    await talk.caller.wait_until(lambda: 200 in statuses(talk.caller), "the answer")
    await stage.hears(talk.caller, "tone", language="fr")
    with pytest.raises(AssertionError, match="not heard"):
        await stage.hears(talk.caller, "hang-up-free", language="fr", seconds=0)
    await talk.caller.hang_up()
    await talk.expert.wait_ended()
    await stage.ended(caller)
    again = (await _accepted(stage, caller, expert, number)).caller
    return await _french_message(stage, Came(again, caller, expert, "caller-hung-up", FRANCE))


# Europe: what a call and a month may cost.


@scenario("a call ends before it costs more than 50 euros, whatever its terms allow")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_offering(stage, caller, expert, retail_per_minute=euro(100_000))
    await talk.expert.press("1")
    await talk.caller.wait_ended()
    _lasted(talk.caller, 3)
    return Came(talk.caller, caller, expert, "limit-reached", FRANCE)


@scenario("a caller number that spent 300 euros this month is refused")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    number = await premium_number(stage, expert)
    month = datetime.now(UTC).date().isoformat()[:7]
    async with stage.sessions.begin() as s:
        await s.execute(
            text(
                "INSERT INTO premium_spendings (caller_number, period, began_on, currency, posted)"
                " VALUES (:caller, 'month', :month, 'EUR', :spent)"
            ),
            {"caller": caller, "month": month, "spent": euro(30_000).amount},
        )
    try:
        call = await stage.dial(caller, number)
        await call.wait_ended()
    finally:
        # No call of his explains what he spent, and the books are checked after other tests.
        async with stage.sessions.begin() as s:
            mine = {"caller": caller}
            await s.execute(
                text("DELETE FROM premium_spendings WHERE caller_number = :caller"), mine
            )
    assert statuses(call)[-1] == 403
    return Came(call, caller, expert, "limit-reached", "", answered=False)


@scenario("both are warned before the longest time of a call is over")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_offering(stage, caller, expert, maximum_seconds=4)
    await talk.expert.press("1")
    for call in (talk.caller, talk.expert):
        warned_us = await stage.hears(call, "warning")
        assert 1_000 <= (warned_us - answered_us(talk.caller)) // 1_000 <= 3_000
    await talk.caller.wait_ended()
    _lasted(talk.caller, 4)
    return Came(talk.caller, caller, expert, "maximum-reached", FRANCE)


# Britain: the access charge, and what the caller is told of his spending.


@scenario("a British call for an expert whom nobody has checked is refused before the answer")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    call = await stage.dial(caller, await premium_number(stage, expert, **BRITAIN))
    await call.wait_ended()
    assert expert.phone.calls == []
    assert statuses(call)[-1] == 480
    return Came(call, caller, expert, "expert-not-checked", "", answered=False)


async def _to_notice(stage: Stage, caller: str, expert: ExpertOnStage) -> Talk:
    async with stage.sessions.begin() as s:
        at = datetime.now(UTC)
        await experts.check_expert(s, expert.expert_id, by="sam", note="Passport seen.", at=at)
    talk = await to_offering(stage, caller, expert, **BRITAIN)
    await talk.expert.press("1")
    retail_price = replace(TERMS, **{n: v for n, v in BRITAIN.items() if n != "digits"}).retail
    await heard_in_order(
        stage, talk.caller, Phrase("price", retail_price), "access-charge", "tone",
        "spent-so-far", Phrase("amount", pounds("0.12")),
    )  # fmt: skip
    asked_us = await heard_in_order(
        stage, talk.caller, "spent-soon", Phrase("amount", pounds("0.30")), "press-1-to-go-on"
    )
    assert asked_us < answered_us(talk.caller) + 5_000_000
    return talk


@scenario("a British caller who does not confirm is released before he pays more")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await _to_notice(stage, caller, expert)
    await talk.caller.wait_ended()
    _lasted(talk.caller, 5)
    return Came(talk.caller, caller, expert, "not-confirmed", "GB-2025-02-01")


@scenario("a British caller who confirms goes on, to the end that nobody can put off")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await _to_notice(stage, caller, expert)
    await talk.caller.press("1")
    await talk.caller.wait_ended()
    await talk.expert.wait_ended(seconds=1)
    _lasted(talk.caller, 8)
    return Came(talk.caller, caller, expert, "limit-reached", "GB-2025-02-01")


# America: the preamble whole after a rise, and three seconds in which hanging up is free.


async def _to_gap(stage: Stage, caller: str, expert: ExpertOnStage) -> tuple[Talk, int]:
    """The caller tried to skip the preamble of a number that became dearer yesterday."""
    number = await stage.number(expert=expert, digits=AMERICAN)
    now = datetime.now(UTC)
    cheaper = {**AMERICA, "retail_per_minute": dollars("1.49")}
    await add_terms(stage, number, now - timedelta(days=9), **cheaper)
    await add_terms(stage, number, now - timedelta(days=1), **AMERICA)
    talk = await _accepted(stage, caller, expert, number)
    await stage.hears(talk.caller, Phrase("provider", TERMS.publisher))
    await talk.caller.press("#")
    tone_us = await heard_in_order(
        stage, talk.caller, Phrase("service", TERMS.service), "no-transfer-fee", "hang-up-free",
        "parents", "tone",
    )  # fmt: skip
    return talk, tone_us


@scenario("an American caller is answered three seconds after the tone")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    talk, tone_us = await _to_gap(stage, caller, expert)
    await talk.caller.wait_until(lambda: 200 in statuses(talk.caller), "the answer")
    waited_ms = (answered_us(talk.caller) - tone_us) // 1_000
    assert GAP_MS <= waited_ms <= GAP_MS + 300 + LATE_MS, waited_ms
    await talk.caller.hang_up()
    await talk.expert.wait_ended()
    return Came(talk.caller, caller, expert, "caller-hung-up", "US-1993-11-01")


@scenario("an American caller who hangs up within three seconds of the tone pays nothing")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    talk, _ = await _to_gap(stage, caller, expert)
    await asyncio.sleep(1.5)
    await talk.caller.hang_up()
    await talk.expert.wait_ended()
    reason = "caller-hung-up"
    return Came(talk.caller, caller, expert, reason, "US-1993-11-01", answered=False)


def _lasted(call: PhoneCall, seconds: int) -> None:
    lasted_ms = (at_us(call, PhoneState.ENDED) - answered_us(call)) // 1_000
    assert seconds * 1_000 - 400 <= lasted_ms <= seconds * 1_000, lasted_ms
    assert call.ended_by == "them"


# What came of them.


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(stage: Stage) -> AsyncIterator[Outcomes[Came]]:
    async with stage.sessions.begin() as s:
        for name, amount in NOTICES.items():
            await rulesets.set_figure(s, "GB", name, amount, at=datetime.now(UTC))
    await stage.say(*(Phrase("amount", pounds(NOTICES[name])) for name in NOTICES))
    yield await scenario.play(stage, at_once=AT_ONCE)


@pytest.mark.parametrize("name", scenario.names)
async def test_a_rule_acts_in_a_call(stage: Stage, played: Outcomes[Came], name: str) -> None:
    came = played.of(name)
    record = await stage.ended(came.caller)
    settlement = record.summary.settlement
    assert settlement is not None
    await evidence.nothing_left(stage, record.summary.call_id)
    assert record.summary.reason == came.reason
    if came.rule_set:
        assert record.premium is not None
        assert record.premium.bounds.rule_set == came.rule_set
    assert (200 in statuses(came.call)) is came.answered
    if not came.answered:
        assert record.ledger == ()
        return
    assert record.premium is not None
    outcome = settlement.premium
    assert outcome is not None
    # What was announced is what is due: never a second more than the cap, or than the amount
    # that was not confirmed.
    assert outcome.retail == retail(record.premium.terms, outcome.metered_seconds)
    most = record.premium.cap.seconds if came.reason != "not-confirmed" else 5
    assert outcome.metered_seconds <= most
