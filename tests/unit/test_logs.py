"""Logs: JSON lines with the call's id, and never a PIN, a secret or a whole number."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog

from billing.kit.logs import bind_call, configure, masked

CALL = UUID("01935f6e-0000-7000-8000-000000000001")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    written = io.StringIO()
    configure("info", json=True, stream=written)
    yield written
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_line_carries_the_call(stream: io.StringIO) -> None:
    bind_call(CALL)
    structlog.get_logger().info("ringing", attempt=1)
    (line,) = lines(stream)
    assert (line["event"], line["call_id"], line["attempt"]) == ("ringing", str(CALL), 1)


@pytest.mark.parametrize(
    "key", ["pin", "keyed_pin", "password", "ari_password", "client-secret", "code", "digits"]
)
def test_values_under_secret_keys_never_show(stream: io.StringIO, key: str) -> None:
    structlog.get_logger().warning("tried", **{key: "48151623"})
    structlog.get_logger().warning("tried", detail={key: "48151623"})
    assert "48151623" not in stream.getvalue()


@pytest.mark.parametrize("key", ["caller_number", "dialled", "number", "caller"])
def test_numbers_show_two_digits(stream: io.StringIO, key: str) -> None:
    structlog.get_logger().info("received", **{key: "+33639980001"})
    (line,) = lines(stream)
    assert line[key] == "…01"


def test_words_that_only_look_alike_stay(stream: io.StringIO) -> None:
    structlog.get_logger().info("pinned", ping_ms=3, spinning=True, number_of_calls=12)
    (line,) = lines(stream)
    assert (line["ping_ms"], line["spinning"], line["number_of_calls"]) == (3, True, 12)


def test_the_standard_library_writes_alike(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn").warning("told %s", "so")
    (line,) = lines(stream)
    assert (line["event"], line["level"]) == ("told so", "warning")


def test_nobody_is_masked_as_anonymous() -> None:
    assert (masked("+33639980001"), masked(None), masked("")) == ("…01", "anonymous", "anonymous")
