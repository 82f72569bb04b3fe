"""Messages to people, and what whoever sends them must be able to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class State(StrEnum):
    """Where a message is."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Message:
    """A short text to a phone; it holds no PIN, no code and no secret."""

    notification_id: UUID
    to_e164: str
    text: str
    queued_at: datetime


class NotSendable(Exception):
    """The service refuses this message for good: trying again can't help."""


class Sender(Protocol):
    """A service that sends short texts.

    Both raise NotSendable for a message that will never be taken, and any PrimelineError for one
    that may be later.
    """

    async def find(self, message: Message) -> Sequence[str]:
        """Give the service's ids of all it took that may be this message; none: it never did."""

    async def send(self, message: Message) -> str:
        """Send the message; gives the service's id."""
