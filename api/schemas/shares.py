"""Who gets what part of a charge, and what experts may ask, as JSON."""

from typing import Literal, Self

from pydantic import Field, model_validator

from api.schemas.base import (
    Amount,
    AmountIn,
    Answer,
    Id,
    Moment,
    Request,
    amount_of,
)
from billing.catalogue.values import PriceBounds
from billing.shares.service import ShareListed
from billing.shares.values import ShareRule

_SHARE = "The expert's part in hundredths of a per cent: 7000 is 70 %."
_BASIS = "Of the charge without (`net`) or with (`gross`) tax."
_LEAST = "The least a minute; whole cents of his tariff's currency."
_MOST = "The most a minute."
_EIGHTY = {"amount": "0.80", "currency": "EUR"}
_TWO_FIFTY = {"amount": "2.50", "currency": "EUR"}


class ShareSet(Request):
    """What part of each charge an expert gets."""

    expert_basis_points: int = Field(ge=0, le=10_000, description=_SHARE, examples=[7000])
    basis: Literal["net", "gross"] = Field(default="net", description=_BASIS, examples=["net"])

    def value(self) -> ShareRule:
        """Give the value."""
        return ShareRule(self.expert_basis_points, self.basis)


class Share(Answer):
    """What part of each charge the expert gets."""

    expert_basis_points: int = Field(description=_SHARE, examples=[7000])
    basis: Literal["net", "gross"] = Field(description=_BASIS, examples=["net"])


class NumberShare(Answer):
    """The share of all calls to a number, if it has one of its own."""

    share: Share | None = Field(description="It wins over the experts' own; null: theirs hold.")


class KeptShare(Answer):
    """A share rule of an expert or of a number."""

    id: int = Field(description="Rises with each rule that is set.", examples=[3])
    expert_id: Id | None = Field(
        description="Whose it is; null: a number's.",
        examples=["8f0d5a3e-9f64-4a3b-8f0a-1b2c3d4e5f60"],
    )
    expert: str | None = Field(description="His name.", examples=["Ada"])
    number_id: Id | None = Field(
        description="The number whose calls it is for; null: an expert's.",
        examples=["1f9a2c44-5be1-4a0a-9d7e-2c7f0e6b8a13"],
    )
    number: str | None = Field(description="The number, E.164.", examples=["+33199001234"])
    share: Share = Field(description="Who gets what.")
    set_at: Moment = Field(
        description="Calls quoted from then on are shared by it.", examples=["2026-11-22T12:00:00Z"]
    )


class BoundsSet(Request):
    """What an expert may ask a minute."""

    least: AmountIn | None = Field(
        default=None, description=_LEAST + " Null: he may not change it.", examples=[_EIGHTY]
    )
    most: AmountIn | None = Field(
        default=None, description=_MOST + " Null: he may not change it.", examples=[_TWO_FIFTY]
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.least is None) != (self.most is None):
            raise ValueError("give both least and most, or none")
        return self

    def value(self) -> PriceBounds | None:
        """Give the value; None: he may not change his price."""
        if self.least is None or self.most is None:
            return None
        return PriceBounds(self.least.money(), self.most.money())


class Bounds(Answer):
    """What an expert may ask a minute."""

    least: Amount | None = Field(
        description=_LEAST + " Null: he may not change it.", examples=[_EIGHTY]
    )
    most: Amount | None = Field(description=_MOST, examples=[_TWO_FIFTY])


def share_shown(rule: ShareRule) -> Share:
    """Show a share."""
    return Share(expert_basis_points=rule.expert_basis_points, basis=rule.basis)


def kept_shown(kept: ShareListed) -> KeptShare:
    """Show a share rule with whose it is."""
    return KeptShare(
        id=kept.rule_id,
        expert_id=kept.expert_id,
        expert=kept.expert,
        number_id=kept.number_id,
        number=kept.number,
        share=share_shown(kept.rule),
        set_at=kept.set_at,
    )


def bounds_shown(bounds: PriceBounds | None) -> Bounds:
    """Show bounds."""
    if bounds is None:
        return Bounds(least=None, most=None)
    return Bounds(least=amount_of(bounds.least), most=amount_of(bounds.most))
