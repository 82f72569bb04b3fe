"""What a check found."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from billing.kit.settings import Settings


class Level(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    SKIPPED = "not checked"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What there is to say about one thing, and what to do if it isn't well."""

    check: str
    level: Level
    sentence: str
    remedy: str = ""


Check = Callable[[Settings], Awaitable[list[Finding]]]


def ok(check: str, sentence: str) -> Finding:
    """Say that all is well."""
    return Finding(check, Level.OK, sentence)


def warning(check: str, sentence: str, remedy: str) -> Finding:
    """Say what will be wrong, or might be."""
    return Finding(check, Level.WARNING, sentence, remedy)


def wrong(check: str, sentence: str, remedy: str) -> Finding:
    """Say what is wrong."""
    return Finding(check, Level.WRONG, sentence, remedy)


def skipped(check: str, sentence: str) -> Finding:
    """Say why something wasn't looked at."""
    return Finding(check, Level.SKIPPED, sentence)
