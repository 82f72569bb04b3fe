"""`primeline audit` and `primeline notifications`: who changed what, and who was told what."""

from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit import audit
from billing.kit.logs import masked
from billing.kit.models import AuditEntry
from billing.notifications import service
from billing.notifications.models import Notification
from billing.notifications.values import State
from primeline.commands.common import JsonOption, show_list, transact

LimitOption = Annotated[int, typer.Option(help="How many at most", min=1, max=10_000)]


def list_changes(
    subject: Annotated[
        str | None, typer.Option(help="Only this kind of thing, such as expert")
    ] = None,
    subject_id: Annotated[str | None, typer.Option("--id", help="Only this one")] = None,
    by: Annotated[
        str | None, typer.Option(help="Only what this one did: a user, or key: and a key's name")
    ] = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """List what people changed, by command or by the API, newest first."""

    async def work(s: AsyncSession) -> tuple[AuditEntry, ...]:
        found = await audit.list_entries(
            s, limit=limit, subject=subject, subject_id=subject_id, actor=by
        )
        return found.items

    rows = [_entry(one, whole=as_json) for one in transact(work)]
    show_list(rows, title="Changes", as_json=as_json)


def list_notifications(
    state: Annotated[State | None, typer.Option(help="Only those in this state")] = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """List messages to people by SMS, newest first."""

    async def work(s: AsyncSession) -> tuple[Notification, ...]:
        return (await service.page_notifications(s, limit=limit, state=state)).items

    rows = [
        {
            "queued_at": one.queued_at,
            "to": one.to_e164 if as_json else masked(one.to_e164),
            "about": one.key,
            "state": one.state,
            "tries": one.tries,
            "text": one.text,
            "failure": one.failure,
        }
        for one in transact(work)
    ]
    show_list(rows, title="Messages", as_json=as_json)


def _entry(one: AuditEntry, *, whole: bool) -> dict[str, Any]:
    """Give a change; a table tells of its detail what was changed, without its nesting."""
    detail: Any = one.detail
    if not whole:
        shown = one.detail.get("changed") or one.detail
        detail = " ".join(f"{name}={_change(value)}" for name, value in shown.items())
    return {
        "at": one.at,
        "by": one.actor,
        "action": one.action,
        "subject": one.subject,
        "which": one.subject_id,
        "detail": detail,
    }


def _change(value: Any) -> Any:
    if isinstance(value, dict) and "to" in value:
        return f"{value.get('from')}→{value['to']}"
    return value
