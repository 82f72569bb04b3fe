"""Carries a call's commands out: requests to Asterisk here, writes through `Records`."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from ari_app import metrics
from ari_app.ari.client import AriClient, AriError
from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.actor import Actor, steady_ms
from ari_app.calls.data import CallData
from ari_app.calls.names import Names
from ari_app.calls.records import Records
from ari_app.calls.states import BOTH, Leg
from billing.calls.values import TimelineEntry
from billing.kit.errors import PrimelineError
from dialplan.prompts.messages import MESSAGE_PARTS
from dialplan.prompts.store import PromptStore
from dialplan.prompts.values import Phrase

FAREWELL_VARIABLE: Final = "PRIMELINE_T"
LANGUAGE_VARIABLE: Final = "PRIMELINE_LANG"
CALL_VARIABLE: Final = "PRIMELINE_CALL"
LINES_CONTEXT: Final = "self-service"
SWITCH: Final = "TIMEOUT(absolute)"
NEVER_LEFT_OUT: Final = MESSAGE_PARTS | {"tone"}
"""What must be heard before anything is charged."""

log = structlog.get_logger(__name__)


def _switch_seconds(ms: int) -> str:
    """Milliseconds as the seconds that `TIMEOUT` takes, exact: 3 250 is 3.250."""
    ms = max(ms, 50)
    return f"{ms // 1000}.{ms % 1000:03d}"


class CallExecutor:
    """One call's hands."""

    def __init__(
        self, actor: Actor, names: Names, ari: AriClient, prompts: PromptStore, records: Records
    ) -> None:
        self._actor = actor
        self._names = names
        self._ari = ari
        self._prompts = prompts
        self._records = records
        self._told: dict[str, str] = {}
        """Variables of the caller's channel, as last set."""
        self._announcements = 0
        self._leased_ms: int | None = None
        self._failed = False

    def note(self, entry: TimelineEntry) -> None:
        """Keep a line of the timeline until the next write."""
        self._records.note(entry)

    async def close(self) -> None:
        """Wait for what is still being written."""
        await self._records.close()

    async def execute(self, commands: Sequence[c.Command], data: CallData) -> None:
        """Carry out in order. After a failure the legs of a talk are not joined any more."""
        self._failed = False
        for command in commands:
            if self._failed and isinstance(command, c.Join):
                continue
            if isinstance(command, c.CountPackets):
                await self._count(command, data)
            elif not self._records.take(command, data):
                await self._request(command, data)

    def _channel(self, leg: Leg, attempt: int) -> str:
        if leg is Leg.CALLER:
            return self._names.caller_channel
        return self._names.expert_channel(attempt)

    def _fail(self, leg: Leg | None, what: str, error: AriError) -> None:
        self._failed = True
        log.warning("asterisk refused", what=what, leg=leg, error=str(error))
        attempt = self._actor.data.attempt if leg is Leg.EXPERT else 0
        self._actor.post(e.CommandFailed(leg, what, attempt))

    async def _request(self, command: c.Command, data: CallData) -> None:  # noqa: C901, PLR0912
        ari, names = self._ari, self._names
        what = type(command).__name__
        leg: Leg | None = getattr(command, "leg", None)
        try:
            match command:
                case c.Answer():
                    leg = Leg.CALLER
                    await ari.answer(names.caller_channel)
                case c.Ring(on):
                    await ari.ring(names.caller_channel, on=on)
                case c.Say(leg, phrases, number):
                    await self._say(leg, phrases, number, data)
                case c.Hush(leg, number):
                    await ari.stop_playback(names.playback(leg, number))
                case c.PassOn(leg, digits):
                    await ari.press(self._channel(leg, data.attempt), digits)
                case c.Announce(bridge, phrases):
                    self._announcements += 1
                    sounds = self._sounds(phrases, data.language)
                    if sounds:
                        await ari.announce(bridge, names.announcement(self._announcements), sounds)
                case c.Limit(legs, for_ms, farewell):
                    await self._limit(legs, for_ms, farewell, data)
                case c.LimitTalk():
                    await self._limit_talk(command, data)
                case c.Lease(until_ms, most_ms):
                    await self._lease(until_ms, most_ms, data)
                case c.CreateLeg(attempt, phone, for_ms):
                    leg = Leg.EXPERT
                    variables = {SWITCH: _switch_seconds(for_ms)}
                    await ari.create(
                        names.expert_channel(attempt),
                        f"PJSIP/{phone.endpoint}",
                        f"expert,{names.call_id}",
                        names.caller_channel,
                        variables,
                    )
                case c.DialLeg(attempt, for_ms):
                    leg = Leg.EXPERT
                    # Our own timer is exact; Asterisk's takes whole seconds and stands behind it.
                    await ari.dial(names.expert_channel(attempt), for_ms // 1000 + 2)
                case c.HangUp(leg, attempt, cause):
                    await ari.hang_up(self._channel(leg, attempt), cause)
                case c.HandOver(line):
                    leg = Leg.CALLER
                    await self._hand_over(line, data.language)
                case c.MakeBridge(bridge):
                    await ari.make_bridge(bridge)
                case c.Join(bridge):
                    channels = (names.expert_channel(data.attempt), names.caller_channel)
                    await ari.join(bridge, channels)
                case c.DropBridge(bridge):
                    await ari.drop_bridge(bridge)
                case _:
                    raise AssertionError(command)
        except AriError as error:
            self._refused(command, leg, what, error)

    def _refused(self, command: c.Command, leg: Leg | None, what: str, error: AriError) -> None:
        if isinstance(command, c.Hush | c.HangUp | c.DropBridge | c.Announce | c.Ring | c.PassOn):
            # Gone already, or of no weight: the call's next event tells.
            if not error.gone:
                log.warning("asterisk refused", what=what, leg=leg, error=str(error))
        elif error.gone and leg is Leg.CALLER:
            # The caller is gone; his `StasisEnd` says so.
            self._failed = True
        else:
            self._fail(leg, what, error)

    async def _count(self, command: c.CountPackets, data: CallData) -> None:
        """Ask for the caller's packets, unless a leg silent since the beginning is gone by now."""
        packets = None
        if self._actor.asterisk_ms() - command.from_ms <= (data.limits.media_seconds + 2) * 1_000:
            try:
                packets = await self._ari.packets(self._names.caller_channel)
            except AriError as error:
                log.info("packets not counted", error=str(error))
        self._actor.post(e.Counted(command.bridge, packets, self._actor.asterisk_ms()))

    async def _say(self, leg: Leg, phrases: Sequence[Phrase], number: int, data: CallData) -> None:
        language = data.language
        if leg is Leg.EXPERT and data.expert is not None:
            language = data.expert.language
        sounds = self._sounds(phrases, language)
        if sounds:
            channel = self._channel(leg, data.attempt)
            await self._ari.play(channel, self._names.playback(leg, number), sounds)
        else:
            self._actor.post(e.Said(leg, number, heard=False))

    def _sounds(self, phrases: Sequence[Phrase], language: str) -> list[str]:
        """The files of all phrases; none if one is missing that must not be.

        One that may be left out (an amount beyond what was rendered) takes no other with it.
        """
        sounds: list[str] = []
        for phrase in phrases:
            try:
                sounds += self._prompts.media(phrase, language)
            except PrimelineError as error:
                log.error("prompt missing", error=error.sentence)  # noqa: TRY400
                if phrase.id in NEVER_LEFT_OUT:
                    return []
        return sounds

    async def _limit_talk(self, command: c.LimitTalk, data: CallData) -> None:
        for_ms = command.until_ms - self._actor.asterisk_ms() + data.limits.grace_ms
        await self._limit(BOTH, for_ms, command.farewell, data)
        if not self._failed:
            metrics.granted(data, self._actor.asterisk_ms())
            self._actor.post(e.LimitSet(command.granted_seconds))

    async def _lease(self, until_ms: int | None, most_ms: int | None, data: CallData) -> None:
        for_ms = data.limits.premium_lease_ms
        if until_ms is not None:
            for_ms = min(for_ms, max(0, until_ms - self._actor.asterisk_ms()))
        elif most_ms is not None:
            for_ms = min(for_ms, most_ms)
        await self._limit(BOTH, for_ms + data.limits.grace_ms, "silent", data)
        if not self._failed:
            before_ms, self._leased_ms = self._leased_ms, steady_ms()
            metrics.leased(data, self._leased_ms - (before_ms or self._leased_ms))

    async def _limit(self, legs: Sequence[Leg], for_ms: int, farewell: str, data: CallData) -> None:
        await asyncio.gather(*(self._limit_leg(leg, for_ms, farewell, data) for leg in legs))

    async def _limit_leg(self, leg: Leg, for_ms: int, farewell: str, data: CallData) -> None:
        channel = self._channel(leg, data.attempt)
        variables = {SWITCH: _switch_seconds(for_ms)}
        if leg is Leg.CALLER:
            variables |= self._for_dialplan(farewell, data.language)
        try:
            await self._ari.set_variables(channel, variables)
            self._told |= variables
            if not self._ari.switch_proved:
                # A function that can't be written answers 204 too: read it back once.
                await self._prove_switch(channel)
        except AriError as error:
            if error.gone:
                self._failed = True
            else:
                self._fail(leg, "Limit", error)

    async def _hand_over(self, line: str, language: str) -> None:
        channel = self._names.caller_channel
        variables = {CALL_VARIABLE: str(self._names.call_id)}
        variables |= self._for_dialplan("apology", language)
        await self._ari.set_variables(channel, variables)
        await self._ari.leave(channel, LINES_CONTEXT, line)

    async def _prove_switch(self, channel: str) -> None:
        left = await self._ari.variable(channel, SWITCH)
        if not left.strip("0. "):
            raise AriError("GET", SWITCH, 500, "the dead-man's switch could not be set")
        self._ari.switch_proved = True

    def _for_dialplan(self, farewell: str, language: str) -> dict[str, str]:
        """What the dialplan doesn't know yet of what it is to say, and in which language."""
        wanted = {FAREWELL_VARIABLE: farewell, LANGUAGE_VARIABLE: language}
        return {name: value for name, value in wanted.items() if self._told.get(name) != value}
