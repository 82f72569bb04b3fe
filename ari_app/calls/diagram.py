"""The machine's diagram and its list of hang-up tests, made from its table.

`python -m ari_app.calls.diagram` prints the page that stands in `docs/reference/call-machine.md`; a
test fails when the two differ.
"""

import re
import sys
from collections.abc import Iterator

from ari_app.calls.machine import IMPOSSIBLE, TABLE, Kind
from ari_app.calls.states import Leg, State


def page() -> str:
    """The whole page, as Markdown with a Mermaid diagram."""
    return "\n".join((*_head(), *_diagram(), *_events(), *_hang_ups(), ""))


def required_hang_ups() -> list[tuple[State, Leg]]:
    """Every state and leg whose hang-up needs a test on a real Asterisk."""
    return [(state, leg) for state in State for leg in Leg if (state, leg) not in IMPOSSIBLE]


def _head() -> Iterator[str]:
    yield "# The call machine"
    yield ""
    yield "Made from the table in `ari_app/calls/machine.py` by `python -m ari_app.calls.diagram`;"
    yield "don't edit it by hand."
    yield ""


def _diagram() -> Iterator[str]:
    """The arrows, without those of a hang-up or a fault, which lead to settling from anywhere."""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {_id(State.RECEIVED)}"
    for state, rules in TABLE.items():
        targets: dict[State, list[str]] = {}
        for kind, rule in rules.items():
            for target in sorted(rule.targets - {state}):
                targets.setdefault(target, []).append(_words(kind))
        for target, whats in targets.items():
            yield f"    {_id(state)} --> {_id(target)}: {', '.join(whats)}"
    yield f"    {_id(State.OVER)} --> [*]"
    yield "```"
    yield ""


def _events() -> Iterator[str]:
    yield "| state | event | may lead to |"
    yield "| --- | --- | --- |"
    for state, rules in TABLE.items():
        for kind, rule in rules.items():
            targets = ", ".join(str(target) for target in sorted(rule.targets)) or "the same state"
            yield f"| {state} | {_words(kind)} | {targets} |"
    yield ""


def _hang_ups() -> Iterator[str]:
    yield "## Who may hang up when"
    yield ""
    yield "Each cell with a test is driven by a real phone on a real Asterisk"
    yield "(`tests/calls/test_hang_ups.py`)."
    yield ""
    yield "| state | caller hangs up | expert hangs up |"
    yield "| --- | --- | --- |"
    for state in State:
        cells = (IMPOSSIBLE.get((state, leg)) for leg in Leg)
        yield f"| {state} | {' | '.join(f'not: {why}' if why else 'tested' for why in cells)} |"


def _id(state: State) -> str:
    return str(state).replace(" ", "_")


def _words(kind: Kind) -> str:
    event, leg = kind
    if leg is not None:
        return f"{leg} gone"
    return re.sub(r"(?<!^)([A-Z])", r" \1", event.__name__).lower()


if __name__ == "__main__":
    sys.stdout.write(page())
