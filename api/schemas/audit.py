"""Entries of the audit log as JSON."""

from typing import Any

from pydantic import Field

from api.schemas.base import Answer, Moment
from billing.kit.models import AuditEntry


class Entry(Answer):
    """One change that somebody made."""

    id: int = Field(description="Rises with time.", examples=[17])
    at: Moment = Field(description="When.", examples=["2026-11-22T12:00:00Z"])
    actor: str = Field(
        description="Who: `key:` and an API key's name, or a user of the operating system.",
        examples=["key:office"],
    )
    action: str = Field(description="What was done.", examples=["edited"])
    subject: str = Field(description="The kind of thing.", examples=["expert"])
    subject_id: str = Field(
        description="Which one.", examples=["8f0d5a3e-9f64-4a3b-8f0a-1b2c3d4e5f60"]
    )
    detail: dict[str, Any] = Field(
        description="The values set; for an edit, the `version` it made and what it `changed`.",
        examples=[{"version": 2, "changed": {"name": {"from": "Ada", "to": "Ada L."}}}],
    )


def shown(entry: AuditEntry) -> Entry:
    """Show an entry."""
    return Entry.model_validate(entry, from_attributes=True)
