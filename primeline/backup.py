"""A copy of all that can't be made again, as one file; and back from it."""

import hashlib
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy.engine import make_url

from billing.kit.errors import PrimelineError
from primeline.postgres import program

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
DUMP: Final = "database.dump"
_CHUNK: Final = 1 << 20
_VARIABLES: Final = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "options": "PGOPTIONS",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "channel_binding": "PGCHANNELBINDING",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
"""What an address may say, and how PostgreSQL's programs are told: above all, how to encrypt."""


class BackupFailed(PrimelineError):
    """No copy was made."""

    code = "backup-failed"

    def __init__(self, why: str) -> None:
        super().__init__(f"No backup was made: {why}")


class RestoreRefused(PrimelineError):
    """Nothing was restored."""

    code = "restore-refused"

    def __init__(self, why: str) -> None:
        super().__init__(f"Nothing was restored: {why}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is of. `checksums`: SHA-256 of each file in it, by name."""

    format: int
    version: str
    made_at: str
    installation: str
    migration: str
    postgres: int
    checksums: dict[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """The folders whose files go with the database: ends of calls, and what prompts say."""

    spool_dir: Path
    prompts_dir: Path

    def files(self) -> Iterator[tuple[str, Path]]:
        """Files by the name they get in the backup."""
        for path in sorted(self.spool_dir.glob("*.json")):
            yield f"spool/{path.name}", path
        for path in sorted(self.prompts_dir.rglob("*")):
            inner = path.relative_to(self.prompts_dir)
            if path.is_file() and (path.name == "index.json" or inner.parts[0] == "recordings"):
                yield f"prompts/{inner}", path


def back_up(url: str, source: Source, target: Path, *, now: datetime) -> Manifest:
    """Write a backup, readable by its owner alone. Raises BackupFailed; never overwrites.

    The spool is copied before the database: an end that is settled in between is in both, and is
    settled once. The other way round it could be in neither.
    """
    if target.exists():
        raise BackupFailed(f"{target} exists already.")
    if not target.parent.is_dir():
        raise BackupFailed(f"there is no folder {target.parent}.")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
        work = Path(folder)
        members: dict[str, Path] = {}
        for name, path in source.files():
            copy = work / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                copy.write_bytes(path.read_bytes())
            except FileNotFoundError:
                # Settled meanwhile: it will be in the database.
                continue
            members[name] = copy
        members[DUMP] = work / DUMP
        dump = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges"]
        _run([*dump, f"--file={members[DUMP]}"], url, BackupFailed)
        manifest = _manifest(url, members, now)
        (work / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1))
        whole = work / "whole.tar"
        whole.touch(mode=0o600)
        with tarfile.open(whole, "w") as tar:
            for name, path in {MANIFEST: work / MANIFEST, **members}.items():
                tar.add(path, name)
        with whole.open("rb") as file:
            os.fsync(file.fileno())
        try:
            # Unlike a rename, a link never replaces what came there meanwhile.
            target.hardlink_to(whole)
        except FileExistsError:
            raise BackupFailed(f"{target} exists already.") from None
    return manifest


def unpack(file: Path, folder: Path) -> Manifest:
    """Unpack a backup and check every file in it. Raises RestoreRefused."""
    try:
        with tarfile.open(file) as tar:
            tar.extractall(folder, filter="data")
        manifest = Manifest(**json.loads((folder / MANIFEST).read_text()))
    except (OSError, tarfile.TarError, ValueError, TypeError) as error:
        raise RestoreRefused(f"{file} is no backup of Primeline ({error}).") from error
    if manifest.format != FORMAT:
        raise RestoreRefused(f"{file} has the format {manifest.format}, not {FORMAT}.")
    found = {
        str(path.relative_to(folder)): _checksum(path)
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }
    wrong = sorted(name for name, _ in found.items() ^ manifest.checksums.items())
    if wrong:
        raise RestoreRefused(f"{file} is damaged: {', '.join(wrong[:3])}.")
    return manifest


def restore_database(url: str, folder: Path) -> None:
    """Fill an empty database from an unpacked backup, wholly or not at all.

    Raises RestoreRefused.
    """
    with psycopg.connect(plain(url)) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p', 'v', 'S')"
            " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
        ).fetchone()
    if tables != (0,):
        raise RestoreRefused("the database is not empty.")
    command = ["pg_restore", "--no-owner", "--no-privileges", "--single-transaction"]
    database = psycopg.conninfo.conninfo_to_dict(plain(url))["dbname"]
    _run(
        [*command, "--exit-on-error", f"--dbname={database}", str(folder / DUMP)],
        url,
        RestoreRefused,
    )


def restore_files(folder: Path, target: Source) -> None:
    """Put the ends of calls and what prompts said back, where nothing is yet."""
    for name, directory in (("spool", target.spool_dir), ("prompts", target.prompts_dir)):
        for path in sorted((folder / name).rglob("*")):
            to = directory / path.relative_to(folder / name)
            if path.is_file() and not to.exists():
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(path.read_bytes())


def plain(url: str) -> str:
    """Give the address for psycopg itself."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _manifest(url: str, members: dict[str, Path], now: datetime) -> Manifest:
    with psycopg.connect(plain(url)) as connection:
        row = connection.execute(
            "SELECT i.id::text, v.version_num FROM installation i, alembic_version v"
        ).fetchone()
        assert row is not None
        server = connection.info.server_version
    try:
        ours = version("primeline")
    except PackageNotFoundError:
        ours = "unknown"
    return Manifest(
        format=FORMAT,
        version=ours,
        made_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        installation=row[0],
        migration=row[1],
        postgres=server,
        checksums={name: _checksum(path) for name, path in members.items()},
    )


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _run(command: list[str], url: str, failed: type[BackupFailed] | type[RestoreRefused]) -> None:
    """Run one of PostgreSQL's programs; the address goes by variables, never by arguments."""
    given = psycopg.conninfo.conninfo_to_dict(plain(url))
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PGDATABASE": str(given["dbname"]),
        "PGCONNECT_TIMEOUT": "10",
    }
    environment |= {name: str(given[word]) for word, name in _VARIABLES.items() if given.get(word)}
    done = subprocess.run(
        [program(command[0]), *command[1:]],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise failed(" ".join(done.stderr.strip().splitlines()[:3]))
