"""The files for running Primeline in containers and under systemd."""

import json
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from billing.kit.metrics import PARTS as METRICS
from primeline.health import PARTS

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
NO_PART = {"postgres", "prepare"}
SECRET_WORDS = ("password", "token", "secret_key", "database_url")


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def schema() -> Any:
    vendored = resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    return json.loads(vendored.read_text())


PARTS_OF_COMPOSE = {k: v for k, v in compose()["services"].items() if k not in NO_PART}


def test_the_compose_file_is_as_the_specification_says() -> None:
    jsonschema_rs.validate(schema(), compose())


def test_a_compose_file_with_a_wrong_word_is_found() -> None:
    wrong = compose()
    wrong["services"]["api"]["helthcheck"] = {}
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema(), wrong)


@pytest.mark.parametrize("name", PARTS_OF_COMPOSE)
def test_each_part_has_as_little_as_it_needs(name: str) -> None:
    service = PARTS_OF_COMPOSE[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["restart"] == "unless-stopped"
    assert "privileged" not in service
    for port in service.get("ports", []):
        assert str(port).startswith("127.0.0.1:")


def test_figures_are_served_on_this_machines_loopback_alone() -> None:
    for name, service in PARTS_OF_COMPOSE.items():
        port = f"127.0.0.1:{9_500 + METRICS.index(name)}" if name in METRICS else ""
        published = [str(one) for one in service.get("ports", []) if ":95" in str(one)]
        if "PRIMELINE_METRICS_HOST" in service["environment"]:
            assert [one.rsplit(":", 1)[0] for one in published] == [port]
            assert "network_mode" not in service
        else:
            # On Asterisk's network, which is this machine's, they keep to loopback by themselves.
            assert published == []
            assert name == "asterisk" or service["network_mode"] == "service:asterisk"


def test_no_secret_stands_in_the_compose_file_or_an_environment() -> None:
    given = compose()
    assert all(
        str(one["file"]).startswith("./deploy/secrets/") for one in given["secrets"].values()
    )
    for service in given["services"].values():
        for name in service.get("environment", {}):
            if not name.endswith("_FILE"):
                assert not any(word in name.lower() for word in SECRET_WORDS)


def test_every_part_has_an_image_with_a_health_check_of_its_own() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    for name in PARTS_OF_COMPOSE:
        stage = re.split(rf"^FROM \S+ AS {name}$", dockerfile, flags=re.MULTILINE)[1]
        stage = stage.split("\nFROM ")[0]
        assert f'"primeline.health", "{name}"' in stage
        assert name in PARTS
        assert dockerfile.index("USER 10001") < dockerfile.index(f" AS {name}")


def test_images_take_everything_from_a_base_of_the_users_choice() -> None:
    froms = re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert set(froms) == {"${BASE}", "python"}


def test_the_secrets_are_made_once_and_hidden(tmp_path: Path) -> None:
    script = tmp_path / "make-secrets"
    shutil.copy(DEPLOY / "make-secrets", script)
    made = []
    for _ in range(2):
        subprocess.run(["/bin/sh", str(script)], check=True)  # noqa: S603  (ours)
        folder = tmp_path / "secrets"
        made.append({file.name: file.read_text() for file in folder.iterdir()})
    assert made[0] == made[1]
    assert (folder.stat().st_mode & 0o777) == 0o700
    wanted = {Path(one["file"]).name for one in compose()["secrets"].values()}
    assert set(made[0]) == wanted
    assert len(made[0]["primeline_secret_key"]) >= 32
    assert made[0]["postgres_password"] in made[0]["primeline_database_url"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_each_unit_is_bounded_and_started_again(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    for wanted in (
        "User=primeline",
        "Restart=always",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "EnvironmentFile=/etc/primeline/primeline.env",
    ):
        assert wanted in lines
    assert f"Wants={unit.name}" in " ".join(
        (DEPLOY / "systemd/primeline.target")
        .read_text()
        .replace(" primeline", " Wants=primeline")
        .splitlines()
    )


def test_there_is_a_unit_for_each_part() -> None:
    assert {unit.stem.removeprefix("primeline-") for unit in UNITS} == set(PARTS_OF_COMPOSE)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_reads_the_units_without_complaint(tmp_path: Path) -> None:
    for file in (DEPLOY / "systemd").iterdir():
        # The programs are where an installation has them, not here.
        text = file.read_text()
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
        text = re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE)
        (tmp_path / file.name).write_text(text)
    done = subprocess.run(  # noqa: S603  (paths of our own)
        [str(shutil.which("systemd-analyze")), "verify", "--man=no", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "primeline" in line]
    assert ours == []
