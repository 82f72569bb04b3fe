"""Session descriptions (RFC 8866): one A-law audio stream with telephone events."""

import re
from dataclasses import dataclass

from primeline.phones.rtp import ALAW, EVENTS


@dataclass(frozen=True, slots=True)
class Remote:
    """Where the other side wants its RTP, and its payload type of telephone events."""

    host: str
    port: int
    events_kind: int | None


def describe(host: str, port: int, *, version: int, direction: str = "sendrecv") -> str:
    """Our offer or answer."""
    lines = (
        "v=0",
        f"o=phone {port} {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {ALAW} {EVENTS}",
        f"a=rtpmap:{ALAW} PCMA/8000",
        f"a=rtpmap:{EVENTS} telephone-event/8000",
        f"a=fmtp:{EVENTS} 0-16",
        "a=ptime:20",
        f"a={direction}",
    )
    return "\r\n".join(lines) + "\r\n"


def read(text: str) -> Remote | None:
    """The other side's description; None if it holds no usable audio."""
    host = re.search(r"^c=IN IP4 (\S+)", text, re.MULTILINE)
    audio = re.search(r"^m=audio (\d+) ", text, re.MULTILINE)
    events = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", text, re.MULTILINE)
    if host is None or audio is None or audio[1] == "0":
        return None
    return Remote(host[1], int(audio[1]), int(events[1]) if events else None)
