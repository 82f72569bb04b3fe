"""A process that stood still asks whether Asterisk is still its own before it acts on it.

Stopped by a signal, or its host asleep, it may wake up when another has long taken its calls over;
its timers would be due at once. So each request asks first if the loop did not turn for a while.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import structlog

from ari_app.ari.client import AriClient, AriUnreachable
from ari_app.calls.actor import steady_ms

HOLDER_VARIABLE: Final = "PRIMELINE_HOLDER"
"""A global variable of Asterisk's: the process that acts on it."""

TICK_MS: Final = 250
STILL_MS: Final = 1_000
"""A loop that did not turn for so long may have slept through a take-over, which takes longer."""

log = structlog.get_logger(__name__)


class Fence:
    """Whether this process may act; once `lost` it never may again."""

    def __init__(self, holder: UUID) -> None:
        self.holder = holder
        self.lost = asyncio.Event()
        self._turned_ms = steady_ms()
        self._doubt = False
        self._shown = False

    def shown(self) -> None:
        """Asterisk knows us from now on, so it can be asked."""
        self._shown = True

    def lose(self, why: str) -> None:
        """Act no more."""
        if not self.lost.is_set():
            log.warning("no longer the one that acts on asterisk", why=why)
            self.lost.set()

    @property
    def doubt(self) -> bool:
        """Whether we stood still and have not asked since."""
        if self._shown and steady_ms() - self._turned_ms > STILL_MS:
            self._doubt = True
        return self._doubt

    def told(self, holder: str) -> None:
        """Asterisk was asked who holds it; a new one, which knows nobody, is ours."""
        if holder and holder != str(self.holder):
            self.lose("another process holds it")
        self._turned_ms, self._doubt = steady_ms(), False

    async def tick(self) -> None:
        """Tell, for ever, that the loop turns."""
        while True:
            if not self.doubt:
                self._turned_ms = steady_ms()
            await asyncio.sleep(TICK_MS / 1000)


class FencedAri(AriClient):
    """Requests to Asterisk, none of them made by a process that has lost it."""

    def __init__(
        self, url: str, user: str, password: str, fence: Fence, *, by_websocket: bool = False
    ) -> None:
        super().__init__(url, user, password, by_websocket=by_websocket)
        self._fence = fence
        self._asking = asyncio.Lock()

    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        repeat: bool = True,
    ) -> Any:
        """Ask who holds Asterisk if that is in doubt, then make the request.

        Raises AriError, or AriUnreachable where we must not act.
        """
        if self._fence.doubt:
            async with self._asking:
                if self._fence.doubt:
                    self._fence.told(await self.holder())
        if self._fence.lost.is_set():
            raise AriUnreachable(method, path, "another process holds this Asterisk")
        return await super().request(method, path, params, body, repeat=repeat)

    async def holder(self) -> str:
        """Give the process that acts on Asterisk, by Asterisk itself; empty: none yet."""
        asked = {"variable": HOLDER_VARIABLE}
        answer = await super().request("GET", "asterisk/variable", asked)
        return str(answer["value"])
