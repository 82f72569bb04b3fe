"""The facts of a call are frozen, and copied whole when some of them change."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from ari_app.calls.data import CallData
from ari_app.calls.states import State
from billing.kit.limits import Limits

DATA = CallData("call", Limits(), language="fr", talks=2)


def test_a_changed_copy_is_what_the_constructor_would_make() -> None:
    changed = DATA.changed(state=State.TALKING_PAID, talks=3)
    assert changed == replace(DATA, state=State.TALKING_PAID, talks=3)
    assert [getattr(changed, one.name) for one in fields(CallData)] == list(vars(changed).values())


def test_the_original_stays_as_it_was_and_nothing_can_be_set() -> None:
    changed = DATA.changed(talks=3)
    assert (DATA.talks, changed.talks) == (2, 3)
    with pytest.raises(FrozenInstanceError):
        changed.talks = 4  # type: ignore[misc]


def test_a_fact_that_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match="no such fact: talk_count"):
        DATA.changed(talk_count=3)
