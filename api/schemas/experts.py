"""Experts as JSON."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import UNSET, Answer, Edit, Id, Language, Moment, Name, Request
from billing.catalogue.listing import ExpertListed
from billing.endpoints.values import ENDPOINT_PATTERN

Extension = Annotated[str, StringConstraints(pattern="^[0-9]{1,8}$")]
Endpoint = Annotated[str, StringConstraints(pattern=f"^{ENDPOINT_PATTERN}$")]
Presence = Literal["available", "there-but-not-available", "away"]

_NAME = "As callers hear it."
_EXTENSION = "What callers key: 1 to 8 digits."
_LANGUAGE = "What he is spoken to in, ISO 639-1."
_CATEGORY = "What he advises on, for reports; null: nothing said."
_PRESENCE = "Whether he takes calls."
_NOTE = "What was looked at, in words."
_TARIFF = "What his calls cost unless the number has its own; null: no tariff, no paid calls."


class ExpertNew(Request):
    """An expert to be made."""

    name: Name = Field(description=_NAME, examples=["Ada"])
    extension: Extension = Field(description=_EXTENSION, examples=["11"])
    phones: list[Endpoint] = Field(
        description="His SIP phones by name, rung in this order. A name is given once.",
        min_length=1,
        max_length=10,
        examples=[["ada", "ada-2"]],
    )
    language: Language = Field(default="en", description=_LANGUAGE, examples=["en"])
    category: Name | None = Field(default=None, description=_CATEGORY, examples=["law"])
    presence: Presence = Field(default="available", description=_PRESENCE, examples=["available"])
    tariff_id: Id | None = Field(
        default=None,
        description=_TARIFF,
        examples=["5b1f4c77-0d0e-4b43-8a43-5f0b6f1e2d3c"],
    )


class ExpertEdit(Edit):
    """What can be changed about an expert; what is left out stays."""

    name: Name = Field(default=UNSET, description=_NAME, examples=["Ada L."])
    extension: Extension = Field(default=UNSET, description=_EXTENSION, examples=["12"])
    language: Language = Field(default=UNSET, description=_LANGUAGE, examples=["fr"])
    category: Name | None = Field(default=UNSET, description=_CATEGORY, examples=["tax law"])
    presence: Presence = Field(default=UNSET, description=_PRESENCE, examples=["away"])
    tariff_id: Id | None = Field(
        default=UNSET,
        description=_TARIFF,
        examples=["5b1f4c77-0d0e-4b43-8a43-5f0b6f1e2d3c"],
    )


class Check(Request):
    """That an expert was looked into."""

    note: Name = Field(description=_NOTE, examples=["Passport, and a first call."])


class Expert(Answer):
    """Somebody who sells advice and is reached by an extension."""

    id: Id = Field(
        description="The expert's id.", examples=["8f0d5a3e-9f64-4a3b-8f0a-1b2c3d4e5f60"]
    )
    name: str = Field(description=_NAME, examples=["Ada"])
    extension: str = Field(description=_EXTENSION, examples=["11"])
    phones: list[str] = Field(
        description="His SIP phones by name, in the order they ring.", examples=[["ada", "ada-2"]]
    )
    language: str = Field(description=_LANGUAGE, examples=["en"])
    category: str | None = Field(description=_CATEGORY, examples=["law"])
    presence: Presence = Field(description=_PRESENCE, examples=["available"])
    in_call: bool = Field(description="Whether an open call has him now.", examples=[False])
    tariff_id: Id | None = Field(
        description=_TARIFF, examples=["5b1f4c77-0d0e-4b43-8a43-5f0b6f1e2d3c"]
    )
    tariff: str | None = Field(description="The tariff's name.", examples=["standard"])
    checked_at: Moment | None = Field(
        description="When somebody looked into who he is (rule R13); null: nobody did. Where the"
        " rules ask for it, as in Britain, he has no premium-rate calls before.",
        examples=["2026-11-22T12:00:00Z"],
    )
    checked_by: str | None = Field(description="Who did.", examples=["key:office"])
    check_note: str | None = Field(description=_NOTE, examples=["Passport, and a first call."])
    version: int = Field(description="Raised by each edit; also the ETag.", examples=[1])


def shown(expert: ExpertListed) -> Expert:
    """Show an expert."""
    return Expert(
        id=expert.expert_id,
        name=expert.name,
        extension=expert.extension,
        phones=list(expert.endpoints),
        language=expert.language,
        category=expert.category,
        presence=expert.presence,  # type: ignore[arg-type]  # the table allows no other
        in_call=expert.in_call,
        tariff_id=expert.tariff_id,
        tariff=expert.tariff,
        checked_at=expert.checked_at,
        checked_by=expert.checked_by,
        check_note=expert.check_note,
        version=expert.version,
    )
