"""Fetching SIPp, which the tests attack Asterisk with: `python -m primeline.sipp_fetch FOLDER`."""

import shutil
from pathlib import Path
from typing import Final

from primeline.asterisk_fetch import Wanted, fetch_tree, run, tell
from primeline.asterisk_tree import command_in


def find_sipp(tree: Path) -> tuple[str, ...] | None:
    """Give the command line of an installed SIPp, else of the one in `tree`, else None."""
    installed = shutil.which("sipp")
    if installed is not None:
        return (installed,)
    return command_in(tree.resolve(), "usr/bin/sipp")


SIPP: Final = Wanted(
    "SIPp", ("sip-tester",), lambda tree: command_in(tree, "usr/bin/sipp") is not None
)


def main(tree: Path) -> None:
    """Fetch SIPp, if there is none."""
    if find_sipp(tree) is None:
        fetch_tree(tree, tell, SIPP)
        tell(f"SIPp is in {tree}")


if __name__ == "__main__":
    run(main)
