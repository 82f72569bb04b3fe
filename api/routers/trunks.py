"""Trunks: lines to carriers."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response, status

from api.auth import MayManage, MayRead
from api.conditional import IfMatch, tag, tagged
from api.deps import Now, Transaction
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import trunks as schema
from api.schemas.experts import Endpoint
from billing.endpoints import trunks
from billing.endpoints.digest import ha1_of, new_password
from billing.endpoints.values import Trunk
from billing.kit.pages import Slice
from billing.kit.secrets import SecretBox

router = APIRouter(prefix="/trunks", tags=["trunks"])

TrunkName = Annotated[Endpoint, Path(description="A trunk's name.", examples=["carrier"])]


@router.get("", summary="List the trunks")
async def list_trunks(s: Transaction, _: MayRead, paging: Paged) -> Page[schema.Trunk]:
    """List trunks by name."""
    (seen,) = paging.after(str) or ("",)
    later = [one for one in await trunks.list_trunks(s) if one.trunk.name > seen]
    shown = tuple(later[: paging.limit])
    after = (shown[-1].trunk.name,) if len(later) > len(shown) else None
    return page_of(Slice(shown, after), schema.shown)


@router.post(
    "",
    summary="Add a trunk",
    status_code=status.HTTP_201_CREATED,
    responses=tagged(201) | problems("trunk-invalid", "endpoint-taken", "secret-key-missing"),
)
async def add_trunk(
    body: schema.TrunkNew,
    s: Transaction,
    actor: MayManage,
    at: Now,
    request: Request,
    response: Response,
) -> schema.Trunk:
    """Add a trunk; it works within seconds. For calls that log in, make a password after it."""
    usual = Trunk(body.name)
    known = await trunks.add_trunk(s, _after(request, usual, body.given()))
    await actor.record(s, "added", "trunk", known.trunk_id, at=at, **trunks.shown(known.trunk))
    tag(response, known.version)
    return schema.shown(known)


@router.get("/{name}", summary="Show a trunk", responses=tagged() | problems("trunk-unknown"))
async def get_trunk(
    name: TrunkName, s: Transaction, _: MayRead, response: Response
) -> schema.Trunk:
    """Show a trunk, without its passwords."""
    known = await trunks.get_trunk(s, name)
    tag(response, known.version)
    return schema.shown(known)


@router.patch(
    "/{name}",
    summary="Change a trunk",
    responses=tagged() | problems("trunk-unknown", "trunk-invalid", "secret-key-missing"),
)
async def edit_trunk(
    name: TrunkName,
    body: schema.TrunkEdit,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    request: Request,
    response: Response,
) -> schema.Trunk:
    """Change what is given; calls that go on keep what counted for them."""
    before = await trunks.get_trunk(s, name, to_edit=True)
    after = _after(request, before.trunk, body.given())
    known = await trunks.change_trunk(s, after, expected=seen)
    changed = trunks.changed(before.trunk, after)
    await actor.edited(s, "trunk", known.trunk_id, at=at, version=known.version, changed=changed)
    tag(response, known.version)
    return schema.shown(known)


@router.post(
    "/{name}/password",
    summary="Make a password for a trunk's calls",
    responses=tagged() | problems("trunk-unknown"),
)
async def make_trunk_password(
    name: TrunkName,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Password:
    """Make a new password that the carrier's calls must log in with, shown this once."""
    before = await trunks.get_trunk(s, name, to_edit=True)
    made = new_password()
    after = replace(before.trunk, ha1=ha1_of(name, made))
    known = await trunks.change_trunk(s, after, expected=seen)
    await actor.record(s, "password-set", "trunk", known.trunk_id, at=at, version=known.version)
    tag(response, known.version)
    return schema.Password(username=name, password=made)


@router.delete(
    "/{name}",
    summary="Remove a trunk",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems("trunk-unknown", "trunk-in-use"),
)
async def remove_trunk(
    name: TrunkName, s: Transaction, actor: MayManage, at: Now, seen: IfMatch
) -> None:
    """Forget a trunk that nothing uses; calls keep its name."""
    known = await trunks.get_trunk(s, name)
    await trunks.remove_trunk(s, name, expected=seen)
    await actor.record(s, "removed", "trunk", known.trunk_id, at=at, name=name)


def _after(request: Request, before: Trunk, given: dict[str, Any]) -> Trunk:
    formats = {"inbound": before.inbound, "outbound": before.outbound}
    fields = schema.fields_of(given, formats)
    if given.get("password") is not None:
        box = SecretBox(request.app.state.settings.secret_key.get_secret_value())
        fields["sealed_password"] = box.seal(given["password"])
    if ("password" in given and given["password"] is None) or (
        "username" in given and given["username"] is None
    ):
        fields["sealed_password"] = None
    return replace(before, **fields)
