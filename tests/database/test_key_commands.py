"""Keys of the API by command."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from primeline.cli import app

Primeline = Callable[..., Result]


@pytest.fixture
def primeline(fresh_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Primeline:
    monkeypatch.setenv("PRIMELINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", fresh_database)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, list(words))

    return run


def made(primeline: Primeline, *words: str) -> Any:
    result = primeline(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_first_key_is_made_by_command_and_shown_once(primeline: Primeline) -> None:
    result = primeline("key", "add", "owner")
    assert result.exit_code == 0
    assert "Authorization: Bearer pl_" in result.stdout
    (listed,) = made(primeline, "key", "list")
    assert listed["scopes"] == ["admin", "calls", "manage", "money", "read"]
    assert "token" not in listed


def test_a_key_may_be_bounded_and_is_revoked(primeline: Primeline) -> None:
    shop = made(primeline, "key", "add", "shop", "--scope", "read", "--expires", "2030-01-01")
    assert shop["scopes"] == ["read"]
    assert shop["expires_at"] == "2030-01-01T00:00:00+00:00"
    assert made(primeline, "key", "revoke", "shop")["revoked_at"] is not None
    for words in (("revoke", "nobody"), ("add", "shop"), ("add", "x", "--expires", "2001-01-01")):
        assert primeline("key", *words).exit_code == 1
