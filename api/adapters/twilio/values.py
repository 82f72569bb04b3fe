"""What Twilio tells of numbers, in our words."""

from dataclasses import dataclass
from enum import StrEnum


class NumberType(StrEnum):
    """What kind of number is wanted."""

    LOCAL = "local"
    MOBILE = "mobile"
    TOLL_FREE = "toll-free"


@dataclass(frozen=True, slots=True)
class Offer:
    """A number that can be bought. `address`: whether an address must be shown for it."""

    e164: str
    country: str
    voice: bool
    sms: bool
    address: str


@dataclass(frozen=True, slots=True)
class Owned:
    """A number of the account. `trunk_sid` None: not on a SIP trunk."""

    sid: str
    e164: str
    trunk_sid: str | None
    voice_url: str | None


@dataclass(frozen=True, slots=True)
class Trunk:
    """A SIP trunk at Twilio, and the SIP addresses it sends calls to."""

    sid: str
    name: str
    sip_urls: tuple[str, ...]
