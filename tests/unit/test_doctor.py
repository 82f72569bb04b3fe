"""What `primeline doctor` finds on a machine, without a database or an Asterisk."""

import asyncio
import json
import os
import shutil
import time
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from billing.kit.settings import Settings
from primeline.cli import app
from primeline.doctor import asterisk, examination, machine
from primeline.doctor.findings import Finding, Level

GOOD = SecretStr("a" * 40)


def settings(folder: Path, **given: object) -> Settings:
    values: dict[str, object] = {
        "database_url": "postgresql://nobody@127.0.0.1:1/none",
        "data_dir": folder,
        "spool_dir": folder / "spool",
        "prompts_dir": folder / "prompts",
        "ari_url": "http://127.0.0.1:1",
        "ami_port": 1,
        "agi_port": 1,
        "api_port": 1,
        "secret_key": GOOD,
        "ari_password": GOOD,
        "monitor_password": GOOD,
    }
    return Settings.model_validate(values | given)


def levels(findings: list[Finding]) -> set[Level]:
    return {one.level for one in findings}


def test_a_python_that_is_too_old_is_wrong() -> None:
    (finding,) = machine.python((3, 9))
    assert finding.level is Level.WRONG
    assert "make setup" in finding.remedy
    assert levels(machine.python()) <= {Level.OK, Level.WARNING}


@pytest.mark.parametrize(
    ("pin", "level", "said"),
    [
        ("no-such-package==1.0", Level.WRONG, "Missing: no-such-package."),
        ("pydantic==0.1", Level.WARNING, "instead of 0.1"),
    ],
)
def test_packages_that_are_missing_or_others_are_told(
    pin: str, level: Level, said: str, tmp_path: Path
) -> None:
    pins = tmp_path / "run.txt"
    pins.write_text(f"{pin} \\\n    --hash=sha256:00\n")
    (finding,) = machine.packages(pins)
    assert finding.level is level
    assert said in finding.sentence


@pytest.mark.parametrize("name", ["secret_key", "ari_password", "monitor_password"])
@pytest.mark.parametrize(
    ("secret", "said"),
    [("", "is empty"), ("tiny-1", "too short"), ("CHANGE-ME-at-least-32-random-ch", "example's")],
)
def test_a_secret_that_is_missing_or_weak_is_wrong_and_never_shown(
    name: str, secret: str, said: str, tmp_path: Path
) -> None:
    (finding,) = machine.secrets(settings(tmp_path, **{name: SecretStr(secret)}))
    assert finding.level is Level.WRONG
    assert f"PRIMELINE_{name.upper()}" in finding.sentence
    assert said in finding.sentence
    assert not secret or secret not in finding.sentence + finding.remedy


def test_secrets_in_a_folder_that_is_not_there_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert levels(machine.secrets(settings(tmp_path))) == {Level.OK}
    monkeypatch.setenv("PRIMELINE_SECRETS_DIR", str(tmp_path / "none"))
    assert Level.WRONG in levels(machine.secrets(settings(tmp_path)))


def test_a_data_folder_that_is_missing_and_a_disk_that_fills_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert levels(machine.disk(settings(tmp_path / "none"))) == {Level.WRONG}
    for free, level in ((10**12, Level.OK), (10**8 * 5, Level.WARNING), (10**8, Level.WRONG)):
        monkeypatch.setattr(
            shutil, "disk_usage", lambda _path, free=free: type("Usage", (), {"free": free})
        )
        assert levels(machine.disk(settings(tmp_path))) == {level}


def test_prompts_that_are_not_rendered_are_wrong_in_each_language(tmp_path: Path) -> None:
    found = machine.prompts(settings(tmp_path))
    assert [one.level for one in found] == [Level.WRONG, Level.WRONG]
    assert "'en'" in found[0].sentence
    assert str(tmp_path / "prompts") in found[0].remedy


def test_ended_calls_that_wait_on_disk_are_wrong_once_they_are_old(tmp_path: Path) -> None:
    given = settings(tmp_path)
    assert levels(machine.spool(given)) == {Level.OK}
    given.spool_dir.mkdir()
    end = given.spool_dir / "one.json"
    end.write_text("{}")
    assert levels(machine.spool(given)) == {Level.OK}
    os.utime(end, (time.time() - 100, time.time() - 100))
    assert "1 ended calls" in machine.spool(given)[0].sentence
    end.rename(end.with_suffix(".unreadable"))
    assert levels(machine.spool(given)) == {Level.WRONG}


async def test_with_everything_down_each_thing_is_told_and_nothing_raises(tmp_path: Path) -> None:
    found = await examination.examine(settings(tmp_path))
    wrong = {one.check for one in found if one.level is Level.WRONG}
    assert {"database", "asterisk", "ami", "prompts", "agi", "api", "worker", "ari_app"} <= wrong
    skipped = {one.check for one in found if one.level is Level.SKIPPED}
    assert {"books", "endpoints", "claim", "alarms", "dialplan"} <= skipped
    assert all(one.remedy for one in found if one.level in {Level.WRONG, Level.WARNING})


async def test_a_check_that_takes_too_long_or_fails_is_itself_a_finding() -> None:
    async def slow() -> list[Finding]:
        await asyncio.sleep(10)
        return []

    async def broken() -> list[Finding]:
        raise KeyError("surprise")

    (late,) = await examination.bounded("slow", slow(), 0)
    assert "within 0 s" in late.sentence
    (failed,) = await examination.bounded("broken", broken())
    assert (failed.check, failed.level) == ("broken", Level.WRONG)


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ("22.10.1~dfsg-1", Level.OK),
        ("22.11.0", Level.OK),
        ("22.9.0", Level.WRONG),
        ("20.5.0", Level.WARNING),
    ],
)
def test_asterisks_version_is_looked_at(version: str, level: Level) -> None:
    assert asterisk._version(version).level is level  # noqa: SLF001


def test_a_module_that_does_not_run_is_wrong() -> None:
    listed = [{"name": "res_pjsip.so", "status": "Running"}]
    finding = asterisk._modules(listed)  # noqa: SLF001
    assert finding.level is Level.WRONG
    assert "app_stasis.so" in finding.sentence
    assert "res_pjsip.so," not in finding.sentence


def test_the_command_says_what_a_broken_setting_is_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", "mysql://x")
    monkeypatch.setenv("PRIMELINE_DATA_DIR", str(tmp_path))
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 1
    findings = {one["check"]: one for one in json.loads(done.stdout)}
    assert findings["settings"]["level"] == "wrong"
    assert "PRIMELINE_DATABASE_URL" in findings["settings"]["sentence"]
    assert findings["python"]["level"] == "ok"
