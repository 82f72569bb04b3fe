"""The wall clock, for edges: rules and services get the time as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


def to_ms(at: datetime) -> int:
    """Milliseconds since the epoch, as Asterisk's timestamps are kept; cut, not rounded."""
    delta = at - datetime.fromtimestamp(0, UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000 + delta.microseconds // 1_000


def from_ms(at_ms: int) -> datetime:
    """The aware UTC time of milliseconds since the epoch."""
    seconds, ms = divmod(at_ms, 1_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=ms * 1_000)
