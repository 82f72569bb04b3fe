"""G.711 A-law: 8 kHz samples of 16 bits to bytes and back (ITU-T G.711)."""

from array import array

SILENCE = 0xD5
"""The A-law byte of the sample nearest to zero."""


def _expand(byte: int) -> int:
    value = byte ^ 0x55
    exponent, mantissa = (value & 0x70) >> 4, value & 0x0F
    magnitude = (mantissa << 4) + 8
    if exponent:
        magnitude = (magnitude + 0x100) << (exponent - 1)
    return magnitude if value & 0x80 else -magnitude


_EXPANDED = tuple(_expand(byte) for byte in range(256))


def _compress_table() -> bytes:
    """Index: the sample shifted right by four, plus 2048; each takes its nearest level."""
    levels = sorted((level, byte) for byte, level in enumerate(_EXPANDED))
    table = bytearray()
    place = 0
    for step in range(-2048, 2048):
        sample = step * 16 + 8
        while place + 1 < len(levels) and abs(levels[place + 1][0] - sample) <= abs(
            levels[place][0] - sample
        ):
            place += 1
        table.append(levels[place][1])
    return bytes(table)


_COMPRESSED = _compress_table()


def encode(samples: "array[int]") -> bytes:
    """A-law bytes of 16-bit samples."""
    return bytes(_COMPRESSED[(sample >> 4) + 2048] for sample in samples)


def decode(data: bytes) -> "array[int]":
    """16-bit samples of A-law bytes."""
    return array("h", [_EXPANDED[byte] for byte in data])
