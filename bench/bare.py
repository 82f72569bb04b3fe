"""The baseline: the same Asterisk with two lines of dialplan, Answer and Dial, and no record."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bench.ground import LINES, experts_there, wide
from billing.kit.limits import Limits
from primeline import asterisk
from primeline.asterisk_conf import LOOPBACK, render
from primeline.asterisk_tree import find_program
from primeline.ports import lease_ports

DIALPLAN: Final = """[from-trunk]
exten => _[+0-9].,1,Answer()
 same => n,Dial(PJSIP/${FILTER(+0-9,${EXTEN})}@experts)
 same => n,Hangup()
"""


@asynccontextmanager
async def bare(folder: Path, tree: Path) -> AsyncIterator[asterisk.AsteriskProcess]:
    """Start a fresh bare Asterisk in `folder`, and take it down again."""
    lease = lease_ports()
    instance = asterisk.new_instance(
        folder, find_program(tree), wide(lease.ports), bind_host=LOOPBACK
    )
    render(instance, lines=LINES, limits=Limits(), prompts_dir=folder)
    (instance.conf_dir / "extensions.conf").write_text(DIALPLAN)
    (instance.conf_dir / "cel.conf").write_text("[general]\nenable = no\n")
    with (instance.conf_dir / "modules.conf").open("a") as modules:
        modules.write("load = app_dial.so\n")
    try:
        process = await asterisk.start(instance)
        try:
            await experts_there(process)
            yield process
        finally:
            await process.stop()
    finally:
        lease.release()
        asterisk.forget(instance)
        shutil.rmtree(folder, ignore_errors=True)
