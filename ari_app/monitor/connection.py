"""One connection to Asterisk's manager interface (AMI), made with panoramisk.

Of panoramisk we use the protocol alone. Its `Manager` would connect anew at a fixed pace whatever
the reason, never tell of a wrong password, and wait for ever for the answer to a ping.
"""

import asyncio
import codecs
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from panoramisk.ami_protocol import AMIProtocol

from ari_app.monitor.messages import checked

LONGEST_MESSAGE: Final = 200_000
"""Characters without a message's end; whoever sends more isn't Asterisk."""

log = structlog.get_logger(__name__)


class LoginRefused(Exception):
    """Asterisk is there and doesn't take our name and password."""


class NotAsterisk(Exception):
    """Whoever answers speaks another language."""


class _Protocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """Panoramisk's, made safe against bytes cut in two, floods and its own exceptions."""

    def __init__(self, owner: "Connection") -> None:
        self._owner = owner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.factory = self._owner
        self.encoding = "utf-8"
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def data_received(self, data: bytes) -> None:
        try:
            super().data_received(self._decoder.decode(data).encode())
            too_long = sum(map(len, self.queue)) > LONGEST_MESSAGE
        except Exception as error:  # noqa: BLE001  (whatever a stranger's bytes may cause)
            log.warning("unreadable words on asterisk's port", error=type(error).__name__)
            too_long = True
        if too_long:
            self.transport.abort()


class Connection:
    """A connection that is logged in; `lost` is done when it is over.

    Panoramisk's protocol calls its `factory`, which is this.
    """

    forgetable_actions: Final = ("ping", "login")

    def __init__(self, on_event: Callable[[Mapping[str, object]], None]) -> None:
        self._on_event = on_event
        self._protocol: _Protocol | None = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.awaiting_actions: deque[Any] = deque(maxlen=1)

    async def open(self, host: str, port: int, user: str, secret: str) -> None:
        """Connect and log in; the caller sets a deadline.

        Raises OSError, LoginRefused, or NotAsterisk for one who hangs up before an answer.
        """
        loop = asyncio.get_running_loop()
        _, self._protocol = await loop.create_connection(lambda: _Protocol(self), host, port)
        login = {"Username": user, "Secret": secret, "Events": "system,security"}
        answer = await self._ask("Login", login)
        if not answer.success:
            raise LoginRefused

    async def ping(self) -> None:
        """Ask for a sign of life; the caller sets a deadline. Raises NotAsterisk."""
        await self._ask("Ping", {})

    def close(self) -> None:
        """Hang up."""
        if self._protocol is not None:
            self._protocol.transport.abort()

    async def _ask(self, action: str, values: Mapping[str, str]) -> Any:
        assert self._protocol is not None
        answer = self._protocol.send(checked({"Action": action, **values}))
        try:
            await asyncio.wait({answer, self.lost}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise NotAsterisk
            return answer.result()
        finally:
            answer.cancel()

    # What the protocol calls.

    def connection_lost(self, _why: object) -> None:
        """Note that the connection is over."""
        if not self.lost.done():
            self.lost.set_result(None)

    def dispatch(self, event: Any) -> None:
        """Hand an event on."""
        self._on_event(dict(event))
