"""What Asterisk shows at one moment."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ari_app.ari.client import AriClient
from ari_app.calls.actor import now_ms

_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All channels with their age in ms, the bridges and who is in them.

    `up` are the channels that were answered, `ours` those in the application: a caller's channel
    that has left it hears its last words in the dialplan and is lost to us. `made_ms` is when
    each bridge was made.
    """

    channels: dict[str, int]
    up: frozenset[str]
    ours: frozenset[str]
    bridges: dict[str, frozenset[str]]
    made_ms: dict[str, int]


async def look(ari: AriClient) -> Snapshot:
    """Ask Asterisk.

    Raises:
        AriError: it can't be asked; nothing is known then, least of all that calls are gone.

    """
    now = now_ms()
    channels: list[dict[str, Any]] = await ari.channels()
    ours = await ari.application_channels()
    bridges = await ari.bridges()
    return Snapshot(
        channels={channel["id"]: now - _ms(channel["creationtime"]) for channel in channels},
        up=frozenset(channel["id"] for channel in channels if channel["state"] == "Up"),
        ours=frozenset(ours),
        bridges={bridge["id"]: frozenset(bridge["channels"]) for bridge in bridges},
        made_ms={bridge["id"]: _ms(bridge["creationtime"]) for bridge in bridges},
    )


def _ms(moment: str) -> int:
    return (datetime.fromisoformat(moment) - _EPOCH) // _MILLISECOND
