"""Our phone numbers as JSON."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from api.schemas.base import UNSET, Answer, Edit, Id, Language, Request
from billing.catalogue.listing import NumberListed

E164 = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{5,14}$")]
Kind = Literal["menu", "direct", "account-line", "expert-line"]
WithoutPayer = Literal["refuse", "free"]

EXPERT_EXAMPLE = "8f0d5a3e-9f64-4a3b-8f0a-1b2c3d4e5f60"
TARIFF_EXAMPLE = "5b1f4c77-0d0e-4b43-8a43-5f0b6f1e2d3c"

_NUMBER = "The number in E.164."
_KIND = (
    "What it does: `menu` lets callers key an extension, `direct` leads to one expert,"
    " `account-line` and `expert-line` are self-service by keypad."
)
_LANGUAGE = "What callers are spoken to in, ISO 639-1."
_EXPERT = "For a direct number, and only there: whom it leads to."
_TARIFF = "Wins over the experts' own; null: each expert's own."
_WITHOUT = "What happens where nobody can be charged."
_FREE_LIMIT = "How long a talk that nobody pays may last, in seconds."
_BEGINS = "Whether known callers begin free, too, until the expert asks for a price."
_OPEN = "Whether calls to it are taken."


class NumberNew(Request):
    """A number to be put to work."""

    number: E164 = Field(description=_NUMBER, examples=["+33199001234"])
    kind: Kind = Field(default="menu", description=_KIND, examples=["menu"])
    language: Language = Field(default="en", description=_LANGUAGE, examples=["en"])
    expert_id: Id | None = Field(default=None, description=_EXPERT, examples=[EXPERT_EXAMPLE])
    tariff_id: Id | None = Field(default=None, description=_TARIFF, examples=[TARIFF_EXAMPLE])
    without_payer: WithoutPayer = Field(default="refuse", description=_WITHOUT, examples=["refuse"])
    free_limit_seconds: int = Field(
        default=300, ge=1, le=86_400, description=_FREE_LIMIT, examples=[300]
    )
    begins_free: bool = Field(default=False, description=_BEGINS, examples=[False])

    @model_validator(mode="after")
    def _expert_where_direct(self) -> Self:
        if (self.kind == "direct") != (self.expert_id is not None):
            raise ValueError("expert_id belongs to a direct number, and to no other")
        return self


class NumberEdit(Edit):
    """What can be changed about a number; what is left out stays."""

    kind: Kind = Field(default=UNSET, description=_KIND, examples=["direct"])
    language: Language = Field(default=UNSET, description=_LANGUAGE, examples=["fr"])
    expert_id: Id | None = Field(default=UNSET, description=_EXPERT, examples=[EXPERT_EXAMPLE])
    tariff_id: Id | None = Field(default=UNSET, description=_TARIFF, examples=[TARIFF_EXAMPLE])
    without_payer: WithoutPayer = Field(default=UNSET, description=_WITHOUT, examples=["free"])
    free_limit_seconds: int = Field(
        default=UNSET, ge=1, le=86_400, description=_FREE_LIMIT, examples=[600]
    )
    begins_free: bool = Field(default=UNSET, description=_BEGINS, examples=[True])
    open: bool = Field(default=UNSET, description=_OPEN, examples=[False])


class Number(Answer):
    """A number of ours."""

    id: Id = Field(
        description="The number's id.", examples=["1f9a2c44-5be1-4a0a-9d7e-2c7f0e6b8a13"]
    )
    number: str = Field(description=_NUMBER, examples=["+33199001234"])
    kind: Kind = Field(description=_KIND, examples=["direct"])
    language: str = Field(description=_LANGUAGE, examples=["en"])
    expert_id: Id | None = Field(description=_EXPERT, examples=[EXPERT_EXAMPLE])
    expert: str | None = Field(description="The expert's name.", examples=["Ada"])
    tariff_id: Id | None = Field(description=_TARIFF, examples=[TARIFF_EXAMPLE])
    tariff: str | None = Field(description="The tariff's name.", examples=["standard"])
    without_payer: WithoutPayer = Field(description=_WITHOUT, examples=["refuse"])
    free_limit_seconds: int = Field(description=_FREE_LIMIT, examples=[300])
    begins_free: bool = Field(description=_BEGINS, examples=[False])
    open: bool = Field(description=_OPEN, examples=[True])
    version: int = Field(description="Raised by each edit; also the ETag.", examples=[1])


def shown(number: NumberListed) -> Number:
    """Show a number."""
    values: dict[str, Any] = {
        "id": number.number_id,
        "number": number.e164,
        "kind": number.kind,
        "language": number.language,
        "expert_id": number.expert_id,
        "expert": number.expert,
        "tariff_id": number.tariff_id,
        "tariff": number.tariff,
        "without_payer": number.without_payer,
        "free_limit_seconds": number.free_limit_seconds,
        "begins_free": number.begins_free,
        "open": number.open,
        "version": number.version,
    }
    return Number(**values)
