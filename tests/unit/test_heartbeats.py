"""Which talks are said to live: those whose caller Asterisk has, not all that we believe in."""

from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from ari_app.ari.client import AriClient, AriUnreachable
from ari_app.calls.actor import Actor
from ari_app.calls.data import CallData
from ari_app.calls.registry import Registry
from ari_app.calls.states import State
from ari_app.spool import Spool
from billing.kit.database import Sessions
from billing.kit.limits import Limits
from dialplan.prompts.store import PromptStore


class FakeAri(AriClient):
    """Shows the channels it is given; none: it can't be reached."""

    def __init__(self, channels: Sequence[str] | None) -> None:
        super().__init__("http://127.0.0.1:1", "user", "password")
        self.shown = channels

    async def application_channels(self) -> list[str]:
        if self.shown is None:
            raise AriUnreachable("GET", "applications/primeline", "no connection")
        return list(self.shown)


class FakeRegistry(Registry):
    """Keeps what it would have written, and has calls by their channels."""

    def __init__(self, channels: Sequence[str] | None, calls: dict[str, State]) -> None:
        super().__init__(
            ari=FakeAri(channels),
            sessions=cast("Sessions", None),
            prompts=cast("PromptStore", None),
            spool=cast("Spool", None),
            limits=Limits(),
            asterisk_id="asterisk",
        )
        self.written: list[str] = []
        for channel, state in calls.items():
            call_id = uuid4()
            self._callers[channel] = call_id
            self._actors[call_id] = Actor(CallData(str(call_id), Limits(), state))

    async def quietly(self, work: Callable[[Any], Any]) -> Any:
        names = {id_: channel for channel, id_ in self._callers.items()}
        wanted: list[UUID] = work.keywords["call_ids"]  # type: ignore[attr-defined]
        self.written += [names[call_id] for call_id in wanted]


@pytest.mark.parametrize(
    ("channels", "written"),
    [
        (["1.1", "1.2"], ["1.1"]),
        # Started anew: a talk of the one before is not going on.
        ([], []),
        (None, []),
    ],
)
async def test_only_a_talk_that_asterisk_still_has_is_alive(
    channels: list[str] | None, written: list[str]
) -> None:
    registry = FakeRegistry(channels, {"1.1": State.TALKING_PAID, "1.2": State.RINGING})
    await registry._beat()  # noqa: SLF001  (the loop around it never ends)
    assert registry.written == written
