"""The machine's diagram and its list of hang-up tests, made from its table.

`python -m ari_app.calls.diagram` prints the page that stands in `docs/reference/call-machine.md`; a
test fails when the two differ.
"""

import re
import sys
from collections.abc import Iterator, Mapping

from ari_app.calls.machine import IMPOSSIBLE, TABLE
from ari_app.calls.premium_table import PREMIUM, PREMIUM_IMPOSSIBLE
from ari_app.calls.states import Leg, State
from ari_app.calls.table import Column, Kind


def page() -> str:
    """The whole page, as Markdown with a Mermaid diagram for each column."""
    prepaid = (*_diagram(TABLE), *_events(TABLE), *_hang_ups(TABLE, IMPOSSIBLE))
    premium = (*_diagram(PREMIUM), *_events(PREMIUM), *_hang_ups(PREMIUM, PREMIUM_IMPOSSIBLE))
    return "\n".join((*_head(), *prepaid, "", *_premium_head(), *premium, ""))


def required_hang_ups() -> list[tuple[State, Leg]]:
    """Every state and leg whose hang-up needs a test on a real Asterisk."""
    return [(state, leg) for state in TABLE for leg in Leg if (state, leg) not in IMPOSSIBLE]


def required_premium_hang_ups() -> list[tuple[State, Leg]]:
    """The same for the column of premium-rate numbers."""
    cells = [(state, leg) for state in PREMIUM for leg in Leg]
    return [cell for cell in cells if cell not in PREMIUM_IMPOSSIBLE]


def _head() -> Iterator[str]:
    yield "# The call machine"
    yield ""
    yield "Made from the table in `ari_app/calls/machine.py` by `python -m ari_app.calls.diagram`;"
    yield "don't edit it by hand."
    yield ""


def _premium_head() -> Iterator[str]:
    yield "# Premium-rate numbers"
    yield ""
    yield "A call begins as above. Once its number proves premium-rate, it goes on from *holding*"
    yield "by this column (`ari_app/calls/premium_table.py`)."
    yield ""


def _diagram(column: Column) -> Iterator[str]:
    """The arrows, without those of a hang-up or a fault, which lead to settling from anywhere."""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {_id(next(iter(column)))}"
    for state, rules in column.items():
        targets: dict[State, list[str]] = {}
        for kind, rule in rules.items():
            for target in sorted(rule.targets - {state}):
                targets.setdefault(target, []).append(_words(kind))
        for target, whats in targets.items():
            yield f"    {_id(state)} --> {_id(target)}: {', '.join(whats)}"
    yield f"    {_id(State.OVER)} --> [*]"
    yield "```"
    yield ""


def _events(column: Column) -> Iterator[str]:
    yield "| state | event | may lead to |"
    yield "| --- | --- | --- |"
    for state, rules in column.items():
        for kind, rule in rules.items():
            targets = ", ".join(str(target) for target in sorted(rule.targets)) or "the same state"
            yield f"| {state} | {_words(kind)} | {targets} |"
    yield ""


def _hang_ups(column: Column, impossible: Mapping[tuple[State, Leg], str]) -> Iterator[str]:
    yield "## Who may hang up when"
    yield ""
    yield "Each cell with a test is driven by a real phone on a real Asterisk"
    tests = "test_hang_ups.py" if column is TABLE else "test_premium_hang_ups.py"
    yield f"(`tests/calls/{tests}`)."
    yield ""
    yield "| state | caller hangs up | expert hangs up |"
    yield "| --- | --- | --- |"
    for state in column:
        cells = (impossible.get((state, leg)) for leg in Leg)
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
