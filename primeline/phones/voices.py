"""What a phone says: sounds as A-law frames that are repeated without end."""

import functools
import math
import random
import wave
from array import array
from dataclasses import dataclass
from pathlib import Path

from primeline.phones import alaw
from primeline.phones.heard import RATE_HZ, padded
from primeline.phones.rtp import FRAME_SAMPLES

_QUIET = bytes([alaw.SILENCE]) * FRAME_SAMPLES
_AMPLITUDE = 8000
_HISS = 96


@dataclass(frozen=True, slots=True)
class Voice:
    """Frames of 20 ms, repeated. A voice without sound is `SILENCE`."""

    frames: tuple[bytes, ...]


SILENCE = Voice((_QUIET,))


@functools.cache
def tone(hz: int) -> Voice:
    """A continuous tone; frequencies that are multiples of 50 Hz repeat without a click."""
    samples = array(
        "h",
        (
            round(_AMPLITUDE * math.sin(2 * math.pi * hz * place / RATE_HZ))
            for place in range(RATE_HZ)
        ),
    )
    return Voice(_cut(alaw.encode(samples)))


def recording(path: Path) -> Voice:
    """A WAV file (8 kHz, 16 bits, one channel) with a faint hiss of its own.

    The hiss makes every frame unlike any other sound's, silence included, so that a listener can
    tell a pause in the voice from a voice that is cut off.

    Raises `ValueError`: the file has another format.
    """
    with wave.open(str(path), "rb") as file:
        shape = (file.getframerate(), file.getsampwidth(), file.getnchannels())
        if shape != (RATE_HZ, 2, 1):
            msg = f"{path.name}: 8 kHz, 16 bits, one channel is wanted, not {shape}"
            raise ValueError(msg)
        samples = array("h", file.readframes(file.getnframes()))
    hiss = random.Random(path.name)  # noqa: S311  (the same each time)
    with_hiss = array("h", (_clipped(sample + hiss.randint(-_HISS, _HISS)) for sample in samples))
    return Voice(_cut(padded(alaw.encode(with_hiss))))


def _clipped(sample: int) -> int:
    return max(-32_768, min(32_767, sample))


def _cut(sound: bytes) -> tuple[bytes, ...]:
    return tuple(
        sound[start : start + FRAME_SAMPLES] for start in range(0, len(sound), FRAME_SAMPLES)
    )
