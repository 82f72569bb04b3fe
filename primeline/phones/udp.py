"""UDP sockets for RTP: a pair of ports, and the kernel's time of each arrival."""

import socket
import struct
import time

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_RECEIVE_BUFFER_BYTES = 1 << 20


def arrival_ns(extra: list[tuple[int, int, bytes]]) -> int:
    """Take the kernel's wall-clock time from what `recvmsg` gave; now, if it holds none."""
    for level, kind, data in extra:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(data[: _TIMESPEC.size])
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return time.time_ns()


def open_pair(host: str) -> tuple[socket.socket, socket.socket]:
    """Open a free even port for RTP and the odd one above, where our RTCP bothers nobody."""
    while True:
        sound = _bound(host, 0)
        port = sound.getsockname()[1]
        if port % 2 == 0:
            try:
                control = _bound(host, port + 1)
            except OSError:
                pass
            else:
                sound.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                sound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
                return sound, control
        sound.close()


def _bound(host: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    try:
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened
