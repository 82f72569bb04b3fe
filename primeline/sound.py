"""Compare what a phone heard with what it should have heard, and measure talks by their sound.

Samples are 16 bits at 8 kHz, times are wall-clock microseconds unless a name says otherwise.
"""

import wave
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from primeline.phones import alaw
from primeline.phones.heard import RATE_HZ, Frame, Heard
from primeline.phones.rtp import FRAME_MS, FRAME_SAMPLES

_FRAME_US = FRAME_MS * 1000
_LEAST_RMS = 100
_TONE_SHARE = 0.8
_LEAST_SPAN_MS = 60
_SOUND_THRESHOLD = 400
_FOUND = 0.5

Samples = npt.NDArray[np.float64]
_EXPANDED = np.array(alaw.decode(bytes(range(256))), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch in which a voice was heard: arrival of its first and of its last packet."""

    first_us: int
    last_us: int

    @property
    def duration_ms(self) -> int:
        """From the first packet to the end of the last."""
        return (self.last_us - self.first_us) // 1000 + FRAME_MS


@dataclass(frozen=True, slots=True)
class Match:
    """Where in the heard sound the expected one fits best, and how well (1 = the same)."""

    correlation: float
    start_ms: int


def read_wav(path: Path) -> "array[int]":
    """The samples of a WAV file (8 kHz, 16 bits, one channel).

    Raises `ValueError`: the file has another format.
    """
    with wave.open(str(path), "rb") as file:
        shape = (file.getframerate(), file.getsampwidth(), file.getnchannels())
        if shape != (RATE_HZ, 2, 1):
            msg = f"{path.name}: 8 kHz, 16 bits, one channel is wanted, not {shape}"
            raise ValueError(msg)
        return array("h", file.readframes(file.getnframes()))


def best_match(heard: Sequence[int], expected: Sequence[int]) -> Match:
    """The offset at which `expected` correlates best with a stretch of `heard`.

    The correlation is normalised over the length of `expected`, so loudness doesn't matter and a
    part that is missing costs its share. Sound cut off at either end of `heard` is compared as
    if silence followed.
    """
    wanted = _array(expected)
    if not len(wanted) or not len(heard):
        return Match(0.0, 0)
    margin = len(wanted) // 2
    sound = np.pad(_array(heard), margin)
    if len(sound) < len(wanted):
        sound = np.pad(sound, (0, len(wanted) - len(sound)))
    size = 1 << (len(sound) + len(wanted)).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(wanted, size))
    places = len(sound) - len(wanted) + 1
    products = np.fft.irfft(spectrum, size)[:places]
    sums = np.concatenate(([0.0], np.cumsum(sound**2)))
    energy = sums[len(wanted) :] - sums[: len(sums) - len(wanted)]
    loudness = np.sqrt(np.maximum(energy, _LEAST_RMS**2) * float(np.sum(wanted**2)) + 1.0)
    scores = products / loudness
    place = int(np.argmax(scores))
    return Match(float(scores[place]), (place - margin) * 1000 // RATE_HZ)


def correlation(heard: Sequence[int], expected: Sequence[int]) -> float:
    """How well `expected` fits its best place in `heard`: 1 the same, about 0 unrelated."""
    return best_match(heard, expected).correlation


def find(heard: Sequence[int], prompt: Sequence[int]) -> int | None:
    """Where a prompt begins in the heard sound, in milliseconds; None if it isn't there.

    Found means a correlation above 0.5.
    """
    match = best_match(heard, prompt)
    return match.start_ms if match.correlation > _FOUND else None


def which(heard: Sequence[int], candidates: Mapping[str, Sequence[int]]) -> list[tuple[str, Match]]:
    """The candidates by how well they fit, best first."""
    ranked = [(name, best_match(heard, sound)) for name, sound in candidates.items()]
    return sorted(ranked, key=lambda pair: -pair[1].correlation)


def sound_ms(samples: Sequence[int]) -> int:
    """The length of a sound without the silence at its two ends, in milliseconds."""
    loud = np.flatnonzero(np.abs(_array(samples)) > _SOUND_THRESHOLD)
    return int(loud[-1] - loud[0] + 1) * 1000 // RATE_HZ if len(loud) else 0


def durations_agree(heard_ms: int, expected_ms: int, *, percent: int = 5) -> bool:
    """Whether a duration is within a percentage of the expected one, and never under 20 ms off."""
    return abs(heard_ms - expected_ms) * 100 <= max(percent * expected_ms, 100 * FRAME_MS)


def voice_spans(heard: Iterable[Frame], hz: int, *, gap_ms: int = 100) -> list[Span]:
    """The stretches in which a tone is present, by Goertzel over each frame.

    A frame counts if the tone has four fifths of its energy. Pauses shorter than `gap_ms` don't
    divide a stretch; stretches under 60 ms are chance (speech) and left out.
    """
    frames = list(heard)
    if not frames:
        return []
    sound = np.array([_EXPANDED[_bytes(frame)] for frame in frames])
    wave_ = np.exp(-2j * np.pi * hz * np.arange(FRAME_SAMPLES) / RATE_HZ)
    energy = np.sum(sound**2, axis=1)
    tone_energy = 2 * np.abs(sound @ wave_) ** 2 / FRAME_SAMPLES
    present = (energy > _LEAST_RMS**2 * FRAME_SAMPLES) & (tone_energy > _TONE_SHARE * energy)
    times = [frame.at_us for frame, here in zip(frames, present, strict=True) if here]
    return [s for s in _spans(times, gap_ms) if s.duration_ms >= _LEAST_SPAN_MS]


def carried_spans(
    heard: Iterable[Frame], spoken: Collection[bytes], *, gap_ms: int = 100
) -> list[Span]:
    """The stretches in which frames arrive that the other phone spoke (`PhoneCall.spoken`).

    This is exact for any voice, since Asterisk passes A-law on unchanged between two A-law
    phones; it doesn't hold while sound is mixed (a prompt played to a bridge).
    """
    return _spans([frame.at_us for frame in heard if frame.payload in spoken], gap_ms)


def whole_span(spans: Sequence[Span]) -> Span:
    """From the first packet of the first stretch to the last packet of the last.

    Raises `ValueError`: there is no stretch.
    """
    if not spans:
        msg = "the voice was never heard"
        raise ValueError(msg)
    return Span(spans[0].first_us, spans[-1].last_us)


def cut_error_ms(caller: Span, expert: Span, granted_seconds: int) -> int:
    """How much longer (or, below zero, shorter) the talk lasted than was granted.

    Measured at both phones as last packet with the other's voice minus first such packet plus 20 ms
    minus granted time, rounded to the millisecond; the one further from zero is given.

    Example: 25 s granted, 25 040 ms heard by the caller and 25 020 by the expert: 40.
    """
    errors = [
        _rounded_ms(span.last_us - span.first_us + _FRAME_US - granted_seconds * 1_000_000)
        for span in (caller, expert)
    ]
    return max(errors, key=abs)


def stereo_wav(path: Path, left: Heard, right: Heard) -> None:
    """Write what two phones heard as one file, left and right side by side in time."""
    starts = [heard[0].at_us for heard in (left, right) if len(heard)]
    origin_us = min(starts, default=0)
    sides = [heard.samples(start_us=origin_us) for heard in (left, right)]
    both = np.zeros((max(map(len, sides)), 2), dtype="<i2")
    for side, samples in enumerate(sides):
        both[: len(samples), side] = samples
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE_HZ, 0, "NONE", "not compressed"))
        file.writeframes(both.tobytes())


def _array(samples: Sequence[int]) -> Samples:
    return np.asarray(samples, dtype=np.float64)


def _bytes(frame: Frame) -> npt.NDArray[np.uint8]:
    payload = frame.payload[:FRAME_SAMPLES].ljust(FRAME_SAMPLES, bytes([alaw.SILENCE]))
    return np.frombuffer(payload, dtype=np.uint8)


def _spans(times: Iterable[int], gap_ms: int) -> list[Span]:
    spans: list[Span] = []
    for at_us in times:
        if spans and at_us - spans[-1].last_us < gap_ms * 1000:
            spans[-1] = Span(spans[-1].first_us, at_us)
        else:
            spans.append(Span(at_us, at_us))
    return spans


def _rounded_ms(us: int) -> int:
    return (us + 500) // 1000
