"""One caller on one line: carries out what the dialogue wants, in a thread of its own."""

import re
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from asterisk.agi import AGIException

from agi import metrics
from agi.bridge import Bridge, DatabaseAway
from agi.protocol import Agi, ProtocolBroken
from agi.services import LineServices
from billing.calls import lines
from billing.calls.lines import LineCall
from billing.kit.clock import now
from billing.kit.errors import PrimelineError
from billing.kit.limits import Limits
from billing.kit.logs import bind_call
from dialplan.menus import Digits, account_line, expert_line, press
from dialplan.menus import values as v
from dialplan.prompts.store import PromptStore
from dialplan.prompts.values import Phrase

SWITCH: Final = "TIMEOUT(absolute)"
SERVED: Final = "PRIMELINE_SERVED"
"""Set once all was said: without it the dialplan apologises."""

DIALOGUES: Final[dict[str, tuple[Any, Callable[[Any, v.Event], tuple[Any, v.Output]]]]] = {
    "account-line": (account_line.START, account_line.step),
    "expert-line": (expert_line.START, expert_line.step),
}

GONE: Final = (AGIException, ProtocolBroken, OSError)
"""The caller or the connection is gone, or what came is no AGI."""

_UUID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

log = structlog.get_logger(__name__)


class Session:
    """Serves one connection; made by the server, run in a thread."""

    def __init__(
        self,
        connection: socket.socket,
        bridge: Bridge,
        prompts: PromptStore,
        limits: Limits,
        secret_key: str,
        on_headers: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._bridge = bridge
        self._prompts = prompts
        self._limits = limits
        self._secret_key = secret_key
        self._on_headers = on_headers
        self._line = "none"
        self._outcome = "no-session"
        self._ends_at = time.monotonic() + limits.line_ms / 1_000

    def run(self) -> None:
        """Serve; whatever goes wrong ends this session alone."""
        try:
            self._serve()
        except GONE as error:
            log.info("no session", error=type(error).__name__)
        except DatabaseAway:
            log.warning("database away")
            self._outcome = "database-away"
        except Exception:
            log.exception("session failed")
            self._outcome = "failed"
        finally:
            metrics.over(self._line, self._outcome)

    def _serve(self) -> None:
        # Until it is over Asterisk says nothing while a prompt is heard or a key awaited.
        self._connection.settimeout((self._limits.line_step_ms + self._limits.grace_ms) / 1_000)
        with (
            self._connection.makefile("r", encoding="utf-8", errors="replace", newline="\n") as r,
            self._connection.makefile("w", encoding="utf-8", newline="\n") as w,
        ):
            agi = Agi(r, w)
            self._on_headers()
            match agi.arguments():
                case (line, given) if line in DIALOGUES and _UUID.fullmatch(given):
                    taken = partial(lines.take, call_id=UUID(given), line=line, at=now())
                    call = self._bridge.transact(taken)
                    if call is None:
                        log.warning("no call to serve", line=line)
                        return
                    bind_call(call.call_id)
                    self._with(agi, call)
                case _:
                    log.warning("no line of ours")

    def _with(self, agi: Agi, call: LineCall) -> None:
        log.info("on the line", line=call.line)
        result = self._outcome = "failed"
        self._line = call.line
        try:
            agi.answer()
            result = self._talk(agi, call)
            agi.set_variable(SERVED, "yes")
        except GONE as error:
            result = "hung-up" if isinstance(error, AGIException) else "lost"
        finally:
            log.info("line left", line=call.line, result=result)
            self._outcome = result
            self._bridge.transact(
                partial(lines.leave, call_id=call.call_id, result=result, at=now())
            )

    def _talk(self, agi: Agi, call: LineCall) -> str:
        services = LineServices(call, self._limits, self._secret_key)
        state, step = DIALOGUES[call.line]
        event: v.Event = v.Began(known=call.account_id is not None, locked=call.locked)
        while True:
            state, output = step(state, event)
            match output:
                case v.Farewell(phrases, result):
                    self._say(agi, phrases, services.language)
                    return result
                case v.Ask() if self._ends_at <= time.monotonic():
                    self._say(agi, (Phrase("goodbye"),), services.language)
                    return "time-over"
                case v.Ask(phrases, most):
                    event = v.Keyed(self._ask(agi, phrases, most, services.language))
                case request:
                    try:
                        event = self._bridge.transact(partial(services.answer, request=request))
                    except (DatabaseAway, PrimelineError) as error:
                        log.warning("not answered", error=type(error).__name__)
                        self._say(agi, (Phrase("apology"),), services.language)
                        return "apologised"

    def _ask(self, agi: Agi, phrases: Sequence[Phrase], most: int, language: str) -> str:
        """Read keys by the rule of all menus; what is keyed is known to nobody but the dialogue."""
        digits = Digits(most)
        sounds = self._sounds(phrases, language)
        while not digits.done:
            self._allow_step(agi)
            wanted = most - len(digits.value)
            keys, timed_out = agi.read_keys(sounds, self._limits.line_key_ms, wanted)
            for key in keys:
                digits = press(digits, key)
            if timed_out or len(keys) < wanted:
                break
            sounds = []
        return digits.value

    def _say(self, agi: Agi, phrases: Sequence[Phrase], language: str) -> None:
        self._allow_step(agi)
        agi.play(self._sounds(phrases, language))

    def _allow_step(self, agi: Agi) -> None:
        """Let Asterisk end the call itself should we say nothing more."""
        left_ms = (self._ends_at - time.monotonic()) * 1_000
        ms = int(max(min(left_ms, self._limits.line_step_ms), 0)) + self._limits.grace_ms
        agi.set_variable(SWITCH, f"{ms // 1000}.{ms % 1000:03d}")

    def _sounds(self, phrases: Sequence[Phrase], language: str) -> list[str]:
        sounds: list[str] = []
        for phrase in phrases:
            try:
                sounds += self._prompts.media(phrase, language)
            except PrimelineError as error:
                log.error("prompt missing", error=error.sentence)  # noqa: TRY400
        return sounds
