"""Messages queued with what causes them, sent by a job, never twice on purpose."""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.database import allow
from billing.kit.errors import PrimelineError
from billing.kit.jobs import defer
from billing.kit.pages import After, Slice, take
from billing.notifications.models import Notification
from billing.notifications.values import Message, NotSendable, Sender, State

TRIES: Final = 5

TURN_MS: Final = 60_000
"""The longest that a message waits for another to the same phone: services answer within that."""
JOB: Final = "send-notification"
KEYS: Final = (Notification.queued_at, Notification.id)
PLACE: Final = (datetime, UUID)
"""What a page's end is made of."""


class NotSent(PrimelineError):
    """A message couldn't be sent this time; it stays queued."""

    code = "notification-not-sent"

    def __init__(self, reason: str) -> None:
        super().__init__(f"A message could not be sent: {reason}")


async def queue(s: AsyncSession, *, key: str, to_e164: str, text: str, at: datetime) -> bool:
    """Queue a message in the caller's transaction; a second one of the same `key` is none.

    Gives whether it is new.
    """
    added = await s.scalar(
        insert(Notification)
        .values(id=uuid4(), key=key, to_e164=to_e164, text=text, state=State.QUEUED, queued_at=at)
        .on_conflict_do_nothing(index_elements=[Notification.key])
        .returning(Notification.id)
    )
    if added is not None:
        await defer(s, JOB, notification=str(added))
    return added is not None


async def try_once(s: AsyncSession, notification_id: UUID) -> int | None:
    """Count a try, to be committed before it is made; None: there is nothing left to send."""
    row = await s.get(Notification, notification_id, populate_existing=True, with_for_update=True)
    if row is None or row.state != State.QUEUED:
        return None
    row.tries += 1
    await s.flush()
    return row.tries


async def send(s: AsyncSession, sender: Sender, notification_id: UUID, at: datetime) -> None:
    """Send a queued message whose try was counted; what was sent or given up stays so.

    From the second try on, the service is asked first whether it took the message before: the
    answer may have been lost. What it took for another message counts for that one alone.
    Raises NotSent if it is to be tried again.
    """
    row = await s.get(Notification, notification_id, populate_existing=True, with_for_update=True)
    if row is None or row.state != State.QUEUED:
        return
    # One at a time for each phone: no other may be given the id that is looked up or awaited here.
    await allow(s, TURN_MS)
    name = f"notifications {row.to_e164}"
    await s.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    message = Message(row.id, row.to_e164, row.text, row.queued_at)
    try:
        sent = await _sent_before(s, sender, message) if row.tries > 1 else None
        row.provider_id = sent or await sender.send(message)
        row.state = State.SENT
    except NotSendable as refused:
        row.state, row.failure = State.FAILED, str(refused)
    except PrimelineError as error:
        if row.tries < TRIES:
            raise NotSent(error.sentence) from error
        row.state, row.failure = State.FAILED, error.sentence
    row.closed_at = at
    await s.flush()


async def _sent_before(s: AsyncSession, sender: Sender, message: Message) -> str | None:
    found = await sender.find(message)
    taken = set(
        await s.scalars(select(Notification.provider_id).where(Notification.provider_id.in_(found)))
    )
    return next((one for one in found if one not in taken), None)


async def page_notifications(
    s: AsyncSession,
    *,
    limit: int,
    after: After | None = None,
    state: State | None = None,
    key: str | None = None,
) -> Slice[Notification]:
    """List messages, newest first; those in a state, or the one of a key."""
    query = select(Notification)
    if state is not None:
        query = query.where(Notification.state == state)
    if key is not None:
        query = query.where(Notification.key == key)
    return await take(s, query, KEYS, limit=limit, after=after, descending=True)
