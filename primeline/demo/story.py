"""The calls of the demo, played by real SIP phones."""

import asyncio
import time
from dataclasses import dataclass

from billing.money.text import format_money
from billing.tariffs.rules import charge
from primeline.demo import cast
from primeline.demo.screen import Screen
from primeline.demo.words import Words
from primeline.phones import Phone, PhoneCall, State
from primeline.phones.voices import Voice
from primeline.sound import carried_spans, cut_error_ms, whole_span
from primeline.system import System

METER_SECONDS = 5
PREMIUM_TALK_SECONDS = 7
POLL_SECONDS = 0.05
LONGEST_CALL_SECONDS = 120


@dataclass(frozen=True, slots=True)
class PaidCall:
    """Both ends of the first call, as the phones heard it."""

    caller: PhoneCall
    expert: PhoneCall

    def cut_error_ms(self, granted_seconds: int) -> int:
        """How far the cut was from what was granted, at the worse of the two phones."""
        caller = whole_span(carried_spans(self.caller.heard, self.expert.spoken))
        expert = whole_span(carried_spans(self.expert.heard, self.caller.spoken))
        return cut_error_ms(caller, expert, granted_seconds)


@dataclass(frozen=True, slots=True)
class PremiumCall:
    """What the phones saw of the premium-rate call."""

    answered_before_acceptance: bool
    bye_ms: int


class Story:
    """The phones and what they do."""

    def __init__(
        self, system: System, own: cast.Secrets, words: Words, screen: Screen, voices: list[Voice]
    ) -> None:
        server = ("127.0.0.1", system.ports.sip)
        self.carrier = Phone(cast.TRUNK, own.trunk, server=server)
        self.ada = Phone(cast.ADA.endpoint, own.ada, server=server)
        self.luc = Phone(cast.LUC.endpoint, own.luc, server=server)
        self.words = words
        self.screen = screen
        self._voices = voices

    async def paid_call(self) -> PaidCall:
        """Alice calls the menu number, chooses Ada, talks to the end of her credit."""
        screen, words = self.screen, self.words
        screen.chapter(f"Alice has {_euro(cast.ALICE)} and calls the menu number")
        screen.step(f"Alice's phone dials {cast.MENU_NUMBER}")
        call = await self._dial(cast.MENU_NUMBER, cast.ALICE)
        await words.wait("caller", "enter-extension")
        await self._key(call, "Alice", f"{cast.ADA.extension}#")
        await words.wait("caller", "press-1-to-accept")
        await asyncio.sleep(1)
        await self._key(call, "Alice", "1", "that is her consent; the money is held")
        incoming = await self.ada.wait_incoming(seconds=15)
        screen.step("Ada's phone rings; Alice hears ringing, free")
        await asyncio.sleep(1.5)
        await incoming.answer()
        screen.step("Ada answers")
        await words.wait("expert", "press-1-or-3")
        await asyncio.sleep(1)
        call.speak(self._voices[0])
        incoming.speak(self._voices[1])
        await self._key(incoming, "Ada", "1", "she accepts")
        meter = asyncio.create_task(self._meter(call, incoming))
        try:
            await call.wait_ended(seconds=LONGEST_CALL_SECONDS)
            await incoming.wait_ended(seconds=LONGEST_CALL_SECONDS)
        finally:
            meter.cancel()
        screen.step("both phones are hung up")
        return PaidCall(call, incoming)

    async def refused_call(self) -> None:
        """Boris calls Luc's own number with too little credit."""
        screen = self.screen
        screen.chapter(f"Boris has {_euro(cast.BORIS)} and calls Luc's own number")
        screen.step(f"Boris's phone dials {cast.DIRECT_NUMBER}")
        call = await self._dial(cast.DIRECT_NUMBER, cast.BORIS)
        await call.wait_ended(seconds=LONGEST_CALL_SECONDS)
        screen.step("Boris is hung up; Luc's phone never rang, and nothing was charged")

    async def premium_call(self) -> PremiumCall:
        """Clara calls Luc's premium-rate number; he accepts, they talk, he hangs up."""
        screen, words = self.screen, self.words
        price = format_money(cast.TERMS.retail_per_minute, cast.LANGUAGE)
        screen.chapter(f"Clara has no account: her phone company bills her {price} a minute")
        screen.step(f"Clara's phone dials the premium-rate number {cast.PREMIUM_NUMBER}")
        call = await self.carrier.call(cast.PREMIUM_NUMBER, caller_number=cast.CLARAS_NUMBER)
        incoming = await self.luc.wait_incoming(seconds=15)
        screen.step("Luc's phone rings; Clara hears ringing, and the line isn't answered")
        await asyncio.sleep(1)
        await incoming.answer()
        await words.wait("expert", "press-1-or-3")
        call.speak(self._voices[0])
        incoming.speak(self._voices[1])
        accepted_us = time.time_ns() // 1_000
        await self._key(incoming, "Luc", "1", "he accepts; only now may it cost anything")
        await call.wait_state(State.UP, seconds=LONGEST_CALL_SECONDS)
        screen.step("Clara heard the price and stayed: answered, and they talk at once")
        await asyncio.sleep(PREMIUM_TALK_SECONDS)
        gone_us = time.time_ns() // 1_000
        await incoming.hang_up()
        await call.wait_ended()
        bye_ms = (call.at_us(State.ENDED) - gone_us) // 1_000
        screen.step(f"Luc hangs up; Clara is released {bye_ms} ms later, without a word")
        return PremiumCall(call.at_us(State.UP) < accepted_us, bye_ms)

    async def _dial(self, number: str, who: cast.Caller) -> PhoneCall:
        call = await self.carrier.call(number, caller_number=who.number)
        await call.wait_state(State.UP)
        self.screen.step("the line is answered")
        return call

    async def _key(self, call: PhoneCall, who: str, keys: str, why: str = "") -> None:
        self.screen.key(who, keys, why)
        await call.press(keys)

    async def _meter(self, call: PhoneCall, expert: PhoneCall) -> None:
        """Say what the talk costs so far, from the first packet of the other's voice."""
        while not (spans := carried_spans(call.heard, expert.spoken)):  # noqa: ASYNC110  (packets tell nobody)
            await asyncio.sleep(POLL_SECONDS)
        self.screen.step("they talk; the meter runs")
        start = spans[0].first_us
        shown = 0
        while call.state is State.UP and "caller-credit-used-up" not in self.words.heard["expert"]:
            talked = (time.time_ns() // 1_000 - start) // 1_000_000
            if talked >= shown + METER_SECONDS:
                shown = talked - talked % METER_SECONDS
                cost = format_money(charge(cast.TARIFF, shown), cast.LANGUAGE)
                self.screen.meter(shown, cost)
            await asyncio.sleep(POLL_SECONDS)


def _euro(caller: cast.Caller) -> str:
    return format_money(caller.credit, cast.LANGUAGE)
