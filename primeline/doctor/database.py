"""Checks of the database: there, new enough, in time, up to date, and its books right."""

from datetime import timedelta
from typing import Final

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import books
from billing.kit import jobs
from billing.kit.clock import now
from billing.kit.settings import Settings
from billing.monitoring import alarms, states
from billing.monitoring.values import BAD_CONDITIONS, EndpointKind
from primeline.asterisk_conf import ROOT
from primeline.doctor.findings import Finding, ok, warning, wrong
from primeline.lines import read_lines

OLDEST_SERVER: Final = 150_000
SKEW_WARNING: Final = timedelta(seconds=1)
SKEW_WRONG: Final = timedelta(seconds=5)
LATE_SECONDS: Final = 300


async def server(s: AsyncSession) -> list[Finding]:
    """Check the server's version and clock."""
    before = now()
    row = (
        await s.execute(text("SELECT current_setting('server_version_num'), clock_timestamp()"))
    ).one()
    after = now()
    number = int(row[0])
    said = f"PostgreSQL {number // 10_000}.{number % 10_000}"
    found = [
        ok("database", f"{said} answers.")
        if number >= OLDEST_SERVER
        else wrong("database", f"{said} is too old.", "Move to PostgreSQL 15 or newer.")
    ]
    apart = abs(row[1] - (before + (after - before) / 2)) - (after - before) / 2
    sentence = f"The clocks of database and machine are {apart.total_seconds():.1f} s apart."
    remedy = "Keep both by NTP: talks are timed here and sums are dated there."
    if apart > SKEW_WRONG:
        found.append(wrong("clocks", sentence, remedy))
    elif apart > SKEW_WARNING:
        found.append(warning("clocks", sentence, remedy))
    else:
        found.append(ok("clocks", "Database and machine agree about the time."))
    return found


async def migrations(s: AsyncSession) -> list[Finding]:
    """Check that the tables are those of this version."""
    scripts = ScriptDirectory.from_config(Config(toml_file=ROOT / "pyproject.toml"))
    heads = set(scripts.get_heads())
    remedy = "primeline migrate"
    try:
        found = set(await s.scalars(text("SELECT version_num FROM alembic_version")))
    except SQLAlchemyError:
        return [wrong("migrations", "The database has no tables of Primeline.", remedy)]
    if found == heads:
        return [ok("migrations", "The tables are up to date.")]
    known = {one.revision for one in scripts.walk_revisions()}
    if not found <= known:
        newer = "Run the version of Primeline that made it, or a newer one."
        return [wrong("migrations", "The tables are of a newer Primeline than this.", newer)]
    return [wrong("migrations", "The tables are older than this Primeline.", remedy)]


async def lines(s: AsyncSession, settings: Settings) -> list[Finding]:
    """Check that trunks can be used, and their passwords opened with our key."""
    known, problems = await read_lines(s, settings.secret_key.get_secret_value())
    remedy = "primeline trunk edit; or set the PRIMELINE_SECRET_KEY that the passwords were kept by"
    found = [wrong("trunks", sentence, remedy) for sentence in problems]
    for state in await states.list_endpoints(s):
        if state.condition in BAD_CONDITIONS and state.kind is not EndpointKind.PHONE:
            what = "host" if state.kind is EndpointKind.TRUNK else "registration"
            found.append(
                wrong(
                    "trunks",
                    f"The {what} of trunk {state.name} has been {state.condition} since"
                    f" {state.since:%Y-%m-%d %H:%M} UTC.",
                    "Ask the carrier; check primeline trunk show.",
                )
            )
    return found or [ok("trunks", f"{len(known.trunks)} trunks, none unreachable.")]


async def open_alarms(s: AsyncSession, _settings: Settings) -> list[Finding]:
    """Tell the open alarms."""
    found = [
        warning("alarms", f"{one.kind}: {one.detail}", "docs/how-to/monitoring.md tells what to do")
        for one in await alarms.list_alarms(s)
    ]
    return found or [ok("alarms", "No alarm is open.")]


async def work(s: AsyncSession, _settings: Settings) -> list[Finding]:
    """Check that background work doesn't pile up."""
    waiting = await jobs.waiting(s)
    if waiting.oldest_seconds > LATE_SECONDS:
        sentence = f"{waiting.count} jobs wait, one for {waiting.oldest_seconds:.0f} s."
        remedy = "Start the worker (python -m api.worker), or read its log."
        return [wrong("jobs", sentence, remedy)]
    return [ok("jobs", f"{waiting.count} jobs wait, none for long.")]


async def money(s: AsyncSession, _settings: Settings) -> list[Finding]:
    """Prove the books."""
    findings = await books.check(s)
    if findings:
        sentence = f"{len(findings)} findings, the first: {findings[0].sentence}"
        return [wrong("books", sentence, "primeline books check lists them all")]
    return [ok("books", "The books are right.")]
