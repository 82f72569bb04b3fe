"""The phones of experts: SIP phones that register here, and ordinary numbers that we dial."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import bindparam, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.errors import ExpertUnknown, PhoneTwice
from billing.catalogue.models import Expert, ExpertPhone, Number
from billing.catalogue.values import Phone
from billing.endpoints.errors import DestinationRefused, PhoneUnknown, TrunkInvalid
from billing.endpoints.models import TrunkRow
from billing.endpoints.rules import check_destination, dial_string
from billing.endpoints.service import claim, release
from billing.endpoints.trunks import get_trunk, trunk_of

_OURS = exists().where(Number.e164 == ExpertPhone.number, Number.removed_at.is_(None))
_TO_RING = (
    select(ExpertPhone, TrunkRow)
    .outerjoin(TrunkRow, TrunkRow.id == ExpertPhone.trunk_id)
    .where(
        ExpertPhone.expert_id == bindparam("expert_id"), ExpertPhone.removed_at.is_(None), ~_OURS
    )
    .order_by(ExpertPhone.position)
)


async def phones_to_ring(s: AsyncSession, expert_id: UUID) -> tuple[Phone, ...]:
    """Give an expert's phones in the order they ring, but for what must not be dialled now.

    An ordinary number is left out once its trunk no longer allows it, or it became one of ours.
    """
    rows = await s.execute(_TO_RING, {"expert_id": expert_id})
    found = []
    for phone, trunk in rows:
        endpoint = phone.endpoint
        if phone.number is not None and trunk is not None:
            endpoint = dial_string(trunk_of(trunk), phone.number)
        if endpoint is not None:
            found.append(Phone(phone.id, endpoint))
    return tuple(found)


async def add_sip_phone(s: AsyncSession, expert_id: UUID, endpoint: str) -> None:
    """Give an expert a SIP phone, rung after his others; it needs a password before it registers.

    Raises ExpertUnknown, InvalidEndpoint or EndpointTaken.
    """
    position = await _next_position(s, expert_id)
    await claim(s, endpoint)
    s.add(ExpertPhone(id=uuid4(), expert_id=expert_id, position=position, endpoint=endpoint))
    await s.flush()


async def add_ordinary_phone(s: AsyncSession, expert_id: UUID, number: str, *, trunk: str) -> str:
    """Give an expert an ordinary number, dialled by a trunk and rung after his other phones.

    Gives it as +E.164; a number without country is read in the trunk's region. Raises
    ExpertUnknown, TrunkUnknown, TrunkInvalid for a trunk without calls out, DestinationRefused
    with the reason, or PhoneTwice. Nobody is called to confirm it; see decision 9.
    """
    position = await _next_position(s, expert_id)
    known = await get_trunk(s, trunk)
    if known.trunk.host is None:
        raise TrunkInvalid(trunk, "no calls go out by it: it has no host")
    e164 = check_destination(number, known.trunk.region, known.trunk.allowed)
    if await s.scalar(select(exists().where(Number.e164 == e164, Number.removed_at.is_(None)))):
        raise DestinationRefused(e164, "it is one of our own numbers")
    if await _ordinary(s, expert_id, e164) is not None:
        raise PhoneTwice(e164)
    s.add(
        ExpertPhone(
            id=uuid4(),
            expert_id=expert_id,
            position=position,
            number=e164,
            trunk_id=known.trunk_id,
        )
    )
    await s.flush()
    return e164


async def remove_sip_phone(s: AsyncSession, endpoint: str, at: datetime) -> None:
    """Take a SIP phone away from whoever has it; its name is free again. Raises PhoneUnknown."""
    await s.execute(
        update(ExpertPhone)
        .where(ExpertPhone.endpoint == endpoint, ExpertPhone.removed_at.is_(None))
        .values(removed_at=at)
    )
    await release(s, endpoint)


async def remove_ordinary_phone(s: AsyncSession, expert_id: UUID, e164: str, at: datetime) -> None:
    """Take an ordinary number away from an expert. Raises PhoneUnknown."""
    phone_id = await _ordinary(s, expert_id, e164)
    if phone_id is None:
        raise PhoneUnknown(e164)
    await s.execute(
        update(ExpertPhone).where(ExpertPhone.id == phone_id).values(removed_at=at, trunk_id=None)
    )


async def remove_all_phones(s: AsyncSession, expert_id: UUID, at: datetime) -> None:
    """Take all his phones away from an expert; the names of his SIP phones are free again."""
    removed = await s.scalars(
        update(ExpertPhone)
        .where(ExpertPhone.expert_id == expert_id, ExpertPhone.removed_at.is_(None))
        .values(removed_at=at, trunk_id=None)
        .returning(ExpertPhone.endpoint)
    )
    for endpoint in removed.all():
        if endpoint is not None:
            await release(s, endpoint)


async def _next_position(s: AsyncSession, expert_id: UUID) -> int:
    # One at a time for each expert.
    if await s.scalar(select(Expert.id).where(Expert.id == expert_id).with_for_update()) is None:
        raise ExpertUnknown(expert_id)
    last = select(func.max(ExpertPhone.position)).where(
        ExpertPhone.expert_id == expert_id, ExpertPhone.removed_at.is_(None)
    )
    return (await s.scalar(last) or 0) + 1


async def _ordinary(s: AsyncSession, expert_id: UUID, e164: str) -> UUID | None:
    found: UUID | None = await s.scalar(
        select(ExpertPhone.id).where(
            ExpertPhone.expert_id == expert_id,
            ExpertPhone.number == e164,
            ExpertPhone.removed_at.is_(None),
        )
    )
    return found
