"""Our own parts as processes: what each is started with, and when it is ready."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from http import HTTPStatus
from pathlib import Path
from typing import Final

import aiohttp

from billing.kit.errors import PrimelineError
from billing.kit.limits import Limits
from primeline.processes import POLL_SECONDS, Child

ARI_APPLICATION: Final = "primeline"
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "ari_app": ("-m", "ari_app"),
    "agi": ("-m", "agi"),
    "monitor": ("-m", "ari_app.monitor"),
    "worker": ("-m", "api.worker"),
    "api": ("-m", "api"),
}
"""The arguments of Python for each part, in the order they start."""

_SAY_SO: Final = frozenset({"ari_app", "agi"})
"""Write their process id into `<name>.ready` while they do their work."""

READY_SECONDS: Final = 20


class PartFailed(PrimelineError):
    """A process of ours ended, or wasn't ready in time."""

    code = "part-failed"

    def __init__(self, name: str, reason: str, log_file: Path) -> None:
        super().__init__(f"{name} {reason}; its log is {log_file}.")


async def until_ready(child: Child, environment: Mapping[str, str], log_file: Path) -> None:
    """Wait until a part does its work; raises `PartFailed`.

    The ARI application is ready once it says so (Asterisk knows it also while nobody serves it),
    and so is the server of the lines; the API once it answers. The worker has nothing to show for
    it.
    """
    if child.name not in {*_SAY_SO, "api"}:
        return
    ready_file = Path(environment["PRIMELINE_DATA_DIR"]) / f"{child.name}.ready"
    url = f"http://127.0.0.1:{environment['PRIMELINE_API_PORT']}/v1/health"
    try:
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as http:
            while not (
                _says(ready_file, child.pid) if child.name in _SAY_SO else await _answers(http, url)
            ):
                if not child.running:
                    raise PartFailed(child.name, "ended at its start", log_file)
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        reason = f"was not ready in {READY_SECONDS} s"
        raise PartFailed(child.name, reason, log_file) from None


def _says(ready_file: Path, pid: int) -> bool:
    with suppress(FileNotFoundError):
        return ready_file.read_text() == str(pid)
    return False


def limits_changed(limits: Limits) -> dict[str, int]:
    """Give the limits that differ from the usual ones, as PRIMELINE_LIMITS wants them."""
    usual = Limits()
    values = {one.name: getattr(limits, one.name) for one in fields(Limits)}
    return {name: value for name, value in values.items() if value != getattr(usual, name)}


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    with suppress(aiohttp.ClientConnectionError):
        async with http.get(url) as answer:
            return answer.status == HTTPStatus.OK
    return False
