import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from primeline import postgres
from primeline.processes import wait_until_gone

ROOT = Path(__file__).resolve().parents[2]


def test_data_stays_from_one_start_to_the_next_and_nothing_runs_between(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    first = postgres.start(directory)
    first.create_database("kept")
    first.stop()
    assert wait_until_gone([first.pid]) == []
    second = postgres.start(directory)
    try:
        with psycopg.connect(second.conninfo("kept")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        second.stop()


def test_a_path_too_long_for_a_socket_is_no_obstacle(tmp_path: Path) -> None:
    server = postgres.start(tmp_path / ("long" * 30), durable=False)
    try:
        psycopg.connect(server.conninfo()).close()
    finally:
        server.stop()


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letter.txt").write_text("mine")
    with pytest.raises(postgres.PostgresFailed, match=r"letter\.txt"):
        postgres.start(tmp_path / "data")
    assert (tmp_path / "data" / "letter.txt").read_text() == "mine"


def test_the_server_ends_with_whoever_started_it_even_if_that_was_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from primeline import postgres\n"
        "print(postgres.start(Path(sys.argv[1]), durable=False).pid, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen(  # noqa: S603  # our own Python
        [sys.executable, "-c", program, str(tmp_path / "data")], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert starter.stdout is not None
    with starter.stdout:
        server_pid = int(starter.stdout.readline())
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    assert wait_until_gone([server_pid]) == []
