"""Fetching Asterisk as Debian's packages: `python -m primeline.asterisk_fetch FOLDER`."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from billing.kit.errors import PrimelineError
from primeline.asterisk_tree import AsteriskMissing, find_program, program_in

SUITE: Final = "forky"
PACKAGES: Final = (
    "asterisk",
    "asterisk-core-sounds-en-wav",
    "libttspico-utils",
    "espeak-ng",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is fetched: Debian's packages, and whether a tree holds what they are for."""

    name: str
    packages: tuple[str, ...]
    runs_in: Callable[[Path], bool]


ASTERISK: Final = Wanted("Asterisk", PACKAGES, lambda tree: program_in(tree) is not None)


class TreeNotFetched(PrimelineError):
    """Debian's packages could not be fetched."""

    code = "tree-not-fetched"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} could not be fetched from Debian: {reason}")


def fetch_tree(tree: Path, say: Callable[[str], None], wanted: Wanted = ASTERISK) -> None:
    """Fetch Debian's packages into `tree`, all or nothing; no root needed.

    `say` gets one line of progress at a time. A second process waits for the first. Raises
    `TreeNotFetched`.
    """
    tree = tree.resolve()
    tree.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(tree.with_name(tree.name + ".lock"), wanted, say):
        if wanted.runs_in(tree):
            return
        if tree.exists():
            shutil.rmtree(tree)
        part = Path(tempfile.mkdtemp(prefix=tree.name + ".part-", dir=tree.parent))
        try:
            part.chmod(0o755)
            _extract(part, wanted, say)
            finish_tree(part)
            if not wanted.runs_in(part):
                raise TreeNotFetched(wanted.name, "what the packages hold doesn't run here.")
            part.rename(tree)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def finish_tree(tree: Path) -> None:
    """Do by hand what the packages' own scripts would have done at installation."""
    for name in ("lib", "lib64"):
        link, target = tree / name, Path("usr") / name
        if not link.exists() and (tree / target).is_dir():
            link.symlink_to(target)
    sounds = tree / "usr/share/asterisk/sounds"
    for language, voice in (("en", "en_US_f_Allison"), ("fr", "fr_CA_f_June")):
        link = sounds / language
        if not link.is_symlink() and (sounds / voice).is_dir():
            link.symlink_to(voice)


@contextmanager
def _one_at_a_time(lock: Path, wanted: Wanted, say: Callable[[str], None]) -> Iterator[None]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another process is fetching {wanted.name}; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _extract(part: Path, wanted: Wanted, say: Callable[[str], None]) -> None:
    command = [
        "mmdebstrap",
        "--mode=chrootless",
        "--variant=extract",
        "--components=main,non-free",
        "--include=" + ",".join(wanted.packages),
        '--aptopt=APT::Install-Recommends "false"',
    ]
    status, lines = _run(command, part, wanted, say)
    if status != 0 and re.search(r"is expired|not valid yet|Valid-Until", "\n".join(lines)):
        say("The mirror's list of packages is past its date; its signature is still checked.")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o755)
        command.append('--aptopt=Acquire::Check-Valid-Until "false"')
        status, lines = _run(command, part, wanted, say)
    if status != 0:
        errors = [line for line in lines if line.startswith("E:")] or lines[-1:]
        raise TreeNotFetched(wanted.name, "; ".join(errors) or "mmdebstrap failed")


def _run(
    command: list[str], part: Path, wanted: Wanted, say: Callable[[str], None]
) -> tuple[int, list[str]]:
    if shutil.which(command[0]) is None:
        raise TreeNotFetched(wanted.name, f"{command[0]} isn't installed.")
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [*command, SUITE, str(part)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _watch(process, part, wanted, say)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
        log.seek(0)
        return process.returncode, log.read().splitlines()


def _watch(
    process: subprocess.Popen[bytes], part: Path, wanted: Wanted, say: Callable[[str], None]
) -> None:
    began = time.monotonic()
    while process.poll() is None:
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            seconds = int(time.monotonic() - began)
            say(f"Fetching {wanted.name} from Debian: {_size_mb(part)} MB after {seconds} s")


def _size_mb(folder: Path) -> int:
    total = 0
    for directory, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(directory, name).lstat().st_size
            except OSError:  # apt moves files about meanwhile
                continue
    return total // 1_000_000


def tell(line: str) -> None:
    """Print a line of progress at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run(work: Callable[[Path], None]) -> None:
    """Do `work` on the folder that the command line names; errors become one sentence."""
    try:
        work(Path(sys.argv[1]))
    except PrimelineError as error:
        sys.exit(error.sentence)
    except KeyboardInterrupt:
        sys.exit("Interrupted; nothing half-done is left.")


def main(tree: Path) -> None:
    """Fetch the tree, if one is needed."""
    try:
        find_program(tree)
    except AsteriskMissing:
        fetch_tree(tree, tell)
        tell(f"Asterisk {find_program(tree).version} is in {tree}")


if __name__ == "__main__":
    run(main)
