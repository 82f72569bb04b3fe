"""PINs: made, hashed, compared. A PIN is in memory only while it is used."""

import asyncio
import re
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from billing.kit.errors import PrimelineError

GENERATED_DIGITS: Final = 6

# OWASP's parameters for argon2id: a call must not wait, many calls must not fill the memory.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_PIN: Final = re.compile(r"[0-9]{4,12}")


class PinInvalid(PrimelineError):
    """A PIN that can't be keyed or is too short."""

    code = "pin-invalid"

    def __init__(self) -> None:
        super().__init__("A PIN has 4 to 12 digits and nothing else.")


def generate() -> str:
    """Make a random PIN."""
    return f"{secrets.randbelow(10**GENERATED_DIGITS):0{GENERATED_DIGITS}d}"


async def hash_pin(pin: str) -> str:
    """Hash a PIN, off the event loop; raises PinInvalid."""
    if not _PIN.fullmatch(pin):
        raise PinInvalid
    return await asyncio.to_thread(_HASHER.hash, pin)


async def matches(pin_hash: str | None, pin: str) -> bool:
    """Whether a PIN is that of a hash, off the event loop; nothing is where there is none."""
    return pin_hash is not None and await asyncio.to_thread(_matches, pin_hash, pin)


def _matches(pin_hash: str, pin: str) -> bool:
    try:
        return _HASHER.verify(pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return False
