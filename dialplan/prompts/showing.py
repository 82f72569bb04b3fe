"""Rendering with progress that a person sees: a bar in a terminal, else a line now and then."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from dialplan.prompts.store import PromptStore
from dialplan.prompts.values import Phrase

LINE_EVERY: Final = 100
"""Sounds made between two lines where there is no terminal."""


def ensure_shown(
    store: PromptStore, phrases: Iterable[Phrase], languages: Sequence[str], console: Console
) -> int:
    """Render what is missing and show how far it is; gives how many sounds were made."""
    if not console.is_terminal:
        return store.ensure(phrases, languages, _Lines(console).show)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        return store.ensure(phrases, languages, _Bars(progress).show)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, language: str, made: int, total: int, _text: str) -> None:
        if made % LINE_EVERY == 0 or made == total:
            self._console.print(f"Prompts, {language}: {made} of {total}")


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, language: str, made: int, total: int, _text: str) -> None:
        if language not in self._tasks:
            self._tasks[language] = self._progress.add_task(f"Prompts, {language}", total=total)
        self._progress.update(self._tasks[language], completed=made)
