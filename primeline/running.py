"""What a running `primeline up` tells the commands, by a file for its owner alone."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import psutil

from billing.kit.errors import PrimelineError
from billing.kit.settings import Settings, read_settings, secret_of_file
from primeline.secret_key import known_key

RUNNING_FILE: Final = "running.json"
DATABASE_VARIABLE: Final = "PRIMELINE_DATABASE_URL"


class NoDatabase(PrimelineError):
    """Nothing says where the database is."""

    code = "no-database"

    def __init__(self) -> None:
        super().__init__(
            f"No database: start `primeline up`, or set {DATABASE_VARIABLE}"
            " (another folder than .primeline: PRIMELINE_DATA_DIR)."
        )


@dataclass(frozen=True, slots=True)
class Running:
    """A system that runs: its first process, its database, where SIP phones register, ARI."""

    pid: int
    began: float
    sip: str
    ari_url: str
    ari_user: str
    ari_password: str = field(repr=False)
    database_url: str = field(repr=False)
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    """What its parts were given; `PRIMELINE_…` alone."""


def data_dir() -> Path:
    """Give the data folder that the commands mean."""
    return Path(os.environ.get("PRIMELINE_DATA_DIR", ".primeline"))


def process_began(pid: int) -> float:
    """Tell a process from a later one with its number."""
    return psutil.Process(pid).create_time()


def announce(directory: Path, running: Running) -> None:
    """Write the file, readable by nobody else."""
    path = directory / RUNNING_FILE
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(running), file, indent=1)
    part.rename(path)


def forget(directory: Path) -> None:
    """Remove the file."""
    (directory / RUNNING_FILE).unlink(missing_ok=True)


def find(directory: Path) -> Running | None:
    """Give what runs on the data in `directory`; None: nothing."""
    try:
        found = Running(**json.loads((directory / RUNNING_FILE).read_text()))
        return found if process_began(found.pid) == found.began else None
    except (OSError, ValueError, TypeError, psutil.NoSuchProcess):
        return None


def find_key() -> str:
    """Give the key that seals secrets: the environment's, or of the data that runs; else none."""
    return known_key(data_dir())


def database_named() -> bool:
    """Whether the environment or a secret file names a database."""
    return bool(os.environ.get(DATABASE_VARIABLE) or secret_of_file(DATABASE_VARIABLE))


def find_whole_settings() -> Settings:
    """Give the settings that the running system gave its parts, else the environment's.

    Raises NoDatabase or SettingsInvalid.
    """
    running = find(data_dir())
    if running is None or database_named() or not running.environment:
        return find_settings()
    return read_settings(given=running.environment)


def find_settings() -> Settings:
    """Give the settings, with the running system's database unless the environment names one.

    Raises NoDatabase or SettingsInvalid.
    """
    if database_named():
        return read_settings()
    running = find(data_dir())
    if running is None:
        raise NoDatabase
    return read_settings(database_url=running.database_url)
