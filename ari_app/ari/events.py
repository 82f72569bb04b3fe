"""Asterisk's events as typed values: only those a call needs, all others are None."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ari_app.ari.packets import Packets, of_channel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
BY_DRIVER: Final = 1


@dataclass(frozen=True, slots=True)
class AriEvent:
    """`at_ms`: Asterisk's own timestamp, milliseconds since the epoch."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class StasisStart(AriEvent):
    """A channel came into the application. `caller` is its number as Asterisk trusts it."""

    channel: str
    args: tuple[str, ...]
    caller: str


@dataclass(frozen=True, slots=True)
class StasisEnd(AriEvent):
    """A channel left the application: for an incoming one, the end."""

    channel: str


@dataclass(frozen=True, slots=True)
class ChannelDestroyed(AriEvent):
    """A channel is gone; `cause` is Q.850."""

    channel: str
    cause: int


@dataclass(frozen=True, slots=True)
class ChannelHold(AriEvent):
    """A channel's phone holds the other side (`on`), or is back."""

    channel: str
    on: bool


@dataclass(frozen=True, slots=True)
class ChannelSilent(AriEvent):
    """A channel is about to be hung up: it has sent no sound for as long as its endpoint may."""

    channel: str


@dataclass(frozen=True, slots=True)
class ChannelUp(AriEvent):
    """A channel was answered."""

    channel: str


@dataclass(frozen=True, slots=True)
class ChannelDtmf(AriEvent):
    """A key was released."""

    channel: str
    digit: str


@dataclass(frozen=True, slots=True)
class EnteredBridge(AriEvent):
    """A channel is in a bridge."""

    channel: str
    bridge: str


@dataclass(frozen=True, slots=True)
class LeftBridge(AriEvent):
    """A channel is out of a bridge; `packets` is known of one that has hung up."""

    channel: str
    bridge: str
    packets: Packets | None = None


@dataclass(frozen=True, slots=True)
class PlaybackFinished(AriEvent):
    """A playback ended; `failed` if it was not played to its end or a stop."""

    playback: str
    failed: bool


@dataclass(frozen=True, slots=True)
class ApplicationReplaced(AriEvent):
    """Another process has taken over our application: no event comes here any more."""


def at_ms(timestamp: str) -> int:
    """`2026-11-22T21:00:00.123+0000` as milliseconds since the epoch."""
    return (datetime.fromisoformat(timestamp) - _EPOCH) // _MILLISECOND


def parse(raw: dict[str, Any]) -> AriEvent | None:
    """The event in `raw`, or None if it is none of ours.

    Raises:
        KeyError, ValueError: the event lacks what its type always has.

    """
    kind = raw.get("type")
    if kind == "ApplicationReplaced":
        return ApplicationReplaced(at_ms(raw["timestamp"]))
    parser = _PARSERS.get(str(kind))
    return parser(at_ms(raw["timestamp"]), raw) if parser else None


def _start(at: int, raw: dict[str, Any]) -> AriEvent:
    channel = raw["channel"]
    return StasisStart(at, channel["id"], tuple(raw["args"]), channel["caller"]["number"])


def _state(at: int, raw: dict[str, Any]) -> AriEvent | None:
    channel = raw["channel"]
    return ChannelUp(at, channel["id"]) if channel["state"] == "Up" else None


def _hang_up(at: int, raw: dict[str, Any]) -> AriEvent | None:
    """A soft hang-up by the device's own driver (1 here is no Q.850 cause) is that for silence."""
    silent = raw.get("soft") is True and raw.get("cause") == BY_DRIVER
    return ChannelSilent(at, raw["channel"]["id"]) if silent else None


def _playback(at: int, raw: dict[str, Any]) -> AriEvent:
    playback = raw["playback"]
    return PlaybackFinished(at, playback["id"], playback["state"] == "failed")


_PARSERS: dict[str, Callable[[int, dict[str, Any]], AriEvent | None]] = {
    "StasisStart": _start,
    "StasisEnd": lambda at, raw: StasisEnd(at, raw["channel"]["id"]),
    "ChannelDestroyed": lambda at, raw: ChannelDestroyed(at, raw["channel"]["id"], raw["cause"]),
    "ChannelStateChange": _state,
    "ChannelHangupRequest": _hang_up,
    "ChannelHold": lambda at, raw: ChannelHold(at, raw["channel"]["id"], on=True),
    "ChannelUnhold": lambda at, raw: ChannelHold(at, raw["channel"]["id"], on=False),
    "ChannelDtmfReceived": lambda at, raw: ChannelDtmf(at, raw["channel"]["id"], raw["digit"]),
    "ChannelEnteredBridge": lambda at, raw: EnteredBridge(
        at, raw["channel"]["id"], raw["bridge"]["id"]
    ),
    "ChannelLeftBridge": lambda at, raw: LeftBridge(
        at, raw["channel"]["id"], raw["bridge"]["id"], of_channel(raw["channel"])
    ),
    "PlaybackFinished": _playback,
}
