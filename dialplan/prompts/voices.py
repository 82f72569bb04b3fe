"""What a voice is."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from billing.kit.errors import PrimelineError
from dialplan.prompts.sound import Samples


class VoiceFailed(PrimelineError):
    """A voice didn't say a text."""

    code = "voice-failed"

    def __init__(self, voice: str, reason: str) -> None:
        super().__init__(f"The voice {voice!r} failed: {reason}.")


class NoVoice(PrimelineError):
    """No voice is installed for a language."""

    code = "no-voice"

    def __init__(self, language: str) -> None:
        super().__init__(
            f"No voice for the language {language!r} was found:"
            " install piper-tts, libttspico-utils or espeak-ng."
        )


class Voice(Protocol):
    """Something that says texts.

    `name` tells voices apart for good: it goes into the name of each file. `natural` is False
    for a robotic voice, which nobody should meet in production.
    """

    @property
    def name(self) -> str:
        """What the voice is called."""
        ...

    @property
    def natural(self) -> bool:
        """Whether it sounds like a person."""
        ...

    def render(self, texts: Sequence[str]) -> Iterator[Samples]:
        """Say each text in turn, as sound.finish() gives it; raises VoiceFailed."""
        ...
