from datetime import UTC, datetime, timedelta

import pytest

from ari_app.claim import VALID_MS, held_by_another
from billing.kit.clock import to_ms

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def claim(name: str, seconds_ago: int) -> str:
    return f"{name}|{to_ms(AT - timedelta(seconds=seconds_ago))}"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("nonsense", None),
        ("other|later", None),
        (claim("us", 1), None),
        (claim("other", 7), 7),
        (claim("other", -60), 0),
        (claim("other", VALID_MS // 1000), None),
    ],
)
def test_a_claim_of_another_stands_until_it_runs_out(value: str, seconds: int | None) -> None:
    assert held_by_another(value, "us", AT) == seconds
