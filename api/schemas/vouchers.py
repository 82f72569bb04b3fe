"""Vouchers as JSON."""

from pydantic import Field

from api.schemas.base import (
    Amount,
    AmountIn,
    Answer,
    Id,
    Moment,
    MomentIn,
    Name,
    Request,
    amount_of,
)
from billing.accounts.vouchers import BatchListed

_TEN = {"amount": "10.00", "currency": "EUR"}
_ID = "6a5b4c3d-2e1f-4a0b-9c8d-7e6f5a4b3c2d"


class BatchNew(Request):
    """A batch of vouchers to be made."""

    count: int = Field(ge=1, le=1_000, description="How many.", examples=[100])
    amount: AmountIn = Field(description="What each is worth.", examples=[_TEN])
    expires_at: MomentIn | None = Field(
        default=None,
        description="From when on they are worth nothing; null: never.",
        examples=["2030-01-01T00:00:00Z"],
    )
    note: Name | None = Field(
        default=None, description="For your own use.", examples=["spring campaign"]
    )


class BatchMade(Answer):
    """A batch just made."""

    id: Id = Field(description="The batch's id.", examples=[_ID])
    count: int = Field(description="How many vouchers it has.", examples=[1])
    codes: list[str] | None = Field(
        description="Their codes, shown this once and kept nowhere; null when the request was"
        " sent again.",
        examples=[["1234567890123452"]],
    )


class Batch(Answer):
    """A batch of vouchers."""

    id: Id = Field(description="The batch's id.", examples=[_ID])
    count: int = Field(description="How many vouchers it has.", examples=[100])
    redeemed: int = Field(description="How many of them were redeemed.", examples=[17])
    amount: Amount = Field(description="What each is worth.", examples=[_TEN])
    note: str | None = Field(description="As it was made with.", examples=["spring campaign"])
    created_at: Moment = Field(description="When.", examples=["2026-11-22T12:00:00Z"])
    expires_at: Moment | None = Field(
        description="From when on they are worth nothing; null: never.",
        examples=["2030-01-01T00:00:00Z"],
    )
    voided_at: Moment | None = Field(
        description="When the rest was made worthless; null: it wasn't.",
        examples=["2026-12-01T12:00:00Z"],
    )
    key_fits: bool = Field(
        description="Whether its codes can be known with the installation's present secret key.",
        examples=[True],
    )


class Voided(Answer):
    """A batch made worthless."""

    left: int = Field(description="How many of it had not been redeemed.", examples=[83])


def shown(batch: BatchListed) -> Batch:
    """Show a batch."""
    return Batch(
        id=batch.batch_id,
        count=batch.count,
        redeemed=batch.redeemed,
        amount=amount_of(batch.amount),
        note=batch.note,
        created_at=batch.created_at,
        expires_at=batch.expires_at,
        voided_at=batch.voided_at,
        key_fits=batch.key_fits,
    )
