"""`primeline backup` and `primeline restore`."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import books
from billing.kit import installation
from billing.kit.clock import now
from billing.kit.settings import read_settings
from primeline import backup as files
from primeline import postgres
from primeline.commands.common import JsonOption, audited, show_one, transact
from primeline.migrating import is_known, migrate
from primeline.running import data_dir, database_named, find_settings
from primeline.system import locked

FileArgument = Annotated[Path, typer.Argument(help="The file of the backup")]


def backup(file: FileArgument, as_json: JsonOption = False) -> None:
    """Write the database and what belongs to it into a new file; calls go on meanwhile."""
    manifest = files.back_up(find_settings().database_url, _source(), file, now=now())
    show_one(
        {
            "file": str(file),
            "bytes": file.stat().st_size,
            "installation": manifest.installation,
            "made_at": manifest.made_at,
        },
        as_json=as_json,
    )


def restore(file: FileArgument, as_json: JsonOption = False) -> None:
    """Fill an empty database from a backup, as another installation, and check the books."""
    with tempfile.TemporaryDirectory(prefix="primeline-restore-") as name:
        folder = Path(name)
        manifest = files.unpack(file, folder)
        if not is_known(manifest.migration):
            raise files.RestoreRefused("the backup is of a newer Primeline than this one.")
        with _database() as url:
            files.restore_database(url, folder)
            files.restore_files(folder, _source())
            migrate(read_settings(database_url=url))
            transact(lambda s: _adopt(s, UUID(manifest.installation)), url)
            findings = transact(books.check, url)
    show_one(
        {
            "restored": str(file),
            "made_at": manifest.made_at,
            "migration": manifest.migration,
            "books": "ok" if not findings else f"{len(findings)} findings: primeline books check",
        },
        as_json=as_json,
    )
    if findings:
        raise typer.Exit(1)


async def _adopt(s: AsyncSession, original: UUID) -> None:
    await installation.become_another(s, restored_from=original)
    await audited(s, "restored", "installation", original)


@contextmanager
def _database() -> Iterator[str]:
    """The database of the settings, else the embedded one, which must not run."""
    if database_named():
        yield find_settings().database_url
        return
    directory = data_dir()
    directory.mkdir(parents=True, exist_ok=True)
    with locked(directory):
        server = postgres.start(directory / "postgres")
        try:
            yield server.create_database("primeline")
        finally:
            server.stop()


def _source() -> files.Source:
    directory = data_dir()
    return files.Source(
        Path(os.environ.get("PRIMELINE_SPOOL_DIR", directory / "spool")),
        Path(os.environ.get("PRIMELINE_PROMPTS_DIR", directory / "prompts")),
    )
