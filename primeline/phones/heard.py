"""What a phone has received: each frame with the time at which its packet came in."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from primeline.phones import alaw
from primeline.phones.rtp import FRAME_SAMPLES

RATE_HZ = 8000
_GAP_US = 60_000


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms of sound.

    `at_us` is the wall-clock time at which the kernel received the packet, `monotonic_us` the
    same moment on the monotonic clock, both in microseconds. `payload` is A-law as received.
    """

    at_us: int
    monotonic_us: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Key:
    """A key the other side sent (RFC 4733): its first packet's arrival and its length."""

    key: str
    at_us: int
    duration_ms: int


class Heard:
    """The frames of one call in the order of arrival, grown while the call lasts."""

    def __init__(self, frames: Iterable[Frame] = ()) -> None:
        self._frames = list(frames)

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Frame]:
        return iter(tuple(self._frames))

    def __getitem__(self, index: int) -> Frame:
        return self._frames[index]

    def add(self, frame: Frame) -> None:
        """Append a frame; called by the thread that receives."""
        self._frames.append(frame)

    def between(self, start_us: int, end_us: int) -> "Heard":
        """The frames that came in `[start_us, end_us)`, wall clock."""
        return Heard(frame for frame in self if start_us <= frame.at_us < end_us)

    def since(self, start_us: int) -> "Heard":
        """The frames that came at or after a wall-clock time."""
        return Heard(frame for frame in self if frame.at_us >= start_us)

    def samples(self, *, start_us: int | None = None) -> "array[int]":
        """The sound as 16-bit samples at 8 kHz, beginning at `start_us` (first frame if None).

        Frames follow each other without a seam as long as packets come in time; where none came
        for 60 ms or more there is silence of that length.
        """
        frames = list(self._frames)
        sound = array("h")
        if not frames:
            return sound
        origin_us = frames[0].at_us if start_us is None else start_us
        for frame in frames:
            late_us = frame.at_us - origin_us - len(sound) * 125
            if frame.at_us < origin_us:
                continue
            if late_us >= _GAP_US or not sound:
                sound.extend([0] * (late_us // 125))
            sound.extend(alaw.decode(frame.payload))
        return sound

    @property
    def duration_ms(self) -> int:
        """From the first packet to the end of the last, in milliseconds."""
        if not self._frames:
            return 0
        first, last = self._frames[0], self._frames[-1]
        return (last.monotonic_us - first.monotonic_us) // 1000 + 20


def padded(sound: bytes) -> bytes:
    """A-law sound filled with silence to whole frames."""
    return sound + bytes([alaw.SILENCE]) * (-len(sound) % FRAME_SAMPLES)
