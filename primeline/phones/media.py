"""The sound of calls: one thread sends and receives the RTP of all phones of this process.

The arrival time of a packet is the kernel's (`SO_TIMESTAMPNS`), so a busy process doesn't blur
what is measured. Packets are sent every 20 ms by the clock, whatever the event loop does.
"""

import random
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable

from primeline.phones import rtp
from primeline.phones.heard import Frame, Heard, Key
from primeline.phones.udp import arrival_ns, open_pair
from primeline.phones.voices import SILENCE, Voice

_TICK_NS = 5_000_000
_FRAME_NS = rtp.FRAME_MS * 1_000_000
_LATE_NS = 200_000_000
_SWITCH_SECONDS = 0.0005
_RTCP_KINDS = range(72, 77)
_LAST_PACKETS = 3


class Stream:
    """One call's RTP: its own port, what it says, what it hears."""

    def __init__(self, host: str) -> None:
        self.socket, self._control = open_pair(host)
        self.port: int = self.socket.getsockname()[1]
        self.heard = Heard()
        self.keys: list[Key] = []
        self.sent_frames = 0
        self.sending = True
        self._remote: tuple[str, int] | None = None
        self._events_kind: int | None = rtp.EVENTS
        self._voice = SILENCE
        self._place = 0
        self._pressing: deque[tuple[str, int]] = deque()
        self._pressed_ms = 0
        self._key_stamp = 0
        self._source = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._stamp = random.getrandbits(31)
        self._due_ns = 0
        self._key_seen: tuple[int, int] | None = None
        self._closed = False

    def connect(self, host: str, port: int, events_kind: int | None) -> None:
        """Send to this address from now on; the first time, begin."""
        first = self._remote is None
        self._remote, self._events_kind = (host, port), events_kind
        if first and not self._closed:
            self._due_ns = time.monotonic_ns()
            _engine.add(self)

    def say(self, voice: Voice) -> None:
        """Say this from the next packet on."""
        self._place = 0
        self._voice = voice

    def press(self, keys: str, *, hold_ms: int, gap_ms: int) -> None:
        """Queue keys; each is held and followed by a gap, in whole packets."""
        for key in keys:
            rtp.KEYS.index(key)
        self._pressing.extend(step for key in keys for step in ((key, hold_ms), ("", gap_ms)))

    @property
    def pressing(self) -> bool:
        """Whether queued keys are still being sent."""
        return bool(self._pressing)

    def close(self) -> None:
        """Stop sending and receiving, and give the port back."""
        if not self._closed:
            self._closed = True
            _engine.remove(self)
            self.socket.close()
            self._control.close()

    def send_due(self, now_ns: int) -> None:
        """Send the packets whose time has come."""
        if now_ns - self._due_ns > _LATE_NS:
            skipped = (now_ns - self._due_ns) // _FRAME_NS
            self._due_ns += skipped * _FRAME_NS
            self._stamp += skipped * rtp.FRAME_SAMPLES
        while self._due_ns <= now_ns:
            self._due_ns += _FRAME_NS
            if self.sending:
                self._send_one()
            self._stamp += rtp.FRAME_SAMPLES

    def _send_one(self) -> None:
        if self._pressing:
            key, length_ms = self._pressing[0]
            if key:
                self._send_key(key, length_ms)
                return
            self._pressed_ms += rtp.FRAME_MS
            if self._pressed_ms >= length_ms:
                self._next_key()
        frames = self._voice.frames
        self._place = (self._place + 1) % len(frames)
        self._send(rtp.ALAW, self._stamp, frames[self._place], marker=self.sent_frames == 0)
        self.sent_frames += 1

    def _send_key(self, key: str, length_ms: int) -> None:
        first = self._pressed_ms == 0
        if first:
            self._key_stamp = self._stamp
        self._pressed_ms += rtp.FRAME_MS
        last = self._pressed_ms >= length_ms
        payload = rtp.event(key, duration_samples=self._pressed_ms * 8, last=last)
        if self._events_kind is not None:
            for _ in range(_LAST_PACKETS if last else 1):
                self._send(self._events_kind, self._key_stamp, payload, marker=first)
        if last:
            self._next_key()

    def _next_key(self) -> None:
        self._pressing.popleft()
        self._pressed_ms = 0

    def _send(self, kind: int, stamp: int, payload: bytes, *, marker: bool) -> None:
        packet = rtp.Packet(kind, self._sequence, stamp, self._source, payload, marker)
        self._sequence += 1
        if self._remote is not None:
            try:
                self.socket.sendto(packet.render(), self._remote)
            except OSError:
                return

    def receive_all(self) -> None:
        """Take what has come in; called when the socket is readable."""
        while True:
            try:
                data, extra, _, address = self.socket.recvmsg(2048, 64)
            except OSError:
                return
            if self._remote is not None and address[1] == self._remote[1]:
                self._receive(data, arrival_ns(extra))

    def _receive(self, data: bytes, at_ns: int) -> None:
        packet = rtp.parse(data)
        if packet is None or packet.kind in _RTCP_KINDS:
            return
        if packet.kind == rtp.ALAW:
            age_ns = time.time_ns() - at_ns
            monotonic_us = (time.monotonic_ns() - age_ns) // 1000
            self.heard.add(Frame(at_ns // 1000, monotonic_us, packet.payload))
        elif packet.kind == self._events_kind:
            self._receive_key(packet, at_ns // 1000)

    def _receive_key(self, packet: rtp.Packet, at_us: int) -> None:
        event = rtp.read_event(packet.payload)
        if event is None:
            return
        key, _, samples = event
        seen = (packet.source, packet.stamp)
        if seen != self._key_seen:
            self._key_seen = seen
            self.keys.append(Key(key, at_us, samples // 8))
        else:
            self.keys[-1] = Key(key, self.keys[-1].at_us, samples // 8)


class _Engine:
    """The thread; it lives while there is a stream.

    Each packet sent gives the interpreter lock away for a moment. With Python's usual 5 ms until
    a busy main thread must hand it back, a dozen phones fell 130 ms behind; with 0.5 ms they
    keep time.
    """

    def __init__(self) -> None:
        self._usual_switch_seconds = sys.getswitchinterval()
        self._lock = threading.Lock()
        self._streams: dict[int, Stream] = {}
        self._thread: threading.Thread | None = None

    def add(self, stream: Stream) -> None:
        """Serve a stream from now on."""
        with self._lock:
            self._streams[stream.socket.fileno()] = stream
            if self._thread is None:
                self._usual_switch_seconds = sys.getswitchinterval()
                sys.setswitchinterval(_SWITCH_SECONDS)
                self._thread = threading.Thread(target=self._run, name="phones", daemon=True)
                self._thread.start()

    def remove(self, stream: Stream) -> None:
        """Serve a stream no more; afterwards its socket may be closed."""
        with self._lock:
            self._streams.pop(stream.socket.fileno(), None)

    def _run(self) -> None:
        next_ns = time.monotonic_ns()
        while True:
            next_ns = max(next_ns + _TICK_NS, time.monotonic_ns())
            time.sleep(max(0, next_ns - time.monotonic_ns()) / 1e9)
            with self._lock:
                if not self._streams:
                    self._thread = None
                    sys.setswitchinterval(self._usual_switch_seconds)
                    return
                self._serve(self._streams.values())

    def _serve(self, streams: Iterable[Stream]) -> None:
        poll = select.poll()
        for stream in streams:
            stream.send_due(time.monotonic_ns())
            poll.register(stream.socket, select.POLLIN)
        for number, _ in poll.poll(0):
            self._streams[number].receive_all()


_engine = _Engine()
