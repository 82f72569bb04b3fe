"""What a call's channels, bridges and playbacks are called in Asterisk, both ways."""

from dataclasses import dataclass
from uuid import UUID

from ari_app.calls.states import Leg


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one call. The caller's channel keeps the id that Asterisk gave it."""

    call_id: UUID
    caller_channel: str

    def expert_channel(self, attempt: int) -> str:
        """The channel of a dial attempt."""
        return f"{self.call_id}-expert-{attempt}"

    def playback(self, leg: Leg, number: int) -> str:
        """The playback of a `Say`."""
        return f"{self.call_id}-say-{leg}-{number}"

    def announcement(self, number: int) -> str:
        """A playback into a bridge."""
        return f"{self.call_id}-announce-{number}"


_ID_LENGTH = 36


def call_of(name: str) -> UUID | None:
    """The call that an expert's channel, a bridge or a playback belongs to."""
    try:
        return UUID(name[:_ID_LENGTH]) if name[_ID_LENGTH : _ID_LENGTH + 1] == "-" else None
    except ValueError:
        return None


def leg_of(playback: str) -> Leg | None:
    """Whom a playback is for; None for an announcement to both."""
    word = playback[_ID_LENGTH:].removeprefix("-say-").partition("-")[0]
    return Leg(word) if word in {Leg.CALLER, Leg.EXPERT} else None


def number_of(name: str) -> int:
    """The number at the end of a name of ours: `…-expert-2` is 2."""
    return int(name.rpartition("-")[2])
