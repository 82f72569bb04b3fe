"""What both hear, in words, as it is played: read from Asterisk's own record as it grows."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from ari_app.cel import parse
from dialplan.prompts.store import PromptStore

POLL_SECONDS = 0.05


class Words:
    """Follows the record's file; `heard` keeps the prompt ids that each side was played."""

    def __init__(
        self, cel_file: Path, store: PromptStore, tell: Callable[[str, str, str], None]
    ) -> None:
        self._file = cel_file
        self._store = store
        self._tell = tell
        self._offset = 0
        self.heard: dict[str, list[str]] = {"caller": [], "expert": [], "both": []}

    async def follow(self) -> None:
        """Tell each prompt's words to `tell(side, prompt id, words)`, for ever."""
        while True:
            for side, id_, words in self._new():
                self.heard[side].append(id_)
                self._tell(side, id_, words)
            await asyncio.sleep(POLL_SECONDS)

    async def wait(self, side: str, id_: str, *, seconds: int = 30) -> None:
        """Wait until a side is being played a prompt; from then on it is forgotten.

        Raises `TimeoutError`: it was not played in time.
        """
        async with asyncio.timeout(seconds):
            while id_ not in self.heard[side]:  # noqa: ASYNC110  (a file is polled)
                await asyncio.sleep(POLL_SECONDS)
            self.heard[side].remove(id_)

    def _new(self) -> list[tuple[str, str, str]]:
        if not self._file.exists():
            return []
        with self._file.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        data = data[: data.rfind(b"\n") + 1]
        self._offset += len(data)
        found = []
        for row in parse(data.decode()):
            sound = row.extra.get("sound", "") if row.event == "STREAM_BEGIN" else ""
            if not sound:
                continue
            try:
                entry = self._store.entry(sound)
            except KeyError:
                continue
            found.append((_side(row.channel_id, entry.id), entry.id, entry.text))
        return found


def _side(channel: str, id_: str) -> str:
    """Who hears a prompt: the expert's channels are named by us, the caller's by Asterisk."""
    if id_ == "warning":
        return "both"
    return "expert" if "-expert-" in channel else "caller"
