"""Numbers, experts and their phones: found for a call, added by the operator."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, cast
from uuid import UUID, uuid4

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import premium
from billing.catalogue.errors import (
    ExpertUnknown,
    ExtensionTaken,
    InvalidExtension,
    NumberServed,
)
from billing.catalogue.models import Expert, Number, Reservation
from billing.catalogue.phones import add_sip_phone, phones_to_ring
from billing.catalogue.presence import Presence, end_presences, set_presence, takes_calls
from billing.catalogue.values import (
    Availability,
    ExpertChoice,
    NumberKind,
    ServedNumber,
    is_extension,
)
from billing.endpoints.formats import read_number
from billing.endpoints.values import Trunk
from billing.kit.clock import now
from billing.kit.jobs import defer
from billing.kit.languages import check_language
from billing.kit.phones import DEFAULT_REGION, require_e164, to_e164

__all__ = [
    "Presence",
    "add_expert",
    "add_number",
    "end_presences",
    "expert_by_extension",
    "expert_choice",
    "find_extension",
    "find_number",
    "served_number",
    "set_presence",
    "tariff_for",
]


_OPEN_NUMBER = select(Number).where(
    Number.e164 == bindparam("e164"), Number.open, Number.removed_at.is_(None)
)
_EXPERT = select(
    Expert,
    exists().where(Reservation.expert_id == Expert.id, Reservation.released_at.is_(None)),
    func.now(),
).where(Expert.id == bindparam("expert_id"))
_TARIFF = select(
    func.coalesce(
        select(Number.tariff_id).where(Number.id == bindparam("number_id")).scalar_subquery(),
        select(Expert.tariff_id).where(Expert.id == bindparam("expert_id")).scalar_subquery(),
    )
)


async def find_number(
    s: AsyncSession, dialled: str, trunk: Trunk | None, *, at: datetime | None = None
) -> ServedNumber | None:
    """Find an open number of ours in any form a trunk writes it in; None: not ours or closed.

    `at` decides the premium terms in force; it defaults to the present.
    """
    e164 = read_number(trunk.inbound, dialled, trunk.region) if trunk else to_e164(dialled)
    row = await s.scalar(_OPEN_NUMBER, {"e164": e164})
    if row is None:
        return None
    return await _served(s, row, trusted=bool(trunk and trunk.trusted), at=at or now())


async def served_number(
    s: AsyncSession, number_id: UUID | None, *, trunk_trusted: bool, at: datetime | None = None
) -> ServedNumber | None:
    """Give a number by its id, also when it was closed meanwhile."""
    row = await s.get(Number, number_id) if number_id else None
    return None if row is None else await _served(s, row, trusted=trunk_trusted, at=at or now())


async def _served(
    s: AsyncSession, row: Number, *, trusted: bool, at: datetime
) -> ServedNumber | None:
    terms = await premium.versions(s, row.id)
    kept = premium.latest(terms, at)
    if terms and kept is None:
        # The carrier bills for it, on terms that begin later: no call of ours until then.
        return None
    return ServedNumber(
        number_id=row.id,
        e164=row.e164,
        kind=cast("NumberKind", row.kind),
        language=row.language,
        without_payer=cast("Literal['refuse', 'free']", row.without_payer),
        free_limit_seconds=row.free_limit_seconds,
        trunk_trusted=trusted,
        expert=None if row.expert_id is None else await expert_choice(s, row.expert_id),
        premium=kept.terms if kept else None,
        begins_free=row.begins_free,
    )


async def find_extension(s: AsyncSession, number: ServedNumber, digits: str) -> ExpertChoice | None:
    """Find the expert behind keyed digits, with his availability right now.

    A direct number reaches only its own expert.
    """
    expert_id = await s.scalar(
        select(Expert.id).where(Expert.extension == digits, Expert.removed_at.is_(None))
    )
    if expert_id is None or (number.expert and number.expert.expert_id != expert_id):
        return None
    return await expert_choice(s, expert_id)


async def expert_choice(s: AsyncSession, expert_id: UUID) -> ExpertChoice | None:
    """Give an expert as a caller meets him now.

    Busy means taken by an open call; away also that the hour he is on line until has passed, or
    that it is none of his hours.
    """
    found = (await s.execute(_EXPERT, {"expert_id": expert_id})).first()
    if found is None:
        return None
    expert, busy, at = found
    availability = Availability.BUSY if busy else Availability.AVAILABLE
    if expert.removed_at is not None or not await takes_calls(s, expert, at):
        availability = Availability.AWAY
    return ExpertChoice(
        expert_id=expert.id,
        name=expert.name,
        extension=expert.extension,
        language=expert.language,
        availability=availability,
        phones=await phones_to_ring(s, expert_id),
    )


async def add_expert(
    s: AsyncSession,
    *,
    name: str,
    extension: str,
    endpoints: Sequence[str],
    tariff_id: UUID | None,
    at: datetime,
    language: str = "en",
    presence: Presence = "available",
    category: str | None = None,
) -> UUID:
    """Make an expert whose phones ring in the order of `endpoints`.

    Raises InvalidExtension, ExtensionTaken, UnknownLanguage, InvalidEndpoint or EndpointTaken.
    """
    if not is_extension(extension):
        raise InvalidExtension(extension)
    added = await s.execute(
        insert(Expert)
        .values(
            id=uuid4(),
            name=name,
            extension=extension,
            language=check_language(language),
            presence=presence,
            category=category,
            tariff_id=tariff_id,
            created_at=at,
        )
        .on_conflict_do_nothing(
            index_elements=[Expert.extension], index_where=Expert.removed_at.is_(None)
        )
        .returning(Expert.id)
    )
    expert_id = added.scalar_one_or_none()
    if expert_id is None:
        raise ExtensionTaken(extension)
    for endpoint in endpoints:
        await add_sip_phone(s, expert_id, endpoint)
    await defer(s, "render-prompts", names=[name])
    return expert_id


async def add_number(
    s: AsyncSession,
    *,
    number: str,
    kind: NumberKind,
    at: datetime,
    language: str = "en",
    without_payer: Literal["refuse", "free"] = "refuse",
    free_limit_seconds: int = 300,
    begins_free: bool = False,
    expert_id: UUID | None = None,
    tariff_id: UUID | None = None,
    region: str = DEFAULT_REGION,
) -> UUID:
    """Put a phone number to work; a direct one needs its expert.

    Raises NumberInvalid, NumberServed, UnknownLanguage, or ExpertUnknown where the expert is
    missing.
    """
    e164 = require_e164(number, region)
    if kind == "direct" and expert_id is None:
        raise ExpertUnknown("for the direct number")
    added = await s.execute(
        insert(Number)
        .values(
            id=uuid4(),
            e164=e164,
            kind=kind,
            language=check_language(language),
            without_payer=without_payer,
            free_limit_seconds=free_limit_seconds,
            begins_free=begins_free,
            expert_id=expert_id if kind == "direct" else None,
            tariff_id=tariff_id,
            created_at=at,
        )
        .on_conflict_do_nothing(
            index_elements=[Number.e164], index_where=Number.removed_at.is_(None)
        )
        .returning(Number.id)
    )
    number_id = added.scalar_one_or_none()
    if number_id is None:
        raise NumberServed(e164)
    await defer(s, "render-prompts", free_seconds=[free_limit_seconds])
    return number_id


async def expert_by_extension(s: AsyncSession, extension: str) -> UUID:
    """Give an expert's id; raises ExpertUnknown."""
    found = await s.scalar(
        select(Expert.id).where(Expert.extension == extension, Expert.removed_at.is_(None))
    )
    if found is None:
        raise ExpertUnknown(f"with extension {extension}")
    return found


async def tariff_for(s: AsyncSession, *, expert_id: UUID, number_id: UUID) -> UUID | None:
    """Give the tariff of calls to an expert by a number; the number's own wins."""
    found: UUID | None = await s.scalar(_TARIFF, {"number_id": number_id, "expert_id": expert_id})
    return found
