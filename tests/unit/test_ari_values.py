"""Asterisk's events and records as values, and the names of our channels."""

from typing import Any
from uuid import UUID

import pytest

from ari_app.ari import events as a
from ari_app.calls.diagram import page, required_hang_ups
from ari_app.calls.machine import TABLE
from ari_app.calls.names import Names, call_of, leg_of, number_of
from ari_app.calls.states import Leg, State
from ari_app.cel import parse as parse_cel

CALL = UUID("019f0000-0000-7000-8000-000000000001")
STAMP = {"timestamp": "2026-11-22T21:00:00.123+0000"}
AT_MS = 1_795_381_200_123
CHANNEL: dict[str, Any] = {"id": "1.1", "state": "Up", "caller": {"number": "33199001234"}}


@pytest.mark.parametrize(
    ("raw", "event"),
    [
        (
            {"type": "StasisStart", "args": ["in", "0199", "t"], "channel": CHANNEL},
            a.StasisStart(AT_MS, "1.1", ("in", "0199", "t"), "33199001234"),
        ),
        ({"type": "StasisEnd", "channel": CHANNEL}, a.StasisEnd(AT_MS, "1.1")),
        (
            {"type": "ChannelDestroyed", "channel": CHANNEL, "cause": 17},
            a.ChannelDestroyed(AT_MS, "1.1", 17),
        ),
        ({"type": "ChannelStateChange", "channel": CHANNEL}, a.ChannelUp(AT_MS, "1.1")),
        ({"type": "ChannelStateChange", "channel": {**CHANNEL, "state": "Ringing"}}, None),
        (
            {"type": "ChannelDtmfReceived", "channel": CHANNEL, "digit": "#"},
            a.ChannelDtmf(AT_MS, "1.1", "#"),
        ),
        (
            {"type": "ChannelLeftBridge", "channel": CHANNEL, "bridge": {"id": "b"}},
            a.LeftBridge(AT_MS, "1.1", "b"),
        ),
        (
            {"type": "PlaybackFinished", "playback": {"id": "p", "state": "failed"}},
            a.PlaybackFinished(AT_MS, "p", failed=True),
        ),
        ({"type": "ApplicationReplaced"}, a.ApplicationReplaced(AT_MS)),
        ({"type": "SomethingNew"}, None),
        ({}, None),
    ],
)
def test_an_event_is_read_with_asterisks_own_time(
    raw: dict[str, Any], event: a.AriEvent | None
) -> None:
    assert a.parse({**raw, **STAMP}) == event


def test_an_event_without_its_channel_is_an_error() -> None:
    with pytest.raises(KeyError):
        a.parse({"type": "StasisEnd", **STAMP})


def test_names_lead_back_to_their_call() -> None:
    names = Names(CALL, "1.1")
    assert call_of(names.expert_channel(2)) == CALL
    assert number_of(names.expert_channel(2)) == 2
    assert call_of(names.playback(Leg.EXPERT, 3)) == CALL
    assert leg_of(names.playback(Leg.EXPERT, 3)) is Leg.EXPERT
    assert leg_of(names.announcement(1)) is None


@pytest.mark.parametrize("name", ["", "1.1", "PJSIP/x-0001", f"{CALL}", f"{CALL}x"])
def test_a_foreign_name_belongs_to_no_call(name: str) -> None:
    assert call_of(name) is None


def test_asterisks_record_is_read_in_microseconds() -> None:
    text = (
        '"BRIDGE_ENTER","1795381200.123456","1.1","1.1",'
        '"{""bridge_id"":""b-paid-1"",""bridge_technology"":""simple_bridge""}"\n'
        '"CHAN_END","1795381201.000001","1.1","1.1",""\n'
    )
    enter, end = parse_cel(text)
    assert enter.extra["bridge_id"] == "b-paid-1"
    assert enter.at_us == 1_795_381_200_123_456
    assert end.extra == {}


def test_a_torn_line_of_the_record_loses_only_itself() -> None:
    assert len(parse_cel('"HANGUP","x"\n"CHAN_END","1795381201.000001","1.1","1.1",""\n')) == 1


def test_nothing_in_the_record_is_nothing() -> None:
    assert parse_cel("") == []


def test_the_page_in_the_docs_is_the_machine_as_it_is(pytestconfig: pytest.Config) -> None:
    written = (pytestconfig.rootpath / "docs/reference/call-machine.md").read_text()
    make = "python -m ari_app.calls.diagram > docs/reference/call-machine.md"
    assert written == page(), f"run: {make}"


def test_every_state_before_the_end_has_a_hang_up_to_test() -> None:
    assert {state for state, _ in required_hang_ups()} == set(TABLE) - {State.ENDING, State.OVER}
