"""The wall clock, for edges: rules and services get the time as an argument."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


def from_ms(at_ms: int) -> datetime:
    """The moment so many milliseconds after the epoch, in UTC."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at_ms)


def from_us(at_us: int) -> datetime:
    """The moment so many microseconds after the epoch, in UTC."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=at_us)


def to_ms(at: datetime) -> int:
    """Milliseconds since the epoch, as Asterisk's timestamps are kept; cut, not rounded."""
    delta = at - datetime.fromtimestamp(0, UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000 + delta.microseconds // 1_000
