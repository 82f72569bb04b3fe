"""What the machine must have before anything is downloaded; run by any Python 3, alone."""

import glob
import os
import platform
import re
import shutil
import subprocess
import sys

SUPPORTED = ("3.13", "3.12", "3.11")
PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}
OLDEST_DEBIAN = 12
OLDEST_ASTERISK = (22, 10, 1)
FREE_BYTES = 2_000_000_000
TREE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ".asterisk")

PROBE = (
    "import sys, ssl, ctypes, ensurepip, venv;"
    "print('%d.%d' % sys.version_info[:2], sys.implementation.name, sys.executable)"
)


def main() -> int:
    """Print what was asked for: `check`, `missing`, `python` or `oldest`."""
    asked = sys.argv[1]
    if asked in {"check", "missing"}:
        return check(quiet=asked == "missing")
    pythons = usable_pythons()
    if asked == "python":
        print(pythons[0][1])
    else:
        # Nothing if the newest is the only one.
        for version, path in pythons[1:][-1:]:
            print(version, path)
    return 0


def check(quiet: bool) -> int:
    """Say what is missing in one line to copy; 0 if nothing is."""
    asterisk = has_tree() or has_asterisk()
    obstacle = unsupported(asterisk)
    if obstacle:
        print(obstacle, file=sys.stderr)
        return 1
    packages = []
    if not usable_pythons():
        packages.append(python_package())
    if not asterisk:
        if not shutil.which("mmdebstrap"):
            packages.append("mmdebstrap")
        if not glob.glob("/usr/share/keyrings/debian-archive-keyring*"):
            packages.append("debian-archive-keyring")
    if not shutil.which("setpriv"):
        packages.append("util-linux")
    if not packages:
        return 0
    line = "apt-get install -y " + " ".join(packages)
    if quiet:
        print(line)
        return 0
    print("Something is missing on this machine. Install it and start again:", file=sys.stderr)
    print("  sudo " + line, file=sys.stderr)
    return 1


def unsupported(asterisk: bool) -> "str | None":
    """Give the sentence that says why this machine can't be used, or None."""
    if platform.system() != "Linux" or platform.machine() not in PROCESSORS:
        return "Primeline runs on Linux on x86_64 or aarch64; this is %s on %s." % (
            platform.system(),
            platform.machine(),
        )
    system = os_release()
    name = system.get("PRETTY_NAME", "an unknown system")
    version = system.get("VERSION_ID", "")
    debian = system.get("ID") == "debian"
    if debian and version.isdigit() and int(version) < OLDEST_DEBIAN:
        return "Primeline needs Debian %d or newer; this is %s." % (OLDEST_DEBIAN, name)
    if not debian and not asterisk:
        return (
            "Primeline fetches Asterisk on Debian only, and this is %s: install Asterisk %s or"
            " newer first." % (name, ".".join(map(str, OLDEST_ASTERISK)))
        )
    asked = os.environ.get("PYTHON", "")
    if asked and not usable_pythons():
        return "PYTHON=%s is no Python %s with venv." % (asked, " or ".join(SUPPORTED))
    free = shutil.disk_usage(os.path.dirname(TREE)).free
    if free < FREE_BYTES and not asterisk:
        return "Primeline needs %d MB of free space here; there are %d." % (
            FREE_BYTES // 1_000_000,
            free // 1_000_000,
        )
    return None


def usable_pythons() -> "list[tuple[str, str]]":
    """List (version, path) of the supported Pythons that can make a venv, newest first."""
    found: "dict[str, str]" = {}
    for candidate in candidates():
        try:
            answer = subprocess.run(
                [candidate, "-c", PROBE],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=20,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        version, _, rest = answer.stdout.decode().partition(" ")
        implementation, _, path = rest.strip().partition(" ")
        if version in SUPPORTED and implementation == "cpython":
            found.setdefault(version, path)
    return [(version, found[version]) for version in SUPPORTED if version in found]


def candidates() -> "list[str]":
    """Give the programs that may be such a Python; a pyenv shim may be none."""
    if os.environ.get("PYTHON"):
        return [os.environ["PYTHON"]]
    names = ["python" + version for version in SUPPORTED] + ["python3"]
    paths = [path for path in map(shutil.which, names) if path]
    for version in SUPPORTED:
        paths.append("/usr/bin/python" + version)
        paths += sorted(
            glob.glob(os.path.expanduser("~/.pyenv/versions/%s.*/bin/python" % version))
        )
    return [path for path in paths if os.path.exists(path)]


def python_package() -> str:
    """Name the package of Debian that brings a usable Python."""
    for version in SUPPORTED:
        if os.path.exists("/usr/bin/python" + version):
            return "python%s-venv" % version
    if sys.version_info[:2] > (3, 13):
        return "python3.13-venv"
    return "python3-venv"


def has_tree() -> bool:
    """Whether Asterisk was fetched before."""
    return os.path.exists(os.path.join(TREE, "usr/sbin/asterisk"))


def has_asterisk() -> bool:
    """Whether an Asterisk that is new enough is installed."""
    if os.environ.get("PRIMELINE_ASTERISK") == "tree":
        return False
    path = shutil.which("asterisk") or "/usr/sbin/asterisk"
    try:
        answer = subprocess.run([path, "-V"], stdout=subprocess.PIPE, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    found = re.search(r"Asterisk (\d+)\.(\d+)\.(\d+)", answer.stdout.decode())
    return found is not None and tuple(map(int, found.groups())) >= OLDEST_ASTERISK


def os_release() -> "dict[str, str]":
    """Read what system this is."""
    try:
        with open("/etc/os-release") as file:
            lines = [line.strip().partition("=") for line in file if "=" in line]
    except OSError:
        return {}
    return {name: value.strip('"') for name, _, value in lines}


if __name__ == "__main__":
    sys.exit(main())
