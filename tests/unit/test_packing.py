"""Calls are handed over as JSON: whatever a call knows must come back as it was."""

import dataclasses
import json
import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from fractions import Fraction
from types import UnionType
from typing import Any
from uuid import UUID

import pytest

from ari_app.ari import events as ari_events
from ari_app.calls import events
from ari_app.calls.carried import Carried, Waiting
from ari_app.calls.data import CallData, Talk
from ari_app.packing import Unpackable, pack, unpack
from billing.calls.values import TimelineEntry
from billing.kit.limits import Limits
from billing.money.values import Money

PLAIN: dict[type, Any] = {
    str: "a word",
    int: 41,
    bool: True,
    UUID: UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
    datetime: datetime(2026, 11, 23, 12, 30, 15, 250_000, tzinfo=UTC),
    timedelta: timedelta(seconds=90, microseconds=7),
    Fraction: Fraction(7, 10),
}


def sample(hint: Any) -> Any:  # noqa: C901, PLR0911  (one for each kind of type)
    """A value of a type; an optional one has its value, so that every field is tried."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if hint is Any:
        return Money.of_minor(125, "EUR")
    if hint is dict:
        return {"seconds": 3}
    if origin is typing.Annotated:
        return sample(parts[0])
    if origin is typing.Literal:
        return parts[0]
    if origin in {typing.Union, UnionType}:
        return sample(next(one for one in parts if one is not type(None)))
    if origin is tuple:
        return (sample(parts[0]),) if parts[-1] is ... else tuple(map(sample, parts))
    if origin is frozenset:
        return frozenset({sample(parts[0])})
    if origin is dict or getattr(origin, "__name__", "") == "Mapping":
        return {sample(parts[0]): sample(parts[1])}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[-1]
    if isinstance(hint, type) and is_dataclass(hint):
        return filled(hint)
    raise AssertionError(f"no sample of {hint}: can it be handed over?")


VALID: dict[str, Any] = {"currency": "EUR", "leg": None}
"""Words that not every text is."""


def filled(kind: type[Any]) -> Any:
    """A dataclass with a value in each field that is none of its defaults where that can be."""
    hints = typing.get_type_hints(kind, include_extras=True)
    given = {one.name: sample(hints[one.name]) for one in fields(kind) if one.init}
    given |= {name: VALID[name] for name in given if VALID.get(name)}
    return kind(**given)


def within(kind: type[Any], seen: set[type]) -> Iterator[type[Any]]:
    """A dataclass and all that its fields are made of."""
    if kind in seen:
        return
    seen.add(kind)
    yield kind
    for hint in typing.get_type_hints(kind).values():
        waiting = [hint]
        while waiting:
            one = waiting.pop()
            waiting += typing.get_args(one)
            if isinstance(one, type) and is_dataclass(one):
                yield from within(one, seen)


def over_the_wire(value: Any) -> Any:
    return unpack(json.loads(json.dumps(pack(value))))


KINDS = sorted(within(CallData, set()), key=lambda kind: kind.__name__)
EVENTS = [
    kind
    for module in (events, ari_events)
    for kind in vars(module).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module.__name__
]


@pytest.mark.parametrize("kind", [*KINDS, *EVENTS], ids=lambda kind: kind.__name__)
def test_each_field_of_all_that_a_call_knows_comes_back(kind: type[Any]) -> None:
    value = filled(kind)
    back = over_the_wire(value)
    assert back == value
    assert type(back) is kind


def test_a_call_between_two_turns_comes_back() -> None:
    waiting = Waiting((("cut", 12_345),), (events.TimerFired("wait"),), ahead_ms=7)
    note = TimelineEntry(1, "quoted", {"seconds": 3})
    carried = Carried(filled(CallData), "1.7", waiting, (note,), by_cel=False, settled=True)
    assert over_the_wire(carried) == carried


def test_fields_of_another_version_are_left_out_or_have_their_defaults() -> None:
    raw = pack(Talk("b", paid=True, tones=2))
    del raw["fields"]["tones"]
    raw["fields"]["colour"] = "red"
    assert unpack(raw) == Talk("b", paid=True)


@dataclass(frozen=True)
class Foreign:
    one: int = 1


@pytest.mark.parametrize("value", [Foreign(), 1.5, object(), b"bytes"])
def test_what_is_not_ours_is_not_handed_over(value: object) -> None:
    with pytest.raises(Unpackable):
        pack(value)


@pytest.mark.parametrize(
    "raw",
    [
        {"of": "os:system", "fields": {}},
        {"of": "billing.kit.limits:replace", "fields": {}},
        {"of": "billing.kit.limits:Nobody", "fields": {}},
        {"of": "billing.money.values:Money", "fields": {}},
        {"enum": "ari_app.calls.states:State", "value": "dancing"},
        {"uuid": "7"},
        {"float": 1},
        {},
        [1],
    ],
)
def test_what_is_no_value_of_ours_is_refused(raw: object) -> None:
    with pytest.raises(Unpackable):
        unpack(raw)


def test_limits_come_back_as_they_were_set() -> None:
    limits = dataclasses.replace(Limits(), grant_seconds=7)
    assert over_the_wire(limits) == limits
