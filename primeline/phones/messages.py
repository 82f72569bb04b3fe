"""SIP messages as text (RFC 3261), as far as a phone needs them."""

import re
import secrets
from dataclasses import dataclass, field

_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
}
_QUOTED = re.compile(r'(\w+)=(?:"([^"]*)"|([^,\s]+))')


@dataclass(slots=True)
class Message:
    """One request or response; header names keep their order and may repeat."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @property
    def is_response(self) -> bool:
        """True for a status line."""
        return self.start.startswith("SIP/2.0 ")

    @property
    def code(self) -> int:
        """The status of a response, 0 for a request."""
        return int(self.start.split(" ", 2)[1]) if self.is_response else 0

    @property
    def is_final(self) -> bool:
        """Whether a response ends its transaction."""
        return self.code >= 200  # noqa: PLR2004 - below are the provisional ones

    @property
    def is_refusal(self) -> bool:
        """Whether a response is final and not a success."""
        return self.code >= 300  # noqa: PLR2004 - below are the successes

    @property
    def method(self) -> str:
        """The method of a request, or of the request a response answers."""
        return self.get("cseq").split()[-1] if self.is_response else self.start.split(" ", 1)[0]

    @property
    def sequence(self) -> int:
        """The number in CSeq."""
        return int(self.get("cseq").split()[0])

    def get(self, name: str) -> str:
        """The first value of a header, or an empty string."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """All values of a header, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def render(self) -> bytes:
        """The message as it goes on the wire."""
        body = self.body.encode()
        lines = [self.start, *(f"{key}: {value}" for key, value in self.headers)]
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def parse(data: bytes) -> Message:
    """Read one datagram.

    Raises `ValueError`: it is no SIP message.
    """
    head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    if "SIP/2.0" not in start:
        msg = "no SIP start line"
        raise ValueError(msg)
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            key = name.strip()
            headers.append((_COMPACT.get(key.lower(), key), value.strip()))
    message = Message(start, headers, body)
    if message.is_response:
        int(start.split(" ", 2)[1])
    if not message.get("cseq") or not message.get("via"):
        msg = "CSeq or Via is missing"
        raise ValueError(msg)
    return message


def reply(request: Message, code: int, phrase: str, *, tag: str = "") -> Message:
    """The response to a request, with its Via, From, To, Call-ID and CSeq copied."""
    answer = Message(f"SIP/2.0 {code} {phrase}")
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        for value in request.all(name):
            tagged = name == "To" and tag and not parameter(value, "tag")
            answer.headers.append((name, f"{value};tag={tag}" if tagged else value))
    answer.headers += [("Record-Route", value) for value in request.all("record-route")]
    return answer


def uri_of(value: str) -> str:
    """The URI of a From, To or Contact header."""
    found = re.search(r"<([^>]*)>", re.sub(r'"[^"]*"', "", value))
    return found.group(1) if found else value.partition(";")[0].strip()


def user_of(value: str) -> str:
    """The user part of a From, To or Contact header; empty if there is none."""
    found = re.match(r"sips?:([^@;>]+)@", uri_of(value))
    return found.group(1) if found else ""


def parameter(value: str, name: str) -> str:
    """A header parameter such as ``tag``, looked for after the URI."""
    found = re.search(rf";\s*{name}=\"?([^;\",\s]+)", value.rpartition(">")[2], re.IGNORECASE)
    return found.group(1) if found else ""


def quoted_fields(value: str) -> dict[str, str]:
    """The ``name="value"`` pairs of a challenge."""
    return {found[1].lower(): found[2] or found[3] or "" for found in _QUOTED.finditer(value)}


def token() -> str:
    """A fresh tag, branch or Call-ID."""
    return secrets.token_hex(8)
