"""Messages to people as JSON."""

from pydantic import Field

from api.schemas.base import Answer, Id, Moment
from billing.kit.logs import masked
from billing.notifications.models import Notification
from billing.notifications.values import State


class Message(Answer):
    """A short text to somebody's phone."""

    id: Id = Field(
        description="The message's id.", examples=["9b8a7c6d-5e4f-4d3c-8b2a-1f0e9d8c7b6a"]
    )
    about: str = Field(
        description="What it is about, as a word and an id; one message for each.",
        examples=["receipt:019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"],
    )
    to: str = Field(
        description="The phone, E.164; only its last two digits without the scope `manage`.",
        examples=["…01"],
    )
    text: str = Field(
        description="What it says; never a PIN, a code or a secret.",
        examples=["Primeline: your call to +33199001234 cost €5.04 for 252 s."],
    )
    state: State = Field(description="Where it is.", examples=["sent"])
    tries: int = Field(description="How often it was tried to be sent.", examples=[1])
    queued_at: Moment = Field(description="When.", examples=["2026-11-22T12:00:00Z"])
    closed_at: Moment | None = Field(
        description="When it was sent or given up; null: it waits.",
        examples=["2026-11-22T12:00:02Z"],
    )
    failure: str | None = Field(
        description="Why it was given up; null: it wasn't.", examples=["no such number"]
    )


def shown(row: Notification, *, whole: bool) -> Message:
    """Show a message; the number whole only to who may see it so."""
    return Message(
        id=row.id,
        about=row.key,
        to=row.to_e164 if whole else masked(row.to_e164),
        text=row.text,
        state=State(row.state),
        tries=row.tries,
        queued_at=row.queued_at,
        closed_at=row.closed_at,
        failure=row.failure,
    )
