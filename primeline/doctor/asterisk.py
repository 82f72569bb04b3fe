"""Checks of Asterisk: ARI, AMI, modules, dialplan, endpoints, and whose it is."""

import asyncio
import re
import subprocess
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from ari_app.ari.client import APPLICATION, AriClient, AriError, AriUnreachable
from ari_app.claim import VARIABLE, held_by_another
from ari_app.monitor.connection import Connection, LoginRefused, NotAsterisk
from billing.kit import installation
from billing.kit.clock import now
from billing.kit.errors import PrimelineError
from billing.kit.settings import Settings
from primeline.asterisk_conf import DIALPLAN, ROOT, TEMPLATES
from primeline.asterisk_endpoints import endpoint_sections
from primeline.asterisk_tree import OLDEST, find_program
from primeline.doctor.findings import Finding, ok, skipped, warning, wrong
from primeline.lines import read_lines

UNAUTHORIZED: Final = 401
CONSOLE_SECONDS: Final = 8
_READ: Final = "Let doctor run as the user of Primeline, on Asterisk's machine."


def client(settings: Settings) -> AriClient:
    """Give a client of ARI; use it as a context."""
    return AriClient(settings.ari_url, settings.ari_user, settings.ari_password.get_secret_value())


async def ari(settings: Settings) -> list[Finding]:
    """Check ARI, Asterisk's version, our application and Asterisk's modules."""
    async with client(settings) as asterisk:
        try:
            info = await asterisk.request("GET", "asterisk/info")
        except AriUnreachable:
            return [
                wrong(
                    "asterisk",
                    f"Asterisk doesn't answer at {settings.ari_url}.",
                    "Start it (primeline up or primeline asterisk); read asterisk/log.",
                )
            ]
        except AriError as error:
            return [_refused(settings, error)]
        found = [_version(str(info["system"]["version"]))]
        try:
            await asterisk.request("GET", f"applications/{APPLICATION}")
            found.append(ok("application", "The call application is registered."))
        except AriError:
            found.append(
                wrong(
                    "application",
                    "No call application serves Asterisk: callers hear an apology.",
                    "Start python -m ari_app, or read its log.",
                )
            )
        found.append(_modules(await asterisk.request("GET", "asterisk/modules")))
    return found


def _refused(settings: Settings, error: AriError) -> Finding:
    if error.status == UNAUTHORIZED:
        sentence = f"Asterisk at {settings.ari_url} doesn't take our ARI password."
        remedy = "Give Asterisk and doctor the same PRIMELINE_ARI_USER and PRIMELINE_ARI_PASSWORD."
        return wrong("asterisk", sentence, remedy)
    sentence = f"What answers at {settings.ari_url} is no ARI ({error.status})."
    return wrong("asterisk", sentence, "Set PRIMELINE_ARI_URL to Asterisk's HTTP server.")


def _version(text: str) -> Finding:
    numbers = tuple(int(one) for one in re.findall(r"\d+", text)[:3])
    wanted = ".".join(map(str, OLDEST))
    if numbers[:1] != OLDEST[:1]:
        return warning(
            "asterisk",
            f"Asterisk {text} answers; Primeline is tested on {OLDEST[0]}.",
            f"Use Asterisk {wanted} or a newer {OLDEST[0]}.",
        )
    if numbers < OLDEST:
        return wrong("asterisk", f"Asterisk {text} has known holes.", f"Install {wanted} or newer.")
    return ok("asterisk", f"Asterisk {text} answers.")


def _modules(listed: list[dict[str, Any]]) -> Finding:
    needed = re.findall(r"^load = (\S+)", (TEMPLATES / "modules.conf").read_text(), re.MULTILINE)
    running = {one["name"] for one in listed if one.get("status") == "Running"}
    missing = sorted(set(needed) - running)
    if missing:
        remedy = "Start Asterisk by primeline, and read asterisk/log/messages.log."
        return wrong("modules", f"Not running in Asterisk: {', '.join(missing)}.", remedy)
    return ok("modules", f"All {len(needed)} modules that we need run.")


