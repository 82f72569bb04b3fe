import pytest

from primeline import preflight

DEBIAN_12 = {"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}
DEBIAN_TESTING = {"ID": "debian", "PRETTY_NAME": "Debian GNU/Linux forky/sid"}
DEBIAN_11 = {"ID": "debian", "VERSION_ID": "11", "PRETTY_NAME": "Debian GNU/Linux 11 (bullseye)"}
UBUNTU = {"ID": "ubuntu", "VERSION_ID": "24.04", "PRETTY_NAME": "Ubuntu 24.04 LTS"}


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Debian 12 that has all it takes, but no Asterisk."""
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("glob.glob", lambda _pattern: ["a keyring"])
    monkeypatch.setattr(preflight, "FREE_BYTES", 0)
    monkeypatch.setattr(preflight, "os_release", lambda: DEBIAN_12)
    monkeypatch.setattr(preflight, "has_tree", lambda: False)
    monkeypatch.setattr(preflight, "has_asterisk", lambda: False)
    monkeypatch.setattr(preflight, "usable_pythons", lambda: [("3.13", "/usr/bin/python3.13")])


@pytest.mark.parametrize(
    ("system", "asterisk", "sentence"),
    [
        (DEBIAN_12, False, None),
        (DEBIAN_TESTING, False, None),
        (DEBIAN_11, True, "Primeline needs Debian 12 or newer; this is Debian GNU/Linux 11"),
        (UBUNTU, False, "fetches Asterisk on Debian only, and this is Ubuntu 24.04 LTS"),
        (UBUNTU, True, None),
    ],
)
def test_an_unsupported_system_is_told_so_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    system: dict[str, str],
    asterisk: bool,
    sentence: str | None,
) -> None:
    monkeypatch.setattr(preflight, "os_release", lambda: system)
    said = preflight.unsupported(asterisk)
    assert said is None if sentence is None else sentence in str(said)


def test_an_unsupported_processor_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert "x86_64 or aarch64" in str(preflight.unsupported(True))


def test_nothing_is_asked_for_where_nothing_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert preflight.check(quiet=False) == 0
    assert capsys.readouterr() == ("", "")


def test_all_that_is_missing_is_one_line_to_copy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    monkeypatch.setattr("glob.glob", lambda _pattern: [])
    monkeypatch.setattr(preflight, "usable_pythons", list)
    monkeypatch.setattr("os.path.exists", lambda path: path == "/usr/bin/python3.11")
    assert preflight.check(quiet=True) == 0
    line = "apt-get install -y python3.11-venv mmdebstrap debian-archive-keyring util-linux"
    assert capsys.readouterr().out == line + "\n"
    assert preflight.check(quiet=False) == 1
    assert capsys.readouterr().err.splitlines()[1:] == ["  sudo " + line]


def test_an_installed_asterisk_makes_the_packagers_tools_needless(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight, "has_asterisk", lambda: True)
    monkeypatch.setattr("shutil.which", lambda name: None if name == "mmdebstrap" else name)
    assert preflight.check(quiet=True) == 0
    assert capsys.readouterr().out == ""
