"""Ids: a call's by time (UUIDv7), a transfer's by what it is (UUIDv5)."""

import secrets
import time
from typing import Final
from uuid import UUID, uuid5

_TRANSFERS: Final = UUID("5d0c4f0e-9f1b-5c0a-8a53-6a1f0d7f2b11")
"""The namespace of transfer ids. Changing it would let a repeated step move money twice."""

_SEPARATOR: Final = ":"
_TIME_BITS: Final = 48
_RANDOM_BITS: Final = 74
_RANDOM_B_BITS: Final = 62


def new_call_id(*, unix_ms: int | None = None, random_bits: int | None = None) -> UUID:
    """Make a UUIDv7 (RFC 9562, section 5.7): ids made later sort later, to the millisecond.

    `unix_ms` (48 bits) and `random_bits` (74 bits) are taken from the system if not given;
    ValueError if they are out of range.
    """
    if unix_ms is None:
        unix_ms = time.time_ns() // 1_000_000
    if random_bits is None:
        random_bits = secrets.randbits(_RANDOM_BITS)
    if not 0 <= unix_ms < 1 << _TIME_BITS:
        raise ValueError(f"{unix_ms} ms doesn't fit a UUIDv7.")
    if not 0 <= random_bits < 1 << _RANDOM_BITS:
        raise ValueError("A UUIDv7 takes 74 random bits.")
    random_a, random_b = divmod(random_bits, 1 << _RANDOM_B_BITS)
    return UUID(int=unix_ms << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b)


def transfer_id(call_id: UUID, *step: str | int) -> UUID:
    """Name one step of a call's money: the same call and step give the same id, always.

    `transfer_id(call, "hold", 2)` is the hold of the second request. ValueError without a step,
    or if a word is empty or holds a colon (two steps must never share a name).
    """
    words = [str(word) for word in step]
    if not words or any(not word or _SEPARATOR in word for word in words):
        raise ValueError(f"{step!r} doesn't name a step of a call.")
    return uuid5(_TRANSFERS, _SEPARATOR.join([str(call_id), *words]))
