"""The key of an installation, which keeps its secrets at carriers; made with its data folder."""

import os
import secrets
from pathlib import Path
from typing import Final

from billing.kit.settings import secret_of_file

KEY_FILE: Final = "secret.key"
KEY_VARIABLE: Final = "PRIMELINE_SECRET_KEY"


def secret_key(directory: Path) -> str:
    """Give the key of the environment, else the one kept in `directory`, made if there is none."""
    named = os.environ.get(KEY_VARIABLE) or secret_of_file(KEY_VARIABLE)
    if named:
        return named
    path = directory / KEY_FILE
    if not path.exists():
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        part.rename(path)
    return path.read_text().strip()


def known_key(directory: Path) -> str:
    """Give the key of the environment, else the one kept in `directory`, else an empty one."""
    named = os.environ.get(KEY_VARIABLE) or secret_of_file(KEY_VARIABLE)
    path = directory / KEY_FILE
    return named or (path.read_text().strip() if path.exists() else "")
