"""What SIPp plays: captures of a key press (RFC 4733), and of a voice that is hardly there."""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

EVENT: Final = {key: number for number, key in enumerate("0123456789*#ABCD")}
PAYLOAD_TYPE: Final = 101
PACKET_MS: Final = 20
SAMPLES: Final = 160
PRESSED_PACKETS: Final = 5
"""A tenth of a second; then the end of the key is told three times, as the RFC asks."""

END_PACKETS: Final = 3

VOICE_TYPE: Final = 8
VOICE_APART_MS: Final = 500
"""A talk in which a side sends nothing costs nothing; so few packets cost nobody any time."""

VOICE_SECONDS: Final = 150
_SILENCE: Final = b"\xd5" * SAMPLES
_SAMPLES_PER_MS: Final = 8
_VOLUME: Final = 10
_MARKER, _END = 0x80, 0x80
_ETHERNET: Final = 1
_MAGIC: Final = 0xA1B2C3D4


PRESS_APART: Final = 16_000
"""Samples between two presses: Asterisk takes one at the same time for one that it has had."""


def write_key(path: Path, key: str, number: int = 0, *, then_speak: bool = False) -> None:
    """Write a capture of `key` pressed; `number` counts the presses of one call."""
    packets = list(_packets(key, number))
    _write(path, packets + list(_voice(len(packets))) if then_speak else packets)


def write_voice(path: Path) -> None:
    """Write a capture of somebody who is there."""
    _write(path, _voice(0))


def _write(path: Path, packets: Iterable[tuple[int, bytes]]) -> None:
    header = struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, 65_535, _ETHERNET)
    frames = (_frame(at_ms, _ip(_udp(packet))) for at_ms, packet in packets)
    path.write_bytes(header + b"".join(frames))


def _voice(after: int) -> Iterator[tuple[int, bytes]]:
    """One packet of sound each half second, numbered after the packets of a key."""
    for number in range(VOICE_SECONDS * 1_000 // VOICE_APART_MS):
        at_ms = VOICE_APART_MS * (number + 1)
        stamp = 8_000 + at_ms * _SAMPLES_PER_MS
        rtp = struct.pack("!BBHII", 0x80, VOICE_TYPE, 1_000 + after + number, stamp, 1)
        yield at_ms, rtp + _SILENCE


def _packets(key: str, press: int) -> Iterator[tuple[int, bytes]]:
    """When each RTP packet is sent, and the packet."""
    for number in range(PRESSED_PACKETS + END_PACKETS):
        over = number >= PRESSED_PACKETS
        marker = _MARKER if number == 0 else 0
        length = SAMPLES * min(number + 1, PRESSED_PACKETS)
        sequence = 1_000 + press * (PRESSED_PACKETS + END_PACKETS) + number
        at = 8_000 + press * PRESS_APART
        rtp = struct.pack("!BBHII", 0x80, marker | PAYLOAD_TYPE, sequence, at, 1)
        event = struct.pack("!BBH", EVENT[key], _VOLUME | (_END if over else 0), length)
        yield PACKET_MS * number, rtp + event


def _udp(data: bytes) -> bytes:
    return struct.pack("!HHHH", 10_000, 10_002, 8 + len(data), 0) + data


def _ip(data: bytes) -> bytes:
    address = bytes((127, 0, 0, 1))
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), 0, 0, 64, 17, 0) + 2 * address + data


def _frame(at_ms: int, data: bytes) -> bytes:
    ethernet = bytes(12) + b"\x08\x00" + data
    when = at_ms // 1_000, at_ms % 1_000 * 1_000
    return struct.pack("<IIII", *when, len(ethernet), len(ethernet)) + ethernet
