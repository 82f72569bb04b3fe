"""Presence and hours of experts as JSON."""

from pydantic import Field

from api.schemas.base import Answer, Id, MomentIn, Name, Request
from api.schemas.experts import Presence
from billing.catalogue.values import OpenHours

_WEEKDAY = "0 is Monday, 6 is Sunday."
_FROM = "Minutes after midnight: 540 is 9:00."
_TO = "Minutes after midnight, not included: 720 is 12:00, 1440 is midnight."
_ZONE = "Whose clock the hours are on, an IANA time zone."


class PresenceSet(Request):
    """Whether an expert takes calls."""

    presence: Presence = Field(description="What he says of himself.", examples=["available"])
    until: MomentIn | None = Field(
        default=None,
        description="With `available`: only up to then, whatever his hours; null: until changed.",
        examples=["2030-01-01T18:00:00+01:00"],
    )


class Stretch(Request):
    """A stretch of a weekday."""

    weekday: int = Field(ge=0, le=6, description=_WEEKDAY, examples=[0])
    from_minute: int = Field(ge=0, le=1_439, description=_FROM, examples=[540])
    to_minute: int = Field(ge=1, le=1_440, description=_TO, examples=[720])

    def value(self) -> OpenHours:
        """Give the value."""
        return OpenHours(self.weekday, self.from_minute, self.to_minute)


class HoursSet(Request):
    """An expert's hours, all of them."""

    hours: list[Stretch] = Field(
        description="When he takes calls; none: always.",
        max_length=70,
        examples=[[{"weekday": 0, "from_minute": 540, "to_minute": 720}]],
    )
    time_zone: Name | None = Field(
        default=None, description=_ZONE + " Null: as it is.", examples=["Europe/Paris"]
    )


class Stretched(Answer):
    """A stretch of a weekday."""

    weekday: int = Field(description=_WEEKDAY, examples=[0])
    from_minute: int = Field(description=_FROM, examples=[540])
    to_minute: int = Field(description=_TO, examples=[720])


class Hours(Answer):
    """When an expert takes calls, if he is available."""

    hours: list[Stretched] = Field(description="In the order of the week; none: always.")
    open_now: bool = Field(description="Whether the hours hold at this moment.", examples=[True])
    time_zone: str = Field(description=_ZONE, examples=["Europe/Paris"])


class FreeExtensions(Answer):
    """Extensions that nobody has."""

    extensions: list[str] = Field(description="The lowest ones.", examples=[["10", "13"]])


class Pin(Answer):
    """A PIN for the expert line, just made."""

    expert_id: Id = Field(
        description="The expert's id.", examples=["8f0d5a3e-9f64-4a3b-8f0a-1b2c3d4e5f60"]
    )
    pin: str = Field(description="Shown this once, kept nowhere.", examples=["480215"])
