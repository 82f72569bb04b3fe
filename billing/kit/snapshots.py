"""Reading back values that were frozen into a row as JSON: strict, because money hangs on them."""

from collections.abc import Collection, Mapping
from typing import Any

from billing.kit.errors import PrimelineError


class UnreadableSnapshot(PrimelineError):
    """A frozen value has other fields, or other types of fields, than we would have written."""

    code = "unreadable-snapshot"

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(f"The stored {what} can't be read: {problem}.")


def check_fields(what: str, data: object, names: Collection[str]) -> Mapping[str, Any]:
    """Give `data` back if it is an object with exactly the fields `names`.

    Raises UnreadableSnapshot, naming what is missing or unknown.
    """
    if not isinstance(data, Mapping):
        raise UnreadableSnapshot(what, "it is no object")
    missing = sorted(set(names) - set(data))
    if missing:
        raise UnreadableSnapshot(what, f"{', '.join(missing)} missing")
    unknown = sorted(str(name) for name in set(data) - set(names))
    if unknown:
        raise UnreadableSnapshot(what, f"{', '.join(unknown)} unknown")
    return data


def whole_number(what: str, data: Mapping[str, Any], name: str) -> int:
    """Read the int `name`; UnreadableSnapshot for anything else, also for a float or a bool."""
    value = data[name]
    if type(value) is not int:
        raise UnreadableSnapshot(what, f"{name} is no whole number")
    return value
