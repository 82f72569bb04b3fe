"""`make clean` and `make distclean` take what can be made again, and never anybody's money."""

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"

KEPT = ("secret.key", "postgres/PG_VERSION", "prompts/en/welcome.wav")
MADE_AGAIN = (".primeline/demo-1/postgres/PG_VERSION", ".primeline/demo-1.lock", "call.wav")


def make(directory: Path, target: str) -> str:
    shutil.copy(MAKEFILE, directory)
    for name in (*(f".primeline/{kept}" for kept in KEPT), *MADE_AGAIN, ".venv/bin/python"):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    command = [shutil.which("make") or "make", target]
    done = subprocess.run(  # noqa: S603
        command, cwd=directory, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("target", ["clean", "distclean"])
def test_the_operators_data_stay(tmp_path: Path, target: str) -> None:
    make(tmp_path, target)
    assert all((tmp_path / ".primeline" / kept).exists() for kept in KEPT)
    assert not any((tmp_path / made).exists() for made in MADE_AGAIN)
    assert (tmp_path / ".venv").exists() is (target == "clean")


def test_distclean_says_what_it_kept_and_how_to_delete_it(tmp_path: Path) -> None:
    assert "rm -rf .primeline" in make(tmp_path, "distclean")
