"""Asterisk's own record of each call (CEL): its file is read by offset into the database.

Reading twice does no harm: rows are told apart by channel, time, type and bridge. The file's
format is set in `asterisk-conf/cel_custom.conf`.
"""

import asyncio
import csv
import glob
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from billing.calls import service as calls
from billing.calls.values import CelRow
from billing.kit.database import Sessions

READ_EVERY_MS = 2_000
MOST_BYTES = 4_000_000
"""Read at one go; a longer backlog takes several."""

PACKED = frozenset({".gz", ".xz", ".bz2", ".zst"})
"""Endings of files that log rotation has packed: they were read while they were text."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIELDS = 5

log = structlog.get_logger(__name__)


def parse(text: str) -> list[CelRow]:
    """The rows in `text`, whole lines; a line that can't be read is left out and logged."""
    rows = []
    for line in filter(None, text.split("\n")):
        try:
            rows += [_row(fields) for fields in csv.reader([line])]
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            log.error("unreadable line in asterisk's record", error=str(error))  # noqa: TRY400
    return rows


def _row(fields: list[str]) -> CelRow:
    if len(fields) != _FIELDS:
        raise ValueError(f"{len(fields)} fields instead of {_FIELDS}")
    event, time, channel, linked, extra_text = fields
    extra = json.loads(extra_text) if extra_text else {}
    if not isinstance(extra, dict):
        raise TypeError("the extra field is no JSON object")
    return CelRow(
        event=event,
        at_us=_microseconds(time),
        channel_id=channel,
        linked_id=linked,
        extra=extra,
    )


def _microseconds(time: str) -> int:
    """Asterisk writes either `1763845200.123456` or `2026-11-22 21:00:00.123456` (UTC)."""
    seconds, dot, fraction = time.partition(".")
    if dot and seconds.isdecimal() and fraction.isdecimal():
        return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0")[:6])
    moment = datetime.fromisoformat(time)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


class CelReader:
    """Follows the record's file."""

    def __init__(self, file: Path, sessions: Sessions, asterisk_id: str) -> None:
        self._file = file
        self._asterisk_id = asterisk_id
        self._sessions = sessions
        self._lock = asyncio.Lock()
        # Inode and size of the renamed files that were read whole.
        self._whole: set[tuple[int, int]] = set()

    async def catch_up(self) -> int:
        """Import all whole lines written so far; how many rows were new.

        Log rotation renames the file: what was not read of it yet is read under its new name.
        """
        new = 0
        async with self._lock:
            for file in await asyncio.to_thread(self._files):
                while count := await self._step(file):
                    new += count[0]
        return new

    def _files(self) -> list[Path]:
        """Give the renamed files that may have grown since they were read, then the one in use.

        By a name of its own that begins with the file's: `Master.csv.1`, `Master.csv-20261123`.
        """
        found = []
        for path in self._file.parent.glob(f"{glob.escape(self._file.name)}[.-]*"):
            if path.suffix not in PACKED:
                with suppress(FileNotFoundError):
                    status = path.stat()
                    found.append((status.st_mtime_ns, path, (status.st_ino, status.st_size)))
        self._whole &= {state for _, _, state in found}
        return [*(path for _, path, state in sorted(found) if state not in self._whole), self._file]

    async def _step(self, file: Path) -> tuple[int] | None:
        try:
            status = await asyncio.to_thread(file.stat)
        except FileNotFoundError:
            return None
        # The inode tells a file that was rotated from the one read before; another host's file may
        # have the same.
        key = f"{self._asterisk_id}:{self._file.name}:{status.st_ino}"
        async with self._sessions.begin() as session:
            offset = await calls.cel_offset(session, key)
            if offset > status.st_size:
                # Emptied in place: rows that were read before are known again.
                offset = 0
            data = await asyncio.to_thread(_read, file, offset)
            end = data.rfind(b"\n") + 1
            if end == 0:
                self._whole.add((status.st_ino, status.st_size))
                return None
            rows = parse(data[:end].decode(errors="replace"))
            new = await calls.import_cel(session, rows)
            await calls.save_cel_offset(session, key, offset + end)
        return (new,)

    async def follow(self) -> None:
        """Keep up, for ever."""
        while True:
            try:
                await self.catch_up()
            except Exception as error:  # noqa: BLE001  (the file is still there next time)
                log.warning("asterisk's record not read", error=type(error).__name__)
            await asyncio.sleep(READ_EVERY_MS / 1000)


def _read(file: Path, offset: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek(offset)
        return opened.read(MOST_BYTES)
