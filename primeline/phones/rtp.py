"""RTP packets (RFC 3550) and telephone events (RFC 4733)."""

import struct
from dataclasses import dataclass

FRAME_SAMPLES = 160
FRAME_MS = 20
ALAW = 8
EVENTS = 101
KEYS = "0123456789*#ABCD"

_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet; `stamp` is its RTP timestamp in samples."""

    kind: int
    sequence: int
    stamp: int
    source: int
    payload: bytes
    marker: bool = False

    def render(self) -> bytes:
        """The packet as it goes on the wire."""
        kind = self.kind | (0x80 if self.marker else 0)
        head = _HEADER.pack(
            0x80, kind, self.sequence & 0xFFFF, self.stamp & 0xFFFFFFFF, self.source
        )
        return head + self.payload


def parse(data: bytes) -> Packet | None:
    """Read one datagram; None if it is no RTP packet."""
    if len(data) < _HEADER.size or data[0] >> 6 != 2:  # noqa: PLR2004 - the version of RTP
        return None
    first, kind, sequence, stamp, source = _HEADER.unpack_from(data)
    start = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    end = len(data) - (data[-1] if first & 0x20 else 0)
    return Packet(kind & 0x7F, sequence, stamp, source, data[start:end], bool(kind & 0x80))


def event(key: str, *, duration_samples: int, last: bool) -> bytes:
    """The payload of a telephone event of ordinary loudness."""
    return _EVENT.pack(KEYS.index(key), 10 | (0x80 if last else 0), duration_samples)


def read_event(payload: bytes) -> tuple[str, bool, int] | None:
    """Key, whether it is released, and its length in samples; None if it is no key."""
    if len(payload) < _EVENT.size:
        return None
    code, flags, duration = _EVENT.unpack_from(payload)
    return (KEYS[code], bool(flags & 0x80), duration) if code < len(KEYS) else None
