"""Numbers, experts and their phones as the call flow needs them."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID


class Availability(StrEnum):
    """Whether an expert can be rung now."""

    AVAILABLE = "available"
    BUSY = "busy"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone of an expert: `endpoint` is an Asterisk PJSIP endpoint name of our own making."""

    phone_id: UUID
    endpoint: str


@dataclass(frozen=True, slots=True)
class ExpertChoice:
    """An expert as a caller meets him; `phones` in the order they ring."""

    expert_id: UUID
    name: str
    extension: str
    language: str
    availability: Availability
    phones: tuple[Phone, ...]


@dataclass(frozen=True, slots=True)
class ServedNumber:
    """A number of ours and how it is put to work.

    `expert` is set for a direct number. `free_limit_seconds` bounds a talk that nobody pays.
    `trunk_trusted`: the trunk this call came by vouches for caller ids.
    """

    number_id: UUID
    e164: str
    kind: Literal["menu", "direct"]
    language: str
    without_payer: Literal["refuse", "free"]
    free_limit_seconds: int
    trunk_trusted: bool
    expert: ExpertChoice | None


_EXTENSION = re.compile(r"[0-9]{1,8}")


def is_extension(text: str) -> bool:
    """Whether it can be keyed: 1 to 8 digits."""
    return _EXTENSION.fullmatch(text) is not None
