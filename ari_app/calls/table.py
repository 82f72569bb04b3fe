"""What a column of the machine is made of: rules by state and kind of event."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ari_app.calls import events as e
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import Turn

Kind = tuple[type[e.Event], Leg | None]
"""What selects a rule: the event's type and, for the end of a leg, which leg."""

CALLER_GONE: Final[Kind] = (e.LegEnded, Leg.CALLER)
EXPERT_GONE: Final[Kind] = (e.LegEnded, Leg.EXPERT)


@dataclass(frozen=True, slots=True)
class Rule:
    """A handler and every state it may lead to."""

    handler: Callable[[Turn, Any], None]
    targets: frozenset[State]


Rules = Mapping[Kind, Rule]
"""The legal events of one state."""

Column = Mapping[State, Rules]
"""The states that a call of one kind goes through."""


def rule(handler: Callable[[Turn, Any], None], *targets: State) -> Rule:
    """Make a rule."""
    return Rule(handler, frozenset(targets))
