"""The list of the sound files of one language: what each says, kept as proof."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

RECORDING = "recording"
"""The name of the voice of a recorded file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One sound file: `id` of its phrase, what it says, in which voice, and when it was made.

    `made_from` is the hash of all that it was made from, `checksum` the SHA-256 of the file,
    `made_at` ISO 8601 in UTC.
    """

    id: str
    text: str
    voice: str
    made_from: str
    checksum: str
    made_at: str


class Index:
    """The entries by file name without extension; the latest entry of a text is the one in use."""

    def __init__(self, entries: dict[str, Entry]) -> None:
        self.entries = entries
        self._stems = {(entry.id, entry.text): stem for stem, entry in entries.items()}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file; no file is an empty index."""
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            stored = {}
        return cls({stem: Entry(**entry) for stem, entry in stored.items()})

    def save(self, path: Path) -> None:
        """Write the file whole."""
        stored = {stem: asdict(entry) for stem, entry in self.entries.items()}
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(json.dumps(stored, ensure_ascii=False, indent=1), encoding="utf-8")
        temporary.replace(path)

    def put(self, stem: str, entry: Entry) -> None:
        """Add an entry, or bring it into use again."""
        self.entries.pop(stem, None)
        self.entries[stem] = entry
        self._stems[entry.id, entry.text] = stem

    def stem(self, id_: str, text: str) -> str | None:
        """Find the file that says a text with a value in it."""
        return self._stems.get((id_, text))


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Let one process at a time change the files of a language; the others wait."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