async def ami(settings: Settings) -> list[Finding]:
    """Check that the monitor could log in."""
    where = f"{settings.ami_host}:{settings.ami_port}"
    connection = Connection(lambda _event: None)
    try:
        await connection.open(
            settings.ami_host,
            settings.ami_port,
            settings.monitor_user,
            settings.monitor_password.get_secret_value(),
        )
    except LoginRefused:
        remedy = "Give Asterisk and the monitor the same PRIMELINE_MONITOR_PASSWORD."
        return [wrong("ami", f"Asterisk at {where} doesn't take the monitor's password.", remedy)]
    except (OSError, NotAsterisk):
        remedy = "Start Asterisk; check PRIMELINE_AMI_HOST and PRIMELINE_AMI_PORT."
        return [wrong("ami", f"Nobody speaks AMI at {where}.", remedy)]
    finally:
        connection.close()
    return [ok("ami", "The monitor can log in at Asterisk.")]


async def dialplan(settings: Settings) -> list[Finding]:
    """Check by Asterisk's console that our contexts are loaded."""
    conf = settings.data_dir / "asterisk" / "conf" / "asterisk.conf"
    try:
        if not conf.is_file():
            return [skipped("dialplan", f"Asterisk's files aren't in {conf.parent}. {_READ}")]
        program = find_program(settings.tree or ROOT / ".asterisk")
        done = await asyncio.to_thread(
            subprocess.run,
            [*program.command, "-C", str(conf), "-rx", "dialplan show"],
            capture_output=True,
            text=True,
            timeout=CONSOLE_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError, PrimelineError):
        return [skipped("dialplan", f"Asterisk's console can't be reached. {_READ}")]
    there = set(re.findall(r"^\[ Context '([^']+)'", done.stdout, re.MULTILINE))
    if not there:
        return [skipped("dialplan", f"Asterisk's console can't be reached. {_READ}")]
    wanted = set(re.findall(r"^\[([a-z-]+)\]", DIALPLAN.read_text(), re.MULTILINE)) - {"globals"}
    if missing := sorted(wanted - there):
        sentence = f"Not in Asterisk's dialplan: {', '.join(missing)}."
        return [wrong("dialplan", sentence, "Start Asterisk by primeline; read its log.")]
    return [ok("dialplan", f"All {len(wanted)} contexts are loaded.")]


async def endpoints(s: AsyncSession, settings: Settings) -> list[Finding]:
    """Check that Asterisk has the trunks and phones of the database, and no other."""
    lines, _ = await read_lines(s, settings.secret_key.get_secret_value())
    wanted = {one.name for one in lines.trunks}
    wanted |= {one.endpoint for one in lines.phones if one.ha1 is not None}
    try:
        async with client(settings) as asterisk:
            there = set(await asterisk.online_endpoints())
    except AriError:
        return [skipped("endpoints", "Asterisk doesn't answer.")]
    remedy = "primeline up or primeline asterisk renders them; see what it says and its log."
    found = []
    if missing := sorted(wanted - there):
        sentence = f"In the database and not in Asterisk: {', '.join(missing)}."
        found.append(wrong("endpoints", sentence, remedy))
    if more := sorted(there - wanted):
        sentence = f"In Asterisk and not in the database: {', '.join(more)}."
        found.append(warning("endpoints", sentence, remedy))
    conf = settings.data_dir / "asterisk" / "conf" / "pjsip.conf"
    if not found and conf.is_file():
        rendered = conf.read_text()
        if any(section not in rendered for section in endpoint_sections(lines)):
            sentence = "Asterisk's files differ from the database in a trunk or phone."
            found.append(wrong("endpoints", sentence, remedy))
    return found or [ok("endpoints", f"Asterisk has the {len(wanted)} trunks and phones we keep.")]


async def claim(s: AsyncSession, settings: Settings) -> list[Finding]:
    """Check whose Asterisk it is."""
    name = await installation.name(s)
    try:
        async with client(settings) as asterisk:
            value = await asterisk.global_variable(VARIABLE)
    except AriError:
        return [skipped("claim", "Asterisk doesn't answer.")]
    seconds = held_by_another(value, name, now())
    if seconds is not None:
        sentence = f"Another installation served this Asterisk {seconds} s ago."
        return [wrong("claim", sentence, "Stop that one, or use an Asterisk of its own.")]
    return [ok("claim", "No other installation serves this Asterisk.")]
