"""How many voice packets a channel got and gave, as Asterisk counts them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TOLD_BY: Final = "RTPAUDIOQOS"
"""The variable that a hung-up channel's events bring: `rxcount=252;txcount=310;…`."""


@dataclass(frozen=True, slots=True)
class Packets:
    """`received` from the phone and `sent` to it, since its channel began."""

    received: int
    sent: int


def of_statistics(raw: Mapping[str, Any]) -> Packets:
    """Read an answer of `rtp_statistics`; raises KeyError or ValueError."""
    return Packets(int(raw["rxcount"]), int(raw["txcount"]))


def of_channel(channel: Mapping[str, Any]) -> Packets | None:
    """Read what an event tells of its channel; None: nothing, for most channels live."""
    told = (channel.get("channelvars") or {}).get(TOLD_BY)
    if not told:
        return None
    values = dict(part.partition("=")[::2] for part in str(told).split(";"))
    try:
        return of_statistics(values)
    except (KeyError, ValueError):
        return None
