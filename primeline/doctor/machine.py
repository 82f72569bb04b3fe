"""Checks of this machine: Python, packages, disk, settings, prompts, the spool."""

import os
import re
import shutil
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from billing.kit.secrets import SHORTEST_KEY
from billing.kit.settings import Settings
from dialplan.prompts.catalogue import LANGUAGES
from dialplan.prompts.needed import standing_phrases
from dialplan.prompts.store import PromptMissing, PromptStore
from primeline.asterisk_conf import ROOT
from primeline.doctor.findings import Finding, ok, skipped, warning, wrong

PYTHONS: Final = ((3, 11), (3, 13))
LITTLE_BYTES: Final = 1_000_000_000
LEAST_BYTES: Final = 200_000_000
SHORTEST_PASSWORD: Final = 16
SPOOL_SECONDS: Final = 60
"""The database takes a spooled end within seconds, unless something is wrong."""

EXAMPLE: Final = "CHANGE-ME"
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==(\S+) \\$", re.MULTILINE)


def python(found: tuple[int, int] = sys.version_info[:2]) -> list[Finding]:
    """Check Python and the packages that are pinned for it."""
    oldest, newest = PYTHONS
    said = "{}.{}".format(*found)
    if not oldest <= found <= newest:
        remedy = "Install Python 3.11 to 3.13 and run: make setup"
        return [wrong("python", f"This is Python {said}.", remedy)]
    return [ok("python", f"Python {said}."), *packages(ROOT / "requirements" / "run.txt")]


def packages(pins: Path) -> list[Finding]:
    """Check that the pinned packages are installed, by their pinned versions."""
    if not pins.is_file():
        return [skipped("packages", f"{pins} isn't here.")]
    missing, other = [], []
    for name, pinned in _PIN.findall(pins.read_text()):
        try:
            if version(name) != pinned:
                other.append(f"{name} {version(name)} instead of {pinned}")
        except PackageNotFoundError:
            missing.append(name)
    remedy = "Install what is pinned: make setup"
    if missing:
        return [wrong("packages", f"Missing: {', '.join(missing)}.", remedy)]
    if other:
        return [warning("packages", f"Other versions than tested: {', '.join(other)}.", remedy)]
    return [ok("packages", "All packages are there, as pinned.")]


def secrets(settings: Settings) -> list[Finding]:
    """Check that each secret is there, strong, and none of the example's."""
    found: list[Finding] = []
    folder = os.environ.get("PRIMELINE_SECRETS_DIR")
    if folder and not Path(folder).is_dir():
        found.append(
            wrong(
                "secrets",
                f"PRIMELINE_SECRETS_DIR names {folder}, which is no folder here.",
                "Mount the secrets there, or unset the variable.",
            )
        )
    elif folder:
        found += [
            wrong(
                "secrets",
                f"{path} can't be read by this user.",
                "Let the user of Primeline read it; deploy/make-secrets sets the rights.",
            )
            for path in sorted(Path(folder).glob("primeline_*"))
            if not os.access(path, os.R_OK)
        ]
    for name, secret, shortest, what in (
        (
            "PRIMELINE_SECRET_KEY",
            settings.secret_key,
            SHORTEST_KEY,
            "no password at a carrier can be opened, and no voucher is known",
        ),
        (
            "PRIMELINE_ARI_PASSWORD",
            settings.ari_password,
            SHORTEST_PASSWORD,
            "the call application can't speak to Asterisk",
        ),
        (
            "PRIMELINE_MONITOR_PASSWORD",
            settings.monitor_password,
            SHORTEST_PASSWORD,
            "trunks and phones are not watched",
        ),
    ):
        found += _secret(name, secret, shortest, what)
    return found or [ok("secrets", "All secrets are there and long enough.")]


def _secret(name: str, secret: SecretStr, shortest: int, what: str) -> list[Finding]:
    value = secret.get_secret_value()
    remedy = f"Set {name} to at least {max(shortest, 24)} random letters and digits, the same for"
    remedy += " every part (deploy/make-secrets makes such)."
    if not value:
        return [wrong("secrets", f"{name} is empty: {what}.", remedy)]
    if EXAMPLE in value.upper():
        return [wrong("secrets", f"{name} is still the example's.", remedy)]
    if len(value) < shortest:
        return [wrong("secrets", f"{name} is too short: {len(value)} characters.", remedy)]
    return []


def disk(settings: Settings) -> list[Finding]:
    """Check the space where data, records and recordings are kept."""
    folder = settings.data_dir
    if not folder.is_dir():
        remedy = "Make it, or set PRIMELINE_DATA_DIR to the folder of this installation."
        return [wrong("disk", f"The data folder {folder} isn't there.", remedy)]
    free = shutil.disk_usage(folder).free
    sentence = f"{free // 1_000_000} MB are free for {folder}."
    remedy = "Free some space: PostgreSQL and Asterisk stop without any."
    if free < LEAST_BYTES:
        return [wrong("disk", sentence, remedy)]
    return [warning("disk", sentence, remedy) if free < LITTLE_BYTES else ok("disk", sentence)]


def prompts(settings: Settings, currencies: frozenset[str] = frozenset({"EUR"})) -> list[Finding]:
    """Check that all standing sentences are rendered in every language."""
    store = PromptStore(settings.prompts_dir)
    found = []
    for language in LANGUAGES:
        missing = []
        for phrase in {p: None for c in sorted(currencies) for p in standing_phrases(c)}:
            try:
                store.media(phrase, language)
            except (PromptMissing, OSError, ValueError):
                missing.append(phrase.id)
        if missing:
            some = ", ".join(sorted(set(missing))[:3])
            found.append(
                wrong(
                    "prompts",
                    f"{len(missing)} sentences in {language!r} aren't rendered in"
                    f" {settings.prompts_dir} ({some} …): callers hear silence.",
                    f"python -m dialplan.prompts --directory {settings.prompts_dir}",
                )
            )
    return found or [ok("prompts", f"All sentences are rendered: {', '.join(LANGUAGES)}.")]


def spool(settings: Settings) -> list[Finding]:
    """Check that no end of a call waits on disk."""
    folder = settings.spool_dir
    old = [p for p in folder.glob("*.json") if time.time() - p.stat().st_mtime > SPOOL_SECONDS]
    aside = list(folder.glob("*.unreadable"))
    found = []
    if old:
        found.append(
            wrong(
                "spool",
                f"{len(old)} ended calls wait in {folder} to be charged.",
                "See that the call application runs and reaches the database; it settles them.",
            )
        )
    if aside:
        found.append(
            wrong(
                "spool",
                f"{len(aside)} files in {folder} can't be read and were put aside.",
                "Keep them; the sweeper settles these calls from Asterisk's record.",
            )
        )
    return found or [ok("spool", "No ended call waits on disk.")]
