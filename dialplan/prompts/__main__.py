"""Renders the prompts: `python -m dialplan.prompts --directory D`."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from billing.kit.errors import PrimelineError
from billing.money.values import MINOR_PER_MAJOR
from dialplan.prompts.catalogue import LANGUAGES
from dialplan.prompts.needed import standing_phrases
from dialplan.prompts.programs import best_voice
from dialplan.prompts.showing import ensure_shown
from dialplan.prompts.store import PromptStore
from dialplan.prompts.testvoice import TestVoice
from dialplan.prompts.voices import Voice


def main(arguments: Sequence[str] | None = None) -> int:
    """Render what is missing and print the voice of each language; 1 if that failed."""
    options = _options(arguments)
    console = Console(highlight=False)
    try:
        voices = {language: _voice(language, options) for language in options.languages}
        for language, voice in voices.items():
            console.print(f"Voice for {language}: {voice.name}")
            if not voice.natural:
                console.print(
                    f"[yellow]Warning: the voice for {language} is robotic; for callers, install"
                    " libttspico-utils or put recordings in place.[/]"
                )
        began = time.monotonic()
        made = render(PromptStore(options.directory, voices), options.currency, console)
        console.print(f"Prompts: {made} made, in {time.monotonic() - began:.0f} s.")
    except PrimelineError as error:
        Console(stderr=True).print(error.sentence, style="red", markup=False)
        return 1
    return 0


def render(store: PromptStore, currencies: Sequence[str], console: Console) -> int:
    """Make the standing phrases of every language the store has a voice for, with a bar each."""
    phrases = dict.fromkeys(
        phrase for currency in currencies for phrase in standing_phrases(currency)
    )
    return ensure_shown(store, phrases, tuple(store.voices), console)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dialplan.prompts", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="where the sounds go")
    parser.add_argument("--languages", type=_Several(LANGUAGES), default=LANGUAGES)
    parser.add_argument("--currency", type=_Several(tuple(MINOR_PER_MAJOR)), default=("EUR",))
    parser.add_argument("--voice", choices=("auto", "test"), default="auto")
    parser.add_argument("--tree", type=Path, help="a Debian tree that may hold voices")
    parser.add_argument("--models", type=Path, help="a folder of further piper models")
    return parser.parse_args(arguments)


class _Several:
    """Reads a list with commas of known words."""

    def __init__(self, known: tuple[str, ...]) -> None:
        self.known = known

    def __call__(self, given: str) -> tuple[str, ...]:
        words = tuple(given.split(","))
        if not set(words) <= set(self.known):
            raise argparse.ArgumentTypeError(f"{given!r} isn't a list of: {', '.join(self.known)}")
        return words


def _voice(language: str, options: argparse.Namespace) -> Voice:
    if options.voice == "test":
        return TestVoice()
    return best_voice(language, options.tree, options.models)


if __name__ == "__main__":
    raise SystemExit(main())
