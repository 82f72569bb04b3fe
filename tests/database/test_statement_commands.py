"""Carriers' statements from a terminal."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from primeline.cli import app
from tests.database.test_premium_calls import make_premium
from tests.database.test_statements import FILES, call_at
from tests.database.world import World

LAYOUT = (
    "statement", "layout", "set", "calls", "--carrier", "carrier",
    "--column", "number=Numéro", "--column", "caller=Appelant", "--column", "start=Date",
    "--column", "time=Heure", "--column", "seconds=Durée", "--column", "amount=Reversement HT",
    "--date-format", "%d/%m/%Y %H:%M:%S", "--encoding", "cp1252", "--decimal-mark", ",",
    "--skip-lines", "2", "--numbers", "national",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _settings(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", fresh_database)
    monkeypatch.setenv("COLUMNS", "200")


async def run(*words: str) -> Result:
    # A command runs its own event loop, so it needs a thread of its own.
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))


async def answer(*words: str) -> Any:
    result = await run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_a_statement_is_previewed_imported_shown_written_off_and_signed(
    world: World,
) -> None:
    await make_premium(world)
    await call_at(world, 0, 61)
    lacking = await call_at(world, 7_000, 60)
    layout = await answer(*LAYOUT)
    assert await answer("statement", "layout", "show", "calls") == layout
    assert await answer(*LAYOUT, "--tolerance-seconds", "9") != layout
    assert len(await answer("statement", "layout", "list")) == 1
    file = (str(FILES / "calls.csv"), "--layout", "calls")
    seen = await answer("statement", "preview", *file)
    assert [one["outcome"] for one in seen["different"]] == ["unknown", "missing"]
    done = await answer("statement", "import", *file)
    assert (done["confirmed"], done["unknown"], done["missing"]) == (1, 1, 1)
    assert done["applied"] == {"amount": "0.5522", "currency": "EUR"}
    shown = await answer("statement", "show", done["statement"], "--lines", "missing")
    assert [one["call"] for one in shown["listed"]] == [str(lacking)]
    assert (await answer("statement", "write-off", done["statement"]))["calls"] == 1
    assert (await answer("statement", "apply", done["statement"]))["calls"] == 0
    signed = await answer("statement", "sign-off", done["statement"])
    assert await answer("statement", "list", "--carrier", "carrier") == [signed]
    for words in (("list",), ("show", done["statement"]), ("layout", "list")):
        assert (await run("statement", *words)).exit_code == 0
    async with world.sessions() as s:
        audited = await s.scalars(
            text("SELECT action FROM audit_entries WHERE subject LIKE 'statement%' ORDER BY id")
        )
        assert audited.all() == ["added", "edited", "imported", "written-off", "signed-off"]
    again = await run("statement", "import", *file)
    assert again.exit_code == 1
    assert done["statement"] in again.stderr


async def test_a_file_that_is_no_statement_is_refused_line_by_line(
    world: World, tmp_path: Path
) -> None:
    assert world.number_id
    await answer(*LAYOUT)
    broken = tmp_path / "broken.csv"
    content = (FILES / "calls.csv").read_bytes()
    broken.write_bytes(content.replace(b"0,5522", b"much").replace(b"14:00:02", b"25:00:02"))
    result = await run("statement", "import", str(broken), "--layout", "calls")
    assert result.exit_code == 1
    assert "nothing was taken in" in result.stderr
    assert "Line 4: The amount 'much'" in result.stderr
    assert "Line 5: The start '22/11/2026 25:00:02'" in result.stderr
