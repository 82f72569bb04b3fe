"""The wall clock, for edges: rules and services get the time as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


def to_ms(at: datetime) -> int:
    """Milliseconds since the epoch, as Asterisk's timestamps are kept; cut, not rounded."""
    delta = at - datetime.fromtimestamp(0, UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000 + delta.microseconds // 1_000
