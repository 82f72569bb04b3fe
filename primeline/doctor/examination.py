"""All checks, each with its time limit; none changes anything, and none stops another."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.listing import currencies_in_use
from billing.kit.database import Sessions, make_engine, make_sessions
from billing.kit.settings import Settings
from primeline import health
from primeline.doctor import asterisk, database, machine
from primeline.doctor.findings import Finding, Level, ok, skipped, wrong

SECONDS: Final = 10
BOOKS_SECONDS: Final = 60
STATEMENT_MS: Final = 60_000

OfDatabase = Callable[[AsyncSession, Settings], Awaitable[list[Finding]]]

_ON_TABLES: Final[tuple[tuple[str, OfDatabase, int], ...]] = (
    ("trunks", database.lines, SECONDS),
    ("endpoints", asterisk.endpoints, SECONDS),
    ("claim", asterisk.claim, SECONDS),
    ("alarms", database.open_alarms, SECONDS),
    ("jobs", database.work, SECONDS),
    ("books", database.money, BOOKS_SECONDS),
)
_PARTS: Final = {
    "ari_app": "python -m ari_app",
    "agi": "python -m agi",
    "monitor": "python -m ari_app.monitor",
    "worker": "python -m api.worker",
    "api": "python -m api",
}


async def examine(settings: Settings) -> list[Finding]:
    """Make all checks."""
    found = machine.python()
    found += await limited("secrets", machine.secrets, settings)
    found += await limited("disk", machine.disk, settings)
    found += await _database(settings)
    found += await bounded("asterisk", asterisk.ari(settings))
    found += await bounded("ami", asterisk.ami(settings))
    found += await bounded("dialplan", asterisk.dialplan(settings))
    for part in _PARTS:
        found += await limited(part, _part(part), settings)
    return [*found, *await limited("spool", machine.spool, settings)]


async def _database(settings: Settings) -> list[Finding]:
    engine = make_engine(settings, statement_timeout_ms=STATEMENT_MS)
    try:
        return await _on(make_sessions(engine), settings)
    finally:
        await engine.dispose()


async def _on(sessions: Sessions, settings: Settings) -> list[Finding]:
    currencies = frozenset({"EUR"})
    found = await _in_session(sessions, "database", database.server)
    there = _well(found, "database")
    if there:
        found += await _in_session(sessions, "migrations", database.migrations)
    if there and _well(found, "migrations"):
        for name, check, seconds in _ON_TABLES:
            found += await _in_session(sessions, name, partial(_with, check, settings), seconds)
        async with sessions() as s:
            currencies |= await currencies_in_use(s)
    else:
        why = "The database doesn't answer." if not there else "The tables aren't up to date."
        found += [skipped(name, why) for name, _, _ in _ON_TABLES]
    return found + await limited("prompts", lambda s: machine.prompts(s, currencies), settings)


async def _with(check: OfDatabase, settings: Settings, s: AsyncSession) -> list[Finding]:
    return await check(s, settings)


async def _in_session(
    sessions: Sessions,
    name: str,
    check: Callable[[AsyncSession], Awaitable[list[Finding]]],
    seconds: int = SECONDS,
) -> list[Finding]:
    async def run() -> list[Finding]:
        async with sessions() as s:
            return await check(s)

    return await bounded(name, run(), seconds)


async def bounded(
    name: str, check: Awaitable[list[Finding]], seconds: int = SECONDS
) -> list[Finding]:
    """Give what a check found, or that it took too long or failed."""
    try:
        async with asyncio.timeout(seconds):
            return await check
    except TimeoutError:
        sentence = f"No answer within {seconds} s."
        return [wrong(name, sentence, "Look at this machine's load and at the other's.")]
    except (SQLAlchemyError, OSError) as error:
        why = str(getattr(error, "orig", None) or error).strip().splitlines()
        return [
            wrong(
                name,
                why[0] if why else type(error).__name__,
                "Start PostgreSQL; check PRIMELINE_DATABASE_URL."
                if name == "database"
                else "Put right what is wrong above first.",
            )
        ]
    except Exception as error:  # noqa: BLE001  (one check that fails must not hide the others)
        return [
            wrong(
                name,
                f"The check itself failed: {type(error).__name__}: {error}",
                "Put right what is wrong above first.",
            )
        ]


async def limited(
    name: str, check: Callable[[Settings], list[Finding]], settings: Settings
) -> list[Finding]:
    """Make a check that blocks, in a thread."""
    return await bounded(name, asyncio.to_thread(check, settings))


def _part(name: str) -> Callable[[Settings], list[Finding]]:
    def check(settings: Settings) -> list[Finding]:
        if health.PARTS[name](settings):
            return [ok(name, "Does its work.")]
        remedy = f"Start it ({_PARTS[name]}) with the same settings, or read its log."
        return [wrong(name, "Doesn't do its work.", remedy)]

    return check


def _well(found: list[Finding], check: str) -> bool:
    return not any(one.check == check and one.level is Level.WRONG for one in found)
