"""A backup is whole and private, and a restored copy is right and is another installation."""

import asyncio
import json
import tarfile
from pathlib import Path
from typing import Any

import alembic.command
import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from typer.testing import CliRunner, Result

from billing.kit.database import make_engine, make_sessions
from billing.kit.settings import Settings
from primeline.asterisk_conf import ROOT
from primeline.backup import BackupFailed, _run
from primeline.cli import app
from primeline.postgres import Postgres
from tests.database.world import World


async def run(*words: str) -> Result:
    # A command runs its own event loop, so it needs a thread of its own.
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))


def content(path: Path) -> bytes:
    return path.read_bytes()


def put(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
async def backup(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_database: str
) -> Path:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", fresh_database)
    monkeypatch.setenv("PRIMELINE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("PRIMELINE_PROMPTS_DIR", raising=False)
    for name in ("spool/one.json", "prompts/recordings/en/hello.wav", "prompts/en/0001.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    await world.top_up("20.00")
    file = tmp_path / "one.backup"
    result = await run("backup", str(file))
    assert result.exit_code == 0, result.output
    return file


@pytest.fixture
def empty(postgres_server: Postgres) -> Any:
    """An empty database."""
    with psycopg.connect(postgres_server.conninfo(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
        yield postgres_server.url("restored")
        connection.execute("DROP DATABASE restored WITH (FORCE)")


async def one(url: str, query: str) -> Any:
    engine = make_engine(Settings(database_url=url))
    async with make_sessions(engine)() as s:
        value = (await s.execute(text(query))).scalar_one()
    await engine.dispose()
    return value


async def test_a_backup_is_for_its_owner_alone_and_is_never_overwritten(backup: Path) -> None:
    assert mode(backup) == 0o600
    before = content(backup)
    result = await run("backup", str(backup))
    assert (result.exit_code, "exists already" in result.stderr) == (1, True)
    assert content(backup) == before
    with tarfile.open(backup) as tar:
        assert set(tar.getnames()) == {
            "manifest.json",
            "database.dump",
            "spool/one.json",
            "prompts/recordings/en/hello.wav",
        }


async def test_a_restored_copy_has_the_money_and_right_books_and_an_id_of_its_own(
    backup: Path, empty: str, fresh_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", empty)
    monkeypatch.setenv("PRIMELINE_DATA_DIR", str(tmp_path / "new"))
    result = await run("restore", str(backup), "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["books"] == "ok"
    assert (await run("books", "check")).stdout == "books check: ok\n"
    transfers = "SELECT count(*) FROM transfers"
    assert await one(empty, transfers) == await one(fresh_database, transfers) > 0
    original = await one(fresh_database, "SELECT id FROM installation")
    assert await one(empty, "SELECT id FROM installation") != original
    assert await one(empty, "SELECT restored_from FROM installation") == original
    assert content(tmp_path / "new" / "spool" / "one.json") == b"spool/one.json"


async def test_a_database_that_holds_anything_is_left_alone(
    backup: Path, fresh_database: str
) -> None:
    result = await run("restore", str(backup))
    assert (result.exit_code, "not empty" in result.stderr) == (1, True)
    assert await one(fresh_database, "SELECT count(*) FROM installation") == 1


async def test_a_damaged_backup_is_refused_before_anything_is_written(
    backup: Path, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", empty)
    data = bytearray(content(backup))
    place = data.index(b"PGDMP") + 2_000
    data[place] ^= 0xFF
    put(backup, bytes(data))
    result = await run("restore", str(backup))
    assert (result.exit_code, "damaged" in result.stderr) == (1, True), result.output
    assert await one(empty, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    put(backup, b"no backup")
    result = await run("restore", str(backup))
    assert (result.exit_code, "no backup of Primeline" in result.stderr) == (1, True)


def rewritten(backup: Path, work: Path, **changes: Any) -> Path:
    """A copy of a backup with another manifest."""
    with tarfile.open(backup) as tar:
        tar.extractall(work, filter="data")
    manifest = work / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))
    with tarfile.open(work.with_suffix(".tar"), "w") as tar:
        for path in sorted(work.rglob("*")):
            tar.add(path, path.relative_to(work), recursive=False)
    return work.with_suffix(".tar")


async def test_a_backup_of_a_newer_primeline_is_refused_before_anything_is_written(
    backup: Path, empty: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", empty)
    newer = await asyncio.to_thread(rewritten, backup, tmp_path / "newer", migration="of tomorrow")
    result = await run("restore", str(newer))
    assert (result.exit_code, "newer Primeline" in result.stderr) == (1, True), result.output
    assert await one(empty, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


async def test_a_backup_of_an_older_primeline_is_brought_up_to_date(
    empty: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres_server: Postgres
) -> None:
    head, older = list(ScriptDirectory(str(ROOT / "migrations")).walk_revisions())[:2]
    config = Config(toml_file=ROOT / "pyproject.toml")
    old = postgres_server.create_database("of_an_older_version")
    config.attributes["settings"] = Settings(database_url=old)
    await asyncio.to_thread(alembic.command.upgrade, config, older.revision)
    monkeypatch.setenv("PRIMELINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", old)
    file = str(tmp_path / "older.backup")
    assert (await run("backup", file)).exit_code == 0
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", empty)
    result = await run("restore", file)
    assert result.exit_code == 0, result.output
    assert await one(empty, "SELECT version_num FROM alembic_version") == head.revision


async def test_a_database_named_by_a_secret_file_is_the_one_that_is_filled(
    backup: Path, empty: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(tmp_path / "primeline_database_url", empty.encode())
    monkeypatch.delenv("PRIMELINE_DATABASE_URL")
    monkeypatch.setenv("PRIMELINE_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("PRIMELINE_DATA_DIR", str(tmp_path / "new"))
    result = await run("restore", str(backup))
    assert result.exit_code == 0, result.output
    assert await one(empty, "SELECT count(*) FROM installation") == 1


@pytest.mark.usefixtures("backup")
async def test_a_backup_into_a_folder_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    result = await run("backup", str(tmp_path / "none" / "two.backup"))
    assert (result.exit_code, "there is no folder" in result.stderr) == (1, True), result.output


async def test_the_programs_of_postgresql_are_told_what_the_address_says_about_encryption(
    fresh_database: str,
) -> None:
    # The server of the tests speaks no TLS; that the word arrives is seen by its being refused.
    with pytest.raises(BackupFailed, match="sslmode"):
        await asyncio.to_thread(
            _run, ["pg_dump", "--schema-only"], f"{fresh_database}&sslmode=nonsense", BackupFailed
        )
