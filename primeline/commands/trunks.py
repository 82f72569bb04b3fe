"""`primeline trunk`: lines to carriers."""

import os
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.trunks import remove_trunk
from billing.endpoints import trunks
from billing.endpoints.digest import ha1_of, new_password
from billing.endpoints.values import KnownTrunk, NumberFormat, Trunk
from billing.kit.phones import DEFAULT_REGION, require_e164
from billing.kit.secrets import SecretBox
from primeline.commands.common import JsonOption, audited, edited, show_list, show_one, transact
from primeline.running import find_key

app = typer.Typer(no_args_is_help=True, help="Lines to carriers.")

PASSWORD_VARIABLE: Final = "PRIMELINE_TRUNK_PASSWORD"  # noqa: S105 - a name
NONE: Final = "none"


class Format(StrEnum):
    """How numbers are written."""

    ANY = "any"
    PLUS = "+e164"
    DIGITS = "e164"
    ZEROS = "00"
    NATIONAL = "national"


AddressOption = Annotated[
    list[str] | None,
    typer.Option("--address", help="Where its calls come from: an address or a network; again"),
]
PasswordOption = Annotated[
    bool | None,
    typer.Option(
        "--password/--no-password", help="Calls must log in; a new password is made, shown once"
    ),
]
TrustedOption = Annotated[
    bool | None, typer.Option("--trusted/--untrusted", help="Its caller ids count as proved")
]
RegionOption = Annotated[
    str | None, typer.Option(help="Country in which its numbers without + are read and written")
]
InboundOption = Annotated[Format | None, typer.Option(help="How it writes numbers to us")]
InboundStripOption = Annotated[
    str | None, typer.Option(help="Taken off the front of called numbers")
]
InboundAddOption = Annotated[str | None, typer.Option(help="Then put before them")]
MaximumOption = Annotated[
    str | None, typer.Option(help="The most calls coming in at once, or none")
]
HostOption = Annotated[str | None, typer.Option(help="Where calls out go, or none")]
ProxyOption = Annotated[str | None, typer.Option(help="An outbound proxy on the way, or none")]
UsernameOption = Annotated[
    str | None,
    typer.Option(help="Ours at the host, or none; the password is asked for, or taken from"
                 f" {PASSWORD_VARIABLE}"),
]  # fmt: skip
RegisterOption = Annotated[
    bool | None, typer.Option("--register/--no-register", help="Register at the host")
]
OutboundOption = Annotated[Format | None, typer.Option(help="How it wants numbers from us")]
OutboundStripOption = Annotated[
    str | None, typer.Option(help="Taken off the front of dialled numbers")
]
OutboundAddOption = Annotated[str | None, typer.Option(help="Then put before them")]
PresentOption = Annotated[
    str | None, typer.Option(help="The number that called parties see; needed for calls out")
]
AllowOption = Annotated[
    list[str] | None,
    typer.Option("--allow", help="What may be dialled, FR-fixed, FR-mobile or FR-voip; again"),
]
VersionOption = Annotated[
    int | None, typer.Option(help="Only if it still has this version (`trunk show`)")
]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Stands in the record of each call")],
    address: AddressOption = None,
    password: PasswordOption = None,
    trusted: TrustedOption = None,
    region: RegionOption = None,
    inbound_format: InboundOption = None,
    inbound_strip: InboundStripOption = None,
    inbound_add: InboundAddOption = None,
    maximum_calls: MaximumOption = None,
    host: HostOption = None,
    proxy: ProxyOption = None,
    username: UsernameOption = None,
    register: RegisterOption = None,
    outbound_format: OutboundOption = None,
    outbound_strip: OutboundStripOption = None,
    outbound_add: OutboundAddOption = None,
    present: PresentOption = None,
    allow: AllowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a trunk; it works within seconds."""
    if password is None and not address and host is None:
        password = True
    trunk = _changed(Trunk(name, region=region or DEFAULT_REGION), locals())
    made = new_password() if password else None
    if made is not None:
        trunk = replace(trunk, ha1=ha1_of(name, made))

    async def work(s: AsyncSession) -> KnownTrunk:
        known = await trunks.add_trunk(s, trunk)
        await audited(s, "added", "trunk", known.trunk_id, **trunks.shown(trunk))
        return known

    _show(transact(work), made, as_json=as_json)


@app.command()
def edit(
    name: Annotated[str, typer.Argument(help="The trunk's name, which stays")],
    address: AddressOption = None,
    password: PasswordOption = None,
    trusted: TrustedOption = None,
    region: RegionOption = None,
    inbound_format: InboundOption = None,
    inbound_strip: InboundStripOption = None,
    inbound_add: InboundAddOption = None,
    maximum_calls: MaximumOption = None,
    host: HostOption = None,
    proxy: ProxyOption = None,
    username: UsernameOption = None,
    register: RegisterOption = None,
    outbound_format: OutboundOption = None,
    outbound_strip: OutboundStripOption = None,
    outbound_add: OutboundAddOption = None,
    present: PresentOption = None,
    allow: AllowOption = None,
    version: VersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is given of a trunk; calls that go on keep what counted for them."""
    options = locals()
    made = new_password() if password else None

    async def work(s: AsyncSession) -> KnownTrunk:
        before = await trunks.get_trunk(s, name, to_edit=True)
        trunk = _changed(before.trunk, options)
        if password is not None:
            trunk = replace(trunk, ha1=None if made is None else ha1_of(name, made))
        expected = frozenset({before.version if version is None else version})
        known = await trunks.change_trunk(s, trunk, expected=expected)
        changed = trunks.changed(before.trunk, trunk)
        await edited(s, "trunk", known.trunk_id, version=known.version, changed=changed)
        return known

    _show(transact(work), made, as_json=as_json)


