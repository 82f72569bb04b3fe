"""What Alice and Ada say to each other in the demo."""

from pathlib import Path
from typing import Final

from dialplan.prompts import sound
from dialplan.prompts.voices import Voice as PromptVoice
from primeline.phones import Voice, recording

TEXTS: Final = {
    "alice": (
        "Hello Ada. My tomato plants have yellow leaves, though I water them every day."
        " What am I doing wrong?"
    ),
    "ada": (
        "Hello Alice. That is too much water. Let the soil dry, then water deeply once or twice a"
        " week, and take off the lowest leaves."
    ),
}


def voices(directory: Path, voice: PromptVoice) -> list[Voice]:
    """Both voices, Alice's first; rendered once and kept."""
    missing = [name for name in TEXTS if not _path(directory, name).exists()]
    if missing:
        sounds = voice.render([TEXTS[name] for name in missing])
        for name, samples in zip(missing, sounds, strict=True):
            sound.write(_path(directory, name), samples)
    return [recording(_path(directory, name)) for name in TEXTS]


def _path(directory: Path, name: str) -> Path:
    return directory / f"demo-{name}.wav"
