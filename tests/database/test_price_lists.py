"""Price lists loaded and written by commands: whole or not at all, once, and on record."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from billing.kit import audit
from billing.pricelists import service
from billing.pricelists.errors import PriceListRefused
from billing.pricelists.reading import read
from primeline.cli import app
from tests.database.world import NOW, World

HEAD = "name,currency,starts_at,price_per_minute"
WINDOWS = f"{HEAD},time_zone,holidays_of,window,window_days,window_hours"
TWO = f"{HEAD},free_seconds\nautumn,EUR,2027-10-01,0.99,\nstandard,EUR,2027-10-01,1.50,30\n"


@pytest.fixture(autouse=True)
def _settings(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", fresh_database)
    monkeypatch.setenv("COLUMNS", "220")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prices.csv"


async def run(*words: str | Path) -> Result:
    # A command runs its own event loop, so it needs a thread of its own.
    return await asyncio.to_thread(CliRunner().invoke, app, [str(word) for word in words])


def write(file: Path, content: str | bytes) -> None:
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def content_of(file: Path) -> str:
    return file.read_bytes().decode()


async def load(file: Path, content: str, *words: str, status: int = 0) -> Any:
    write(file, content)
    result = await run("tariff", "load", file, *words, "--json")
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


async def kept(world: World) -> list[tuple[Any, ...]]:
    async with world.sessions() as s:
        rows = await s.execute(
            text(
                "SELECT t.name, v.valid_from, v.price_per_minute FROM tariffs t"
                " JOIN tariff_versions v ON v.tariff_id = t.id ORDER BY 1, 2"
            )
        )
        return [tuple(row) for row in rows]


async def test_a_list_is_loaded_once_and_is_on_record(world: World, file: Path) -> None:
    loaded = await load(file, TWO)
    assert loaded["counts"] == {"added": 1, "new-version": 1, "unchanged": 0}
    assert [(one["name"], one["what"]) for one in loaded["changes"]] == [
        ("autumn", "added"),
        ("standard", "new-version"),
    ]
    assert loaded["changes"][1]["changes"] == {
        "price_per_minute": {"from": "1.20", "to": "1.50"},
        "free_seconds": {"from": "0", "to": "30"},
        "tax_percent": {"from": "20.00", "to": "0.00"},
    }
    after = await kept(world)
    assert [(name, price) for name, _, price in after] == [
        ("autumn", 9_900),
        ("standard", 12_000),
        ("standard", 15_000),
    ]

    again = await load(file, TWO)
    assert again["counts"] == {"added": 0, "new-version": 0, "unchanged": 2}
    assert await kept(world) == after
    async with world.sessions() as s:
        (entry,) = (await audit.list_entries(s, limit=5, subject="price-list")).items
    assert entry.action == "loaded"
    assert entry.detail["file"] == "prices.csv"
    assert [one["name"] for one in entry.detail["versions"]] == ["autumn", "standard"]


async def test_a_dry_run_says_the_same_and_changes_nothing(world: World, file: Path) -> None:
    before = await kept(world)
    tried = await load(file, TWO, "--dry-run")
    assert tried["loaded"] is False
    assert tried["counts"] == {"added": 1, "new-version": 1, "unchanged": 0}
    assert await kept(world) == before
    async with world.sessions() as s:
        assert (await audit.list_entries(s, limit=5, subject="price-list")).items == ()
        jobs = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'render-prompts'")
        rendered = await s.scalar(jobs)
    assert (await load(file, TWO))["changes"] == tried["changes"]
    async with world.sessions() as s:
        assert await s.scalar(jobs) == rendered + 2


async def test_one_wrong_row_keeps_all_others_out(world: World, file: Path) -> None:
    before = await kept(world)
    told = await load(file, f"{TWO}winter,EUR,soon,-1,x\n", status=1)
    assert told["loaded"] is False
    assert [(one["line"], one["column"], one["value"]) for one in told["problems"]] == [
        (4, "starts_at", "soon"),
        (4, "price_per_minute", "-1"),
        (4, "free_seconds", "x"),
    ]
    assert await kept(world) == before

    shown = await run("tariff", "load", file)
    assert shown.exit_code == 1
    assert "soon" in shown.stdout
    assert "3 wrong, nothing was loaded" in shown.stderr


async def test_what_is_kept_otherwise_or_in_another_currency_is_told(
    world: World, file: Path
) -> None:
    await load(file, f"{HEAD}\nautumn,EUR,2027-10-01,0.99\n")
    before = await kept(world)
    told = await load(
        file,
        f"{HEAD}\nautumn,EUR,2027-10-01,1.09\nnew,EUR,2027-10-01,1.00\n"
        "standard,USD,2027-10-01,1.00\n",
        status=1,
    )
    assert [(one["line"], one["column"]) for one in told["problems"]] == [
        (2, "starts_at"),
        (4, "currency"),
    ]
    assert "price_per_minute 0.99" in told["problems"][0]["wrong"]
    assert await kept(world) == before


async def test_notice_of_a_higher_price_on_a_toll_free_number_is_asked_of_lists_too(
    world: World, file: Path
) -> None:
    await load(file, f"{HEAD}\nline,USD,2026-01-01,1.20\n")
    added = await run("number", "add", "+18005550100", "--tariff", "line")
    assert added.exit_code == 0, added.output
    before = await kept(world)
    told = await load(
        file, f"{HEAD}\nline,USD,2026-01-02,1.50\nother,USD,2026-01-02,1.50\n", status=1
    )
    (problem,) = told["problems"]
    assert problem["line"] == 2
    assert problem["wrong"].startswith("Rule R19: ")
    assert await kept(world) == before


async def test_an_export_is_unchanged_when_it_is_loaded(world: World, file: Path) -> None:
    await load(
        file,
        f"{WINDOWS}\n'=night,EUR,2027-10-01T08:00+01:00,1.20,Europe/Paris,FR,,,\n"
        '\'=night,EUR,2027-10-01T07:00,0.60,,,late,"mon-fri,holiday",20:00-06:00\n',
    )
    before = await kept(world)
    target = file.with_name("export.csv")
    assert (await run("tariff", "export", "--to", target)).exit_code == 0
    exported = content_of(target)
    assert "\n'=night,EUR," in exported
    again = await load(file, exported)
    assert again["counts"] == {"added": 0, "new-version": 0, "unchanged": 2}
    assert await kept(world) == before

    refused = await run("tariff", "export", "--to", target)
    assert refused.exit_code == 2
    assert (await run("tariff", "export", "nobody")).exit_code == 1
    alone = await run("tariff", "export", "standard")
    assert len(alone.stdout.splitlines()) == 2


async def test_a_template_names_all_columns_and_loads_no_row(world: World, file: Path) -> None:
    made = await run("tariff", "template", "--to", file)
    assert made.exit_code == 0
    told = await load(file, content_of(file), status=1)
    assert "no rows" in told["problems"][0]["wrong"]
    explained = await run("tariff", "template", "--columns")
    assert "price_per_act" in explained.stdout
    assert world.number_id


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe", b"PK\x03\x04" + bytes(range(256)) * 9])
async def test_a_file_that_is_no_csv_is_refused_without_a_traceback(
    world: World, file: Path, content: bytes
) -> None:
    before = await kept(world)
    write(file, content)
    result = await run("tariff", "load", file)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert await kept(world) == before


async def test_a_list_that_three_load_at_once_is_loaded_once(world: World) -> None:
    async def once() -> int:
        async with world.sessions.begin() as s:
            changes = await service.load(s, read(TWO.encode()), at=NOW)
        return sum(one.what == "unchanged" for one in changes)

    assert sorted(await asyncio.gather(once(), once(), once())) == [0, 2, 2]
    assert len(await kept(world)) == 3


async def test_whatever_is_broken_in_a_list_all_of_it_is_loaded_or_nothing(world: World) -> None:
    chance = random.Random(26)
    loaded = refused = 0
    for turn in range(60):
        rows = [f"t{turn}-{n},EUR,2027-10-{n + 1:02},1.{n}0,{n}" for n in range(5)]
        rows += [f"standard,EUR,2028-01-01T00:00:{turn:02}Z,2.00,0"]
        content = bytearray("\n".join([f"{HEAD},free_seconds", *rows]).encode())
        for _ in range(chance.randrange(0, 3)):
            content[chance.randrange(len(content))] = chance.choice(b"0123456789-,;.E'\"\n\x00\xff")
        before = len(await kept(world))
        added = 0
        try:
            async with world.sessions.begin() as s:
                changes = await service.load(s, read(bytes(content)), at=NOW)
            added = sum(one.what != "unchanged" for one in changes)
            loaded += 1
        except PriceListRefused:
            refused += 1
        assert len(await kept(world)) == before + added
    assert min(loaded, refused) >= 10
