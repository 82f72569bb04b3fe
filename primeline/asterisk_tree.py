"""Which Asterisk is run: an installed one that is new enough, else a tree of Debian's packages."""

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from billing.kit.errors import PrimelineError

OLDEST: Final = (22, 10, 1)
"""Older ones have two ARI security holes (GHSA-vrfp-mg3q-3959)."""

LIBRARY_DIRS: Final = {"x86_64": "x86_64-linux-gnu", "aarch64": "aarch64-linux-gnu"}

_NEEDED_MODULES = ("res_ari.so", "app_stasis.so", "chan_pjsip.so", "res_cdrel_custom.so")
_DIRECTORY = re.compile(r"^\s*(ast\w+dir)\s*=>?\s*(\S+)", re.MULTILINE)


class AsteriskMissing(PrimelineError):
    """No Asterisk that could be run."""

    code = "asterisk-missing"

    def __init__(self, tree: Path) -> None:
        super().__init__(
            f"There is no Asterisk {'.'.join(map(str, OLDEST))} or newer: none is installed and "
            f"none in {tree}. `make setup` fetches one."
        )


@dataclass(frozen=True, slots=True)
class Program:
    """An Asterisk that can be started: its command line, and where its modules and data are."""

    command: tuple[str, ...]
    modules_dir: Path
    data_dir: Path
    version: str


def find_program(tree: Path) -> Program:
    """Take the installed Asterisk if it is new enough, else the one in `tree`.

    Raises `AsteriskMissing`. `PRIMELINE_ASTERISK=tree` in the environment passes over an
    installed one.
    """
    program = None
    if os.environ.get("PRIMELINE_ASTERISK") != "tree":
        program = _installed()
    program = program or program_in(tree.resolve())
    if program is None:
        raise AsteriskMissing(tree)
    return program


def _installed() -> Program | None:
    path = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if path is None:
        return None
    version = _version((path,))
    if version is None or _as_tuple(version) < OLDEST:
        return None
    try:
        directories = dict(_DIRECTORY.findall(Path("/etc/asterisk/asterisk.conf").read_text()))
    except OSError:
        directories = {}
    library = LIBRARY_DIRS.get(platform.machine(), "")
    modules = [
        directories.get("astmoddir"),
        f"/usr/lib/{library}/asterisk/modules",
        "/usr/lib/asterisk/modules",
        "/usr/local/lib/asterisk/modules",
    ]
    data = [directories.get("astdatadir"), "/usr/share/asterisk", "/var/lib/asterisk"]
    modules_dir = next(
        (Path(m) for m in modules if m and all((Path(m) / n).exists() for n in _NEEDED_MODULES)),
        None,
    )
    data_dir = next((Path(d) for d in data if d and (Path(d) / "rest-api").is_dir()), None)
    if modules_dir is None or data_dir is None:
        return None
    return Program((path,), modules_dir, data_dir, version)


def program_in(tree: Path) -> Program | None:
    """Give the Asterisk in an extracted tree, or None."""
    command = command_in(tree, "usr/sbin/asterisk")
    version = None if command is None else _version(command)
    if command is None or version is None:
        return None
    modules = _library(tree) / "asterisk/modules"
    return Program(command, modules, tree / "usr/share/asterisk", version)


def command_in(tree: Path, program: str) -> tuple[str, ...] | None:
    """Give the command line that runs a program of an extracted tree, or None.

    By the tree's own loader and libraries: nothing of the host's is mixed in, no chroot is needed.
    """
    library = _library(tree)
    loader = next(iter(sorted(library.glob("ld-linux-*.so.*"))), None)
    if loader is None or not (tree / program).exists():
        return None
    return str(loader), "--library-path", str(library), str(tree / program)


def _library(tree: Path) -> Path:
    return tree / "usr/lib" / LIBRARY_DIRS.get(platform.machine(), "none")


def _version(command: tuple[str, ...]) -> str | None:
    try:
        answer = subprocess.run(
            [*command, "-V"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"Asterisk (\d+\.\d+\.\d+\S*)", answer.stdout)
    return found.group(1) if found else None


def _as_tuple(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
