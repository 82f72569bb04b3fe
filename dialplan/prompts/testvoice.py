"""A voice for tests: to each text its own short noise, told from all others by correlation."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dialplan.prompts.sound import RATE_HZ, Samples, faded, finish

_LENGTH_MS: Final = 300
_LOWEST_HZ: Final = 300
_HIGHEST_HZ: Final = 3_400


@dataclass(frozen=True, slots=True)
class TestVoice:
    """Says nothing, but each text sounds the same on every machine and unlike any other."""

    __test__ = False  # pytest collects by name

    name: str = "primeline test voice"
    natural: bool = True

    def render(self, texts: Sequence[str]) -> Iterator[Samples]:
        """Give 0.3 s of telephone-band noise for each text."""
        for text in texts:
            yield noise(text)


def noise(text: str) -> Samples:
    """Give noise between 300 and 3 400 Hz that only `text` decides."""
    count = RATE_HZ * _LENGTH_MS // 1_000
    seed = hashlib.shake_256(text.encode()).digest(2 * count)
    spectrum = np.fft.rfft(np.frombuffer(seed, dtype="<i2") / 32_768)
    hertz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    spectrum[(hertz < _LOWEST_HZ) | (hertz > _HIGHEST_HZ)] = 0
    return finish(faded(np.fft.irfft(spectrum, count)), RATE_HZ)