@app.command()
def remove(name: str, version: VersionOption = None) -> None:
    """Remove a trunk; calls keep its name."""

    async def work(s: AsyncSession) -> None:
        known = await trunks.get_trunk(s, name)
        expected = None if version is None else frozenset({version})
        await remove_trunk(s, name, expected=expected)
        await audited(s, "removed", "trunk", known.trunk_id, name=name)

    transact(work)
    typer.echo(f"The trunk {name} is gone.")


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List all trunks."""
    found = transact(trunks.list_trunks)
    if as_json:
        show_list([_values(one) for one in found], title="Trunks", as_json=True)
        return
    rows = [
        {
            "trunk": one.trunk.name,
            "comes_from": one.trunk.addresses or ("a login" if one.trunk.ha1 else None),
            "trusted": one.trunk.trusted,
            "region": one.trunk.region,
            "goes_to": one.trunk.host,
            "presents": one.trunk.presented_number,
        }
        for one in found
    ]
    show_list(rows, title="Trunks", as_json=False)


@app.command()
def show(name: str, as_json: JsonOption = False) -> None:
    """Show a trunk."""

    async def work(s: AsyncSession) -> KnownTrunk:
        return await trunks.get_trunk(s, name)

    show_one(_values(transact(work)), as_json=as_json)


def _changed(trunk: Trunk, options: dict[str, Any]) -> Trunk:
    """Give a trunk with the options that were given."""
    fields: dict[str, Any] = {}
    for field in ("trusted", "register", "region"):
        if options[field] is not None:
            fields[field] = options[field]
    for field in ("host", "proxy"):
        if options[field] is not None:
            fields[field] = _unless_none(options[field])
    for field, option in (("addresses", "address"), ("destinations", "allow")):
        if options[option] is not None:
            fields[field] = tuple(one for one in options[option] if one != NONE)
    if options["maximum_calls"] is not None:
        most = _unless_none(options["maximum_calls"])
        fields["maximum_calls"] = None if most is None else _whole(most)
    if options["present"] is not None:
        present = _unless_none(options["present"])
        region = options["region"] or trunk.region
        fields["presented_number"] = None if present is None else require_e164(present, region)
    fields["inbound"] = _format(trunk.inbound, options, "inbound")
    fields["outbound"] = _format(trunk.outbound, options, "outbound")
    return _logging_in(replace(trunk, **fields), options["username"])


def _logging_in(trunk: Trunk, username: str | None) -> Trunk:
    if username is None:
        return trunk
    if username == NONE:
        return replace(trunk, username=None, sealed_password=None)
    box = SecretBox(find_key())
    given = os.environ.get(PASSWORD_VARIABLE) or typer.prompt("Password", hide_input=True)
    return trunks.with_password(trunk, username, str(given), box)


def _format(before: NumberFormat, options: dict[str, Any], way: str) -> NumberFormat:
    given = {
        "kind": options[f"{way}_format"],
        "strip": options[f"{way}_strip"],
        "add": options[f"{way}_add"],
    }
    news = {name: str(value) for name, value in given.items() if value is not None}
    return replace(before, **news)  # type: ignore[arg-type]


def _unless_none(text: str) -> str | None:
    return None if text == NONE else text


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise typer.BadParameter(f"{text!r} is no whole number", param_hint="--maximum-calls")
    return int(text)


def _values(known: KnownTrunk) -> dict[str, Any]:
    return trunks.shown(known.trunk) | {"version": known.version, "id": known.trunk_id}


def _show(known: KnownTrunk, made: str | None, *, as_json: bool) -> None:
    values = _values(known)
    show_one(values | {"password": made} if made and as_json else values, as_json=as_json)
    if made is not None and not as_json:
        name = known.trunk.name
        typer.echo(f"Its calls log in with user name {name}, password {made}.")
        typer.echo("The password is kept nowhere: note it now.")
