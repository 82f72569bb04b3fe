"""Twilio's OpenAPI files, taken from its npm package at one version and checked by its checksum."""

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

from billing.kit.errors import PrimelineError
from primeline.asterisk_conf import ROOT

PACKAGE: Final = "@twilio/cli-core"
VERSION: Final = "9.0.0"
INTEGRITY: Final = (
    "sha512-"
    "FPHm5gXAUwM2oATmQi3AGYPFz4Urg5G5/vDkpUu5"
    "WqNuwueQaS93HwXjdX1OM+miuq0LMimdfbXDTLEp4Nsjfg=="
)
FILES: Final = ("twilio_api_v2010.json", "twilio_trunking_v1.json")
FOLDER: Final = ROOT / ".twilio"
NPM_SECONDS: Final = 120


class OpenApiMissing(PrimelineError):
    """Twilio's OpenAPI files aren't there and couldn't be fetched."""

    code = "openapi-missing"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Twilio's OpenAPI files could not be fetched: {reason}")


def fetch(folder: Path = FOLDER) -> Path:
    """Fetch the files through npm unless they are there; give the folder of this version's.

    Raises OpenApiMissing, also for a package that isn't the one pinned here, byte for byte.
    """
    if there := find(folder):
        return there
    files = folder / VERSION
    files.mkdir(parents=True, exist_ok=True)
    package = _pack(files)
    try:
        check(package.read_bytes())
        with tarfile.open(package) as archive:
            for name in FILES:
                member = archive.extractfile(f"package/src/services/twilio-api/{name}")
                if member is None:
                    raise OpenApiMissing(f"{PACKAGE} {VERSION} has no {name}.")
                (files / name).write_bytes(member.read())
    finally:
        package.unlink()
    return files


def find(folder: Path = FOLDER) -> Path | None:
    """Give the folder of this version's files if all are there."""
    files = folder / VERSION
    return files if all((files / name).exists() for name in FILES) else None


def check(package: bytes) -> None:
    """Raise OpenApiMissing unless these are the bytes that were pinned."""
    digest = base64.b64encode(hashlib.sha512(package).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        raise OpenApiMissing(f"{PACKAGE} {VERSION} is not the package that was pinned.")


def _pack(folder: Path) -> Path:
    npm = shutil.which("npm", path=str(Path(sys.executable).parent)) or shutil.which("npm")
    if npm is None:
        raise OpenApiMissing("there is no npm; make test brings one.")
    asked = [npm, "pack", "--silent", "--pack-destination", str(folder), f"{PACKAGE}@{VERSION}"]
    try:
        done = subprocess.run(
            asked, capture_output=True, text=True, timeout=NPM_SECONDS, check=True, cwd=folder
        )
    except subprocess.TimeoutExpired:
        raise OpenApiMissing(f"npm took more than {NPM_SECONDS} s.") from None
    except subprocess.CalledProcessError as error:
        raise OpenApiMissing(error.stderr.strip() or "npm failed.") from error
    return folder / done.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    try:
        fetch()
    except OpenApiMissing as missing:
        sys.exit(missing.sentence)
