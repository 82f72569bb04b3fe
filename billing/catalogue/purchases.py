"""Numbers bought from a provider: the intent first, so that no number is ever paid for twice."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Index, Select, select, update
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from billing.kit.database import Base
from billing.kit.errors import PrimelineError


class PurchaseUnderWay(PrimelineError):
    """Somebody is buying the number at this moment."""

    code = "purchase-under-way"

    def __init__(self, number: str) -> None:
        super().__init__(f"{number} is being bought at this moment; ask again in a minute.")


class PurchaseState(StrEnum):
    """How far a purchase is. Wanted: it isn't known whether the provider did it."""

    WANTED = "wanted"
    BOUGHT = "bought"
    REFUSED = "refused"
    RELEASED = "released"


OPEN: Final = (PurchaseState.WANTED, PurchaseState.BOUGHT)


class Purchase(Base):
    """A number that somebody wants to buy, or bought. At most one open for each number."""

    __tablename__ = "number_purchases"
    __table_args__ = (
        CheckConstraint("state IN ('wanted', 'bought', 'refused', 'released')", name="state"),
        CheckConstraint(
            "(state IN ('bought', 'released')) = (provider_id IS NOT NULL)", name="provider_id"
        ),
        Index(
            "uq_number_purchases_open",
            "e164",
            unique=True,
            postgresql_where=sql("state IN ('wanted', 'bought')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    e164: Mapped[str]
    provider: Mapped[str]
    provider_id: Mapped[str | None] = mapped_column(comment="the number's id at the provider")
    state: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    closed_at: Mapped[datetime | None] = mapped_column(comment="bought, refused or released")
    result: Mapped[str | None] = mapped_column(comment="the provider's reason for a refusal")


async def intend(s: AsyncSession, e164: str, *, provider: str, asked_by: str, at: datetime) -> UUID:
    """Write down that a number is to be bought; an open purchase of it is given instead.

    Commit this before the provider is asked.
    """
    await s.execute(
        insert(Purchase)
        .values(
            id=uuid4(),
            e164=e164,
            provider=provider,
            state=PurchaseState.WANTED,
            asked_by=asked_by,
            asked_at=at,
        )
        .on_conflict_do_nothing(
            index_elements=[Purchase.e164], index_where=sql("state IN ('wanted', 'bought')")
        )
    )
    return (await s.scalars(_open(e164))).one().id


async def take(s: AsyncSession, purchase_id: UUID) -> Purchase:
    """Give an open purchase, for this transaction alone.

    Raises PurchaseUnderWay if another has it, or has closed it meanwhile.
    """
    row = await s.get(Purchase, purchase_id, populate_existing=True)
    assert row is not None
    taken = await s.scalar(
        select(Purchase).where(Purchase.id == purchase_id).with_for_update(skip_locked=True)
    )
    if taken is None:
        raise PurchaseUnderWay(row.e164)
    await s.refresh(taken)
    if taken.state not in OPEN:
        raise PurchaseUnderWay(row.e164)
    return taken


async def close(
    s: AsyncSession,
    purchase_id: UUID,
    state: PurchaseState,
    *,
    at: datetime,
    provider_id: str | None = None,
    result: str | None = None,
) -> None:
    """Write down what the provider did."""
    values = {"state": state, "closed_at": at, "result": result}
    if provider_id is not None:
        values["provider_id"] = provider_id
    await s.execute(update(Purchase).where(Purchase.id == purchase_id).values(values))


async def released(s: AsyncSession, e164: str, provider_id: str, at: datetime) -> None:
    """Write down that a number was given up, if it was bought through us."""
    await s.execute(
        update(Purchase)
        .where(
            Purchase.e164 == e164,
            Purchase.provider_id == provider_id,
            Purchase.state == PurchaseState.BOUGHT,
        )
        .values(state=PurchaseState.RELEASED, closed_at=at)
    )


async def list_purchases(s: AsyncSession) -> Sequence[Purchase]:
    """List all purchases, newest first."""
    return (await s.scalars(select(Purchase).order_by(Purchase.asked_at.desc()))).all()


def _open(e164: str) -> Select[Purchase]:
    return select(Purchase).where(Purchase.e164 == e164, Purchase.state.in_(OPEN))
