"""Sound as Asterisk plays it: 8 kHz mono 16-bit WAV, trimmed and equally loud."""

import os
import wave
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr

from billing.kit.errors import PrimelineError

RATE_HZ: Final = 8_000
"""Samples a second of a telephone line."""

Samples = npt.NDArray[np.float64]
"""Mono samples, -1 to 1."""

_FULL_SCALE: Final = 32_767
_LOUDNESS: Final = 0.09  # RMS while there is sound: about -21 dB of full scale
_PEAK: Final = 0.85
_SILENCE: Final = 0.004
_MARGIN_SAMPLES: Final = RATE_HZ * 40 // 1_000
_FADE_SAMPLES: Final = RATE_HZ * 5 // 1_000


class UnusableSound(PrimelineError):
    """A sound file that can't be played to a caller."""

    code = "unusable-sound"

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path} can't be used: {problem}.")


def read(path: Path) -> tuple[Samples, int]:
    """Give the samples of a mono 16-bit WAV file and its rate in Hz; raises UnusableSound."""
    try:
        with wave.open(str(path), "rb") as file:
            if file.getnchannels() != 1 or file.getsampwidth() != 2:  # noqa: PLR2004 - bytes
                raise UnusableSound(path, "it is not mono with 16 bits a sample")
            rate_hz = file.getframerate()
            pcm = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    except (OSError, EOFError, wave.Error) as error:
        raise UnusableSound(path, f"it is not a WAV file ({error})") from error
    return pcm / _FULL_SCALE, rate_hz


def lasts_ms(path: Path) -> int:
    """Give how long a WAV file lasts, begun milliseconds whole; raises UnusableSound."""
    samples, rate_hz = read(path)
    return -(-len(samples) * 1_000 // rate_hz)


def write(path: Path, samples: Samples) -> None:
    """Write samples at RATE_HZ; the file appears whole or not at all."""
    pcm = np.rint(np.clip(samples, -1, 1) * _FULL_SCALE).astype("<i2")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with wave.open(str(temporary), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm.tobytes())
    temporary.replace(path)


def check_recording(path: Path) -> None:
    """Raise UnusableSound unless the file is what Asterisk plays and isn't silent."""
    samples, rate_hz = read(path)
    if rate_hz != RATE_HZ:
        raise UnusableSound(path, f"it has {rate_hz} samples a second, not {RATE_HZ}")
    if not samples.size or np.abs(samples).max() < _SILENCE:
        raise UnusableSound(path, "it is silent")


def finish(samples: Samples, rate_hz: int) -> Samples:
    """Bring a voice's output to the telephone's rate, without silence around, equally loud.

    Raises ValueError if there is nothing to hear.
    """
    if rate_hz != RATE_HZ:
        samples = np.asarray(soxr.resample(samples, rate_hz, RATE_HZ), dtype=np.float64)
    heard = np.flatnonzero(np.abs(samples) > _SILENCE)
    if heard.size < _MARGIN_SAMPLES:
        raise ValueError("silence")
    start = max(0, int(heard[0]) - _MARGIN_SAMPLES)
    loudness = float(np.sqrt(np.mean(np.square(samples[heard]))))
    samples = faded(samples[start : int(heard[-1]) + _MARGIN_SAMPLES])
    gain = min(_LOUDNESS / loudness, _PEAK / float(np.abs(samples).max()))
    return np.multiply(samples, gain)


def faded(samples: Samples) -> Samples:
    """Let a sound begin and end without a click."""
    ramp = np.linspace(0, 1, min(_FADE_SAMPLES, samples.size))
    samples = samples.copy()
    samples[: ramp.size] *= ramp
    samples[samples.size - ramp.size :] *= ramp[::-1]
    return samples


def beep(frequency_hz: int, length_ms: int) -> Samples:
    """Give one clean tone."""
    time = np.arange(RATE_HZ * length_ms // 1_000) / RATE_HZ
    return faded(_LOUDNESS * np.sqrt(2) * np.sin(2 * np.pi * frequency_hz * time))


def pause(length_ms: int) -> Samples:
    """Give silence."""
    return np.zeros(RATE_HZ * length_ms // 1_000)


SIGNALS: Final[dict[str, Samples]] = {
    "tone": beep(1_000, 300),
    "warning": np.concatenate((beep(700, 120), pause(60), beep(700, 120), pause(80))),
}
"""What sounds before the words of a phrase, by id; the only tones of a call."""
