"""What a phone says: sounds as A-law frames that are repeated without end."""

import functools
import math
import wave
from array import array
from dataclasses import dataclass
from pathlib import Path

from primeline.phones import alaw
from primeline.phones.heard import RATE_HZ, padded
from primeline.phones.rtp import FRAME_SAMPLES

_QUIET = bytes([alaw.SILENCE]) * FRAME_SAMPLES
_AMPLITUDE = 8000


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
    """A WAV file (8 kHz, 16 bits, one channel), whose pauses carry a faint hiss.

    The hiss makes every frame differ from silence, so that a listener can tell a pause in the
    voice from a voice that is cut off.

    Raises `ValueError`: the file has another format.
    """
    with wave.open(str(path), "rb") as file:
        shape = (file.getframerate(), file.getsampwidth(), file.getnchannels())
        if shape != (RATE_HZ, 2, 1):
            msg = f"{path.name}: 8 kHz, 16 bits, one channel is wanted, not {shape}"
            raise ValueError(msg)
        samples = array("h", file.readframes(file.getnframes()))
    frames = list(_cut(padded(alaw.encode(samples))))
    return Voice(tuple(_hiss(number) if f == _QUIET else f for number, f in enumerate(frames)))


def _cut(sound: bytes) -> tuple[bytes, ...]:
    return tuple(
        sound[start : start + FRAME_SAMPLES] for start in range(0, len(sound), FRAME_SAMPLES)
    )


def _hiss(seed: int) -> bytes:
    state = seed * 2654435761 + 1
    hiss = bytearray()
    for _ in range(FRAME_SAMPLES):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        hiss.append(alaw.SILENCE if state & 0x10000 else alaw.SILENCE ^ 0x80)
    return bytes(hiss)
