"""The API of the running demo: its address, a key, and what to ask it first."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from billing.identity import service as identity
from billing.identity.values import Scope
from billing.kit.database import Sessions
from primeline.demo import cast
from primeline.demo.screen import Screen

WELL_SHOWN: Final = "python3 -m json.tool --no-ensure-ascii"


async def make_key(sessions: Sessions) -> str:
    """Make a key that may see everything and change nothing; it is gone with the demo's data."""
    async with sessions.begin() as s:
        made = await identity.add_key(
            s, name="demo", scopes=[Scope.READ], created_by="demo", at=datetime.now(UTC)
        )
    return made.token


def show_api(screen: Screen, url: str, token: str, call_id: UUID) -> None:
    """Print the API's address, a key and three lines to copy."""
    screen.chapter("Ask the API: copy these lines into a second terminal")
    screen.copy(f"API={url} KEY={token}")
    today = datetime.now(UTC).date().isoformat()
    price = urlencode({"number": cast.MENU_NUMBER, "extension": cast.ADA.extension, "amount": "10"})
    days = urlencode({"first": today, "last": today, "by": "expert"})
    for what, path in (
        ("Alice's call: each step, how its cost came about, every ledger line", f"calls/{call_id}"),
        ("what Ada costs, as callers hear it, and how long 10 euros last", f"price?{price}"),
        ("what today brought, by expert", f"revenue?{days}"),
    ):
        screen.say(f"\n[dim]# {what}[/]")
        screen.copy(f'curl -s -H "Authorization: Bearer $KEY" "$API/{path}" | {WELL_SHOWN}')
