"""Trunks as JSON. Passwords come in or are shown once; none is given back."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import UNSET, Answer, Edit, Id
from api.schemas.experts import Endpoint
from api.schemas.numbers import E164
from billing.endpoints.trunks import shown as shown_values
from billing.endpoints.values import KnownTrunk, NumberFormat

Kind = Literal["any", "+e164", "e164", "00", "national"]
Region = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9*]{0,12}$")]
Secret = Annotated[str, StringConstraints(pattern=r"^[ -~]{1,200}$")]

_TEXTS = {
    "trusted": ("Whether its caller ids count as proved.", True),
    "region": ("Country of its national numbers, ISO 3166.", "FR"),
    "addresses": ("Where its calls come from: `IP`, `IP:port` or `IP/bits`.", ["203.0.113.10"]),
    "inbound_format": ("How it writes numbers to us.", "any"),
    "inbound_strip": ("Taken off the front of numbers that come.", ""),
    "inbound_add": ("Then put before them.", ""),
    "maximum_calls": ("The most calls coming in at once; null: any number.", 30),
    "host": ("Where calls out go, with a port if it isn't 5060; null: none do.", "sip.example.com"),
    "proxy": ("An outbound proxy on the way; null: none.", "proxy.example.com"),
    "username": ("Ours at the host; null: we don't log in.", "primeline"),
    "register": ("Whether we register at the host.", False),
    "outbound_format": ("How it wants numbers.", "+e164"),
    "outbound_strip": ("Taken off the front of numbers we send.", ""),
    "outbound_add": ("Then put before them.", ""),
    "presented_number": ("What a called party sees, E.164.", "+33199001234"),
    "destinations": ("What may be dialled; empty: fixed and mobile of its region.", ["FR-mobile"]),
}


def _field(name: str, default: Any = UNSET, **more: Any) -> Any:
    text, example = _TEXTS[name]
    return Field(default=default, description=text, examples=[example], **more)


class TrunkEdit(Edit):
    """What can be set of a trunk; what is left out stays, or is as usual for a new one."""

    trusted: bool = _field("trusted")
    region: Region = _field("region")
    addresses: list[Line] = _field("addresses", max_length=50)
    inbound_format: Kind = _field("inbound_format")
    inbound_strip: Digits = _field("inbound_strip")
    inbound_add: Digits = _field("inbound_add")
    maximum_calls: int | None = _field("maximum_calls", ge=1, le=10_000)
    host: Line | None = _field("host")
    proxy: Line | None = _field("proxy")
    username: Line | None = _field("username")
    password: Secret | None = Field(
        default=UNSET, description="Ours at the host; kept encrypted.", examples=["s3cret"]
    )
    register_: bool = Field(
        default=UNSET,
        alias="register",
        description="Whether we register at the host.",
        examples=[False],
    )
    outbound_format: Kind = _field("outbound_format")
    outbound_strip: Digits = _field("outbound_strip")
    outbound_add: Digits = _field("outbound_add")
    presented_number: E164 | None = _field("presented_number")
    destinations: list[Line] = _field("destinations", max_length=100)


class TrunkNew(TrunkEdit):
    """A trunk to be made."""

    name: Endpoint = Field(
        description="Stands in the record of each call; given once.", examples=["carrier"]
    )


class Trunk(Answer):
    """A line to a carrier."""

    id: Id = Field(description="The trunk's id.", examples=["9d1c2b3a-4e5f-4a6b-8c7d-0e1f2a3b4c5d"])
    name: str = Field(description="Stands in the record of each call.", examples=["carrier"])
    trusted: bool = _field("trusted", ...)
    region: str = _field("region", ...)
    addresses: list[str] = _field("addresses", ...)
    logs_in: bool = Field(
        description="Whether its calls must log in with a password.", examples=[True]
    )
    inbound_format: Kind = _field("inbound_format", ...)
    inbound_strip: str = _field("inbound_strip", ...)
    inbound_add: str = _field("inbound_add", ...)
    maximum_calls: int | None = _field("maximum_calls", ...)
    host: str | None = _field("host", ...)
    proxy: str | None = _field("proxy", ...)
    username: str | None = _field("username", ...)
    register_: bool = Field(
        alias="register", description="Whether we register at the host.", examples=[False]
    )
    outbound_format: Kind = _field("outbound_format", ...)
    outbound_strip: str = _field("outbound_strip", ...)
    outbound_add: str = _field("outbound_add", ...)
    presented_number: str | None = _field("presented_number", ...)
    destinations: list[str] = _field("destinations", ...)
    version: int = Field(description="Raised by each edit; also the ETag.", examples=[1])


class Password(Answer):
    """A password just made."""

    username: str = Field(description="What to log in as.", examples=["carrier"])
    password: str = Field(
        description="Shown this once; only its hash is kept.", examples=["kY3-0aQ8vN2_xT5rLw1Z"]
    )


def fields_of(given: dict[str, Any], formats: dict[str, NumberFormat]) -> dict[str, Any]:
    """Give what was sent as fields of the value; `formats` are those of the trunk as it is."""
    fields = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if not name.startswith(("inbound_", "outbound_"))
        and name not in {"name", "password", "register_"}
    }
    if "register_" in given:
        fields["register"] = given["register_"]
    for way, before in formats.items():
        fields[way] = NumberFormat(
            given.get(f"{way}_format", before.kind),
            given.get(f"{way}_strip", before.strip),
            given.get(f"{way}_add", before.add),
        )
    return fields


def shown(known: KnownTrunk) -> Trunk:
    """Show a trunk, without its secrets."""
    values = shown_values(known.trunk)
    return Trunk(**values, id=known.trunk_id, version=known.version)
