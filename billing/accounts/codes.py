"""Voucher codes: made, checked, hashed. A code is in memory only while it is used.

A code is looked up by its hash, so the hash can't have a salt of its own, and a slow hash would
need one try per voucher. A plain SHA-256 of 15 digits is reversed in a day by anybody who copies
the table; with the key of the installation, which isn't in the database (HMAC-SHA256, RFC
2104), he learns nothing.
"""

import hashlib
import hmac
import secrets
from typing import Final

from billing.kit.secrets import SHORTEST_KEY, SecretKeyMissing

CODE_DIGITS: Final = 16
"""15 random digits and one that tells a slip of the finger."""

_SEPARATORS: Final = str.maketrans("", "", " -")


def generate() -> str:
    """Make a random code."""
    body = f"{secrets.randbelow(10 ** (CODE_DIGITS - 1)):0{CODE_DIGITS - 1}d}"
    return body + _check_digit(body)


def shown(code: str) -> str:
    """Write a code as it is printed: `1234 5678 9012 3452`."""
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))


def read(given: str) -> str | None:
    """Give the digits of a code as keyed or typed; None: no code, a digit is wrong or missing."""
    digits = given.translate(_SEPARATORS)
    if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    return digits if _check_digit(digits[:-1]) == digits[-1] else None


def code_hash(key: str, code: str) -> str:
    """Hash a code for its look-up; raises SecretKeyMissing."""
    return _keyed(key, f"voucher {code}")


def key_check(key: str) -> str:
    """Tell a key from another without telling the key; raises SecretKeyMissing."""
    return _keyed(key, "check of the key")[:16]


def _keyed(key: str, text: str) -> str:
    if len(key) < SHORTEST_KEY:
        raise SecretKeyMissing
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def _check_digit(body: str) -> str:
    """Luhn's digit (ISO/IEC 7812): finds each single wrong digit and nearly all swapped pairs."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 * (value > 9)  # noqa: PLR2004  (the digits' sum)
    return str(-total % 10)
