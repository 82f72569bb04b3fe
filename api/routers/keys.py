"""API keys."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response, status

from api.auth import MayAdminister
from api.conditional import IfMatch, tag, tagged
from api.deps import Now, Transaction
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import keys as schema
from billing.identity import service

router = APIRouter(prefix="/keys", tags=["keys"])

KeyId = Annotated[
    UUID, Path(description="A key's id.", examples=["0b6f3c52-6b0e-4a49-9d0f-3a1c5b7d9e11"])
]


@router.get("", summary="List the keys")
async def list_keys(s: Transaction, _: MayAdminister, paging: Paged) -> Page[schema.Key]:
    """List all keys by name, expired and revoked ones too."""
    found = await service.list_keys(s, limit=paging.limit, after=paging.after(str))
    return page_of(found, schema.shown)


@router.post(
    "",
    summary="Make a key",
    status_code=status.HTTP_201_CREATED,
    responses=tagged(201) | problems("key-name-taken", "key-expiry-past"),
)
async def make_key(
    body: schema.KeyNew, s: Transaction, actor: MayAdminister, at: Now, response: Response
) -> schema.KeyMade:
    """Make a key; the answer alone shows its token."""
    new = await service.add_key(
        s,
        name=body.name,
        scopes=body.scopes,
        created_by=actor.said,
        at=at,
        expires_at=body.expires_at,
    )
    key = new.key
    detail = {"name": key.name, "scopes": key.scopes, "expires_at": key.expires_at}
    await actor.record(s, "added", "api-key", key.key_id, at=at, **detail)
    tag(response, key.version)
    return schema.made(new)


@router.get("/{key_id}", summary="Show a key", responses=tagged() | problems("key-unknown"))
async def get_key(
    key_id: KeyId, s: Transaction, _: MayAdminister, response: Response
) -> schema.Key:
    """Show one key, without its secret."""
    key = await service.get_key(s, key_id)
    tag(response, key.version)
    return schema.shown(key)


@router.patch(
    "/{key_id}",
    summary="Rename a key",
    responses=tagged() | problems("key-unknown", "key-name-taken"),
)
async def rename_key(
    key_id: KeyId,
    body: schema.KeyEdit,
    s: Transaction,
    actor: MayAdminister,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Key:
    """Give a key another name; what it did before stays under the old one."""
    key, changed = await service.rename_key(s, key_id, body.name, expected=seen)
    await actor.edited(s, "api-key", key_id, at=at, version=key.version, changed=changed)
    tag(response, key.version)
    return schema.shown(key)


@router.delete(
    "/{key_id}",
    summary="Revoke a key",
    responses=tagged() | problems("key-unknown", "last-admin-key"),
)
async def revoke_key(
    key_id: KeyId,
    s: Transaction,
    actor: MayAdminister,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Key:
    """Make a key open nothing from now on. The last one with the scope `admin` stays."""
    key, changed = await service.revoke_key(s, key_id, at=at, expected=seen)
    await actor.edited(
        s, "api-key", key_id, at=at, version=key.version, changed=changed, action="revoked"
    )
    tag(response, key.version)
    return schema.shown(key)
