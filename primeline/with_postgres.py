"""Run commands on a throw-away PostgreSQL: `python -m primeline.with_postgres COMMAND…`.

A word `then` begins the next command. For checks of the migrations.
"""

import os
import subprocess
import sys
import tempfile
from itertools import groupby
from pathlib import Path

from primeline import postgres


def main() -> int:
    """Run each command until one fails; gives its exit status."""
    commands = [list(words) for then, words in groupby(sys.argv[1:], "then".__eq__) if not then]
    with tempfile.TemporaryDirectory(prefix="primeline-") as folder:
        server = postgres.start(Path(folder) / "postgres", durable=False)
        try:
            url = server.create_database("primeline")
            environment = os.environ | {"PRIMELINE_DATABASE_URL": url}
            for command in commands:
                done = subprocess.run(command, env=environment, check=False)
                if done.returncode != 0:
                    return done.returncode
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
