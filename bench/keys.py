"""A key press as SIPp plays it: a capture file of the RFC 4733 packets of one key."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

EVENT: Final = {key: number for number, key in enumerate("0123456789*#ABCD")}
PAYLOAD_TYPE: Final = 101
PACKET_MS: Final = 20
SAMPLES: Final = 160
PRESSED_PACKETS: Final = 5
"""A tenth of a second; then the end of the key is told three times, as the RFC asks."""

END_PACKETS: Final = 3
_VOLUME: Final = 10
_MARKER, _END = 0x80, 0x80
_ETHERNET: Final = 1
_MAGIC: Final = 0xA1B2C3D4


PRESS_APART: Final = 16_000
"""Samples between two presses: Asterisk takes one at the same time for one that it has had."""


def write_key(path: Path, key: str, number: int = 0) -> None:
    """Write a capture of `key` pressed; `number` counts the presses of one call."""
    header = struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, 65_535, _ETHERNET)
    frames = (_frame(at_ms, _ip(_udp(packet))) for at_ms, packet in _packets(key, number))
    path.write_bytes(header + b"".join(frames))


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
    return struct.pack("<IIII", 0, at_ms * 1_000, len(ethernet), len(ethernet)) + ethernet
