"""AGI over a socket: pyst2's commands behind limits of our own.

pyst2's own constructor installs a signal handler and writes all it reads to stderr, digits
included; its reader takes the end of the stream and `HANGUP` lines for numbers, and waits for ever
within a usage text. What is here replaces those parts alone.
"""

import re
from collections.abc import Sequence
from typing import Final, TextIO

from asterisk.agi import AGI, AGIAppError, AGIHangup, AGIInvalidCommand, AGIUnknownError

HEADERS: Final = 64
LINE_CHARACTERS: Final = 1_024
USAGE_LINES: Final = 64
KEYS: Final = "0123456789*#"
END: Final = "#"

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f"\\]')
_ANSWER = re.compile(r"(\d{3})([ -])(.*)")
_RESULT = re.compile(r"result=(\S*)(?: \((.*)\))?")
_OK, _USAGE, _DEAD = 200, 520, 511


class ProtocolBroken(Exception):
    """The other side speaks no AGI, or too much of it."""


class Agi(AGI):  # type: ignore[misc]  # the library has no types
    """One call's script. Raises AGIHangup once the caller or the connection is gone."""

    def __init__(self, reader: TextIO, writer: TextIO) -> None:
        self.stdin = reader
        self.stdout = writer
        self.stderr = _Nowhere()
        self._got_sighup = False
        self.env: dict[str, str] = {}
        self._get_agi_env()

    def _get_agi_env(self) -> None:
        for _ in range(HEADERS):
            line = self._line()
            if not line:
                return
            name, colon, value = line.partition(":")
            if not colon or not name.startswith("agi_"):
                raise ProtocolBroken("header")
            self.env[name] = value.strip()
        raise ProtocolBroken("too many headers")

    def arguments(self) -> tuple[str, ...]:
        """Give what stands in the address behind the host, part by part."""
        script = self.env.get("agi_network_script", "")
        return tuple(script.split("/"))

    def send_command(self, command: str, *args: object) -> None:
        """Send a command; ValueError where anything in it could begin another."""
        line = " ".join((command, *map(str, args)))
        if any(ord(letter) < 32 for letter in line):  # noqa: PLR2004  (control characters)
            raise ValueError(command)
        self.stdout.write(f"{line}\n")
        self.stdout.flush()

    def get_result(self, _stdin: object = None) -> dict[str, tuple[str, str]]:
        """Read the answer to a command."""
        line = self._line()
        if line == "HANGUP":
            raise AGIHangup("hung up")
        found = _ANSWER.fullmatch(line)
        if found is None:
            raise ProtocolBroken("answer")
        code, more = int(found[1]), found[2] == "-"
        if code == _USAGE and more:
            self._skip_usage()
        if code == _DEAD:
            raise AGIHangup("the channel is dead")
        if code != _OK:
            raise AGIInvalidCommand(code) if code > _OK else AGIUnknownError(code)
        result = _RESULT.match(found[3])
        if result is None:
            raise ProtocolBroken("result")
        value, data = result[1], result[2] or ""
        if data == "hangup" or value == "-1":
            raise AGIAppError("hung up, or failed")
        return {"result": (value, data)}

    def read_keys(self, sounds: Sequence[str], wait_ms: int, most: int) -> tuple[str, bool]:
        """Play sounds and read keys, `#` ending them; gives the keys and whether time ran out.

        A key stops the sounds.
        """
        for sound in sounds[:-1]:
            first = self.stream_file(self._quote(sound), KEYS)
            if first == END:
                return "", False
            if first and most == 1:
                return first, False
            if first:
                rest, timed_out = self._get_data("", wait_ms, most - 1)
                return first + rest, timed_out
        return self._get_data(sounds[-1] if sounds else "", wait_ms, most)

    def _get_data(self, sound: str, wait_ms: int, most: int) -> tuple[str, bool]:
        # The library's own `get_data` doesn't tell whether time ran out.
        keys, data = self.execute("GET DATA", self._quote(sound), wait_ms, most)["result"]
        return keys, data == "timeout"

    def play(self, sounds: Sequence[str]) -> None:
        """Play sounds to their end."""
        for sound in sounds:
            self.stream_file(self._quote(sound))

    def _quote(self, string: object) -> str:
        text = str(string)
        if _FORBIDDEN.search(text):
            raise ValueError("a quote, a backslash or a control character")
        return f'"{text}"'

    def _line(self) -> str:
        line = self.stdin.readline(LINE_CHARACTERS)
        if not line:
            raise AGIHangup("the connection is gone")
        if not line.endswith("\n"):
            raise ProtocolBroken("line")
        return line.strip()

    def _skip_usage(self) -> None:
        for _ in range(USAGE_LINES):
            if self._line().startswith("520 "):
                return
        raise ProtocolBroken("usage")


class _Nowhere:
    """Where the library's running commentary goes: it holds every digit."""

    def write(self, _text: str) -> None:
        """Forget it."""
