"""Structured logs: one event a line, the call's id on each, no secret and no whole number."""

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any, TextIO
from uuid import UUID

import structlog

SECRET_WORDS = ("pin", "password", "secret", "code", "digit", "authorization", "token", "dtmf")
"""A key with one of these words as a part of its name never shows its value."""

NUMBER_KEYS = ("number", "caller", "dialled", "e164")
"""A key with one of these words shows a phone number masked."""

_PHONE_NUMBER = re.compile(r"\+?\d[\d ]{6,}\d")
_VISIBLE_DIGITS = 2


def masked(number: str | None) -> str:
    """A phone number fit for a log: its last two digits. `+33199001234` is `…34`."""
    if not number:
        return "anonymous"
    return "…" + number[-_VISIBLE_DIGITS:]


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    parts = key.lower().replace("-", "_").split("_")
    return any(word in parts or f"{word}s" in parts for word in SECRET_WORDS)


def _safe(key: str, value: Any) -> Any:
    if _is_secret(key):
        return "***"
    if isinstance(value, dict):
        return {name: _safe(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(key, inner) for inner in value]
    if isinstance(value, str) and any(word in key.lower() for word in NUMBER_KEYS):
        return _PHONE_NUMBER.sub(lambda match: masked(match.group()), value)
    if isinstance(value, UUID):
        return str(value)
    return value


def refuse_secrets(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: hides values under secret keys and masks phone numbers."""
    for key in list(event):
        if key not in {"event", "level", "timestamp", "exception"}:
            event[key] = _safe(key, event[key])
    return event


def bind_call(call_id: UUID) -> None:
    """Puts the call's id on every later line of this task."""
    structlog.contextvars.bind_contextvars(call_id=str(call_id))


def configure(level: str, *, json: bool, stream: TextIO | None = None) -> None:
    """Sets up structlog and the standard library's logging to write alike to `stream` (stderr).

    Our own lines are written by structlog itself: by way of the standard library they took some
    twentieth of a call's processor time.
    """
    out = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        refuse_secrets,
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if json
        else [structlog.dev.ConsoleRenderer(colors=False)]
    )
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level.upper()),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
