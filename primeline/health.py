"""`python -m primeline.health PART`: whether the part in this container does its work.

For health checks: exit status 0 or 1, one line, nothing heavy imported.
"""

import base64
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, LiteralString

import psycopg

from billing.kit.settings import Settings, read_settings

SECONDS: Final = 3
SILENT_SECONDS: Final = 60
SEEN = (
    "SELECT 1 FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)"
)

MONITORED: Final = (
    "SELECT 1 FROM asterisk_states"
    " WHERE asterisk_id = %s AND seen_at > now() - make_interval(secs => %s)"
)


def asterisk(settings: Settings) -> bool:
    """Whether ARI answers."""
    login = f"{settings.ari_user}:{settings.ari_password.get_secret_value()}"
    headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    return _answers(f"{settings.ari_url}/ari/asterisk/info?only=status", headers)


def ari_app(settings: Settings) -> bool:
    """Whether the process that says it takes calls is there."""
    with suppress(OSError, ValueError):
        os.kill(int((settings.data_dir / "ari_app.ready").read_text()), 0)
        return True
    return False


def monitor(settings: Settings) -> bool:
    """Whether the monitor of this Asterisk has shown itself in the database lately."""
    return _seen(settings, MONITORED, (settings.asterisk_id, SILENT_SECONDS))


def api(settings: Settings) -> bool:
    """Whether the API answers and reaches the database."""
    return _answers(f"http://127.0.0.1:{settings.api_port}/ready", {})


def worker(settings: Settings) -> bool:
    """Whether a worker has shown itself in the database lately."""
    return _seen(settings, SEEN, (SILENT_SECONDS,))


def agi(settings: Settings) -> bool:
    """Whether the self-service lines take a connection."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", settings.agi_port), SECONDS):
        return True
    return False


PARTS: Final[Mapping[str, Callable[[Settings], bool]]] = {
    "asterisk": asterisk,
    "ari_app": ari_app,
    "agi": agi,
    "monitor": monitor,
    "api": api,
    "worker": worker,
}


def _seen(settings: Settings, query: LiteralString, values: tuple[object, ...]) -> bool:
    url = settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    with suppress(psycopg.Error), psycopg.connect(url, connect_timeout=SECONDS) as connection:
        return connection.execute(query, values).fetchone() is not None
    return False


def _answers(url: str, headers: Mapping[str, str]) -> bool:
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310  (http, ours)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310  (the same)
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def main(arguments: list[str]) -> int:
    """Give the exit status."""
    part = arguments[0] if arguments else ""
    if part not in PARTS:
        sys.stderr.write(f"Parts: {', '.join(PARTS)}.\n")
        return 2
    well = PARTS[part](read_settings())
    sys.stdout.write(f"{part} is {'well' if well else 'not well'}\n")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
