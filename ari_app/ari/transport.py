"""How a request gets to Asterisk and its answer back: what every way of doing so has in common."""

from dataclasses import dataclass
from typing import Protocol


class TransportBroken(Exception):
    """There was no connection, or what came over it was no whole answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Asterisk answered."""

    status: int
    body: bytes


class Transport(Protocol):
    """Requests to one Asterisk; several may be under way at once."""

    async def send(self, method: str, target: str, body: bytes = b"") -> Answer:
        """One request to `target`, a path below `/ari/` with its query; `body` is JSON.

        Raises:
            TransportBroken: no connection, or it broke; Asterisk may have done what was asked.

        """
        ...
