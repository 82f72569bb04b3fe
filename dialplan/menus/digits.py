"""What is keyed, key by key."""

from dataclasses import dataclass, replace
from typing import Final

_DIGITS: Final = frozenset("0123456789")
_END: Final = "#"
_CLEAR: Final = "*"


@dataclass(frozen=True, slots=True)
class Digits:
    """What was keyed so far, up to `max_length` digits; may hold a PIN, hence never shown.

    `ends_empty`: whether `#` before any digit is an answer, too.
    """

    max_length: int
    ends_empty: bool = True
    keyed: str = ""
    done: bool = False

    def __post_init__(self) -> None:
        if self.max_length < 1:
            raise ValueError("max_length")

    def __repr__(self) -> str:
        return f"Digits({len(self.keyed)} of {self.max_length}, done={self.done})"

    @property
    def value(self) -> str:
        """The digits; empty if `#` came first."""
        return self.keyed


def press(digits: Digits, key: str) -> Digits:
    """Take one key: `#` ends, `*` begins anew, the last digit possible ends too.

    `#` before any digit changes nothing where a digit is wanted, nor do keys that no telephone has
    as a digit (A to D, anything else) and keys after the end. `press(Digits(4, "12"), "3")` holds
    "123".
    """
    if digits.done:
        return digits
    if key == _END:
        return replace(digits, done=bool(digits.keyed) or digits.ends_empty)
    if key == _CLEAR:
        return replace(digits, keyed="")
    if key not in _DIGITS:
        return digits
    keyed = digits.keyed + key
    return replace(digits, keyed=keyed, done=len(keyed) == digits.max_length)
