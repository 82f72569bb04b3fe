"""A refusal that money or catalogue may give is one that a call can say."""

import pytest

from ari_app.calls import events as e
from ari_app.calls.refusing import NO_TALK
from ari_app.calls.states import State
from billing.calls.values import EndReason
from billing.charging.values import Refusal
from dialplan.prompts.catalogue import catalogue
from tests.unit.test_call_machine import quoting


@pytest.mark.parametrize("refusal", Refusal)
def test_each_refusal_is_told_in_words_of_its_own(refusal: Refusal) -> None:
    assert NO_TALK[EndReason(refusal.value)] in catalogue("en")
    play = quoting().then(e.NotGranted(refusal))
    assert play.data.state in {State.CHOOSING, State.SETTLING}


def test_a_refusal_without_words_of_its_own_still_ends_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(NO_TALK, EndReason.CURRENCY)
    play = quoting().then(e.NotGranted(Refusal.CURRENCY))
    assert play.data.state is State.CHOOSING
    assert play.spoken()[0] == "service-down"
