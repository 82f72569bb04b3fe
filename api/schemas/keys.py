"""API keys as JSON."""

from pydantic import Field

from api.schemas.base import Answer, Id, Moment, MomentIn, Name, Request
from billing.identity.service import NewKey
from billing.identity.values import ApiKey, Scope

_SCOPES = (
    "What the key may do: `read` see, `manage` change, `money` move money, `calls` order"
    " calls, `admin` keys and audit log. None contains another."
)


class KeyNew(Request):
    """A key to be made."""

    name: Name = Field(description="Who will use it; stands in the audit log.", examples=["office"])
    scopes: frozenset[Scope] = Field(
        description=_SCOPES, min_length=1, examples=[["read", "manage"]]
    )
    expires_at: MomentIn | None = Field(
        default=None,
        description="From when on it opens nothing; null: never.",
        examples=["2030-01-01T00:00:00Z"],
    )


class KeyEdit(Request):
    """What can be changed about a key. For other scopes, make another key."""

    name: Name = Field(description="Its new name.", examples=["back office"])


class Key(Answer):
    """A key. Its secret is kept nowhere."""

    id: Id = Field(description="The key's id.", examples=["0b6f3c52-6b0e-4a49-9d0f-3a1c5b7d9e11"])
    name: str = Field(description="Who uses it.", examples=["office"])
    prefix: str = Field(description="Its public beginning.", examples=["pl_7q4kz2ab"])
    scopes: list[Scope] = Field(description=_SCOPES, examples=[["manage", "read"]])
    created_at: Moment = Field(description="When it was made.", examples=["2026-11-22T12:00:00Z"])
    created_by: str = Field(description="Who made it.", examples=["key:owner"])
    expires_at: Moment | None = Field(
        description="From when on it opens nothing; null: never.",
        examples=["2030-01-01T00:00:00Z"],
    )
    revoked_at: Moment | None = Field(
        description="When it was revoked; null: it wasn't.", examples=["2026-12-01T08:00:00Z"]
    )
    last_used_at: Moment | None = Field(
        description="Its last use, to the minute; null: never.", examples=["2026-11-22T12:01:00Z"]
    )
    version: int = Field(description="Raised by each edit; also the ETag.", examples=[1])


class KeyMade(Answer):
    """A key just made."""

    key: Key = Field(description="The key.")
    token: str = Field(
        description="What to send as `Authorization: Bearer …`. Shown this once, kept nowhere.",
        examples=["pl_7q4kz2ab_0123456789012345678901234567890123456789abc"],
    )


def shown(key: ApiKey) -> Key:
    """Show a key."""
    return Key(
        id=key.key_id,
        name=key.name,
        prefix=key.prefix,
        scopes=sorted(key.scopes),
        created_at=key.created_at,
        created_by=key.created_by,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        version=key.version,
    )


def made(new: NewKey) -> KeyMade:
    """Show a new key, once."""
    return KeyMade(key=shown(new.key), token=new.token)
