"""Settings from the environment: clear errors, no secrets shown."""

from pathlib import Path

import pytest

from billing.kit.feature_codes import FeatureCodes, FeatureCodesInvalid, feature_codes_from
from billing.kit.limits import Limits
from billing.kit.settings import (
    LimitsInvalid,
    Settings,
    SettingsInvalid,
    limits_from,
    read_settings,
)
from primeline.asterisk_conf import Instance, Secrets
from primeline.asterisk_tree import Program
from primeline.ports import Ports


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
    ],
)
def test_any_postgresql_url_gets_our_driver(given: str, kept: str) -> None:
    assert Settings(database_url=given).database_url == kept


def test_another_database_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", "sqlite:///x")
    with pytest.raises(SettingsInvalid, match="PRIMELINE_DATABASE_URL: must be postgresql://"):
        read_settings()


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRIMELINE_DATABASE_URL", raising=False)
    with pytest.raises(SettingsInvalid, match="PRIMELINE_DATABASE_URL"):
        read_settings()


def test_limits_can_be_shortened_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", "postgresql://h/d")
    monkeypatch.setenv("PRIMELINE_LIMITS", '{"grant_seconds": 6}')
    assert read_settings().limits == Limits(grant_seconds=6)


def test_feature_codes_can_be_chosen_or_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", "postgresql://h/d")
    monkeypatch.setenv("PRIMELINE_FEATURE_CODES", '{"top_up": "*55", "ask_per_act": ""}')
    assert read_settings().feature_codes == FeatureCodes(top_up="*55", ask_per_act="")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ('{"topup": "*5"}', "no feature 'topup'"),
        ('{"top_up": "55"}', "one to three digits"),
        ('{"top_up": "*5555"}', "one to three digits"),
        ('{"top_up": 5}', "one to three digits"),
        ('{"top_up": "*9"}', r"clashes with"),
        # The caller would wait whether `*4` becomes `*44`, and never get there.
        ('{"top_up": "*44"}', r"running_cost \(\*4\) clashes with top_up \(\*44\)"),
        ('{"top_up": "*112"}', "112 is an emergency number"),
        ('{"top_up": "*911"}', "911 is an emergency number"),
        ('{"top_up": "#17"}', "17 is an emergency number"),
        ("[1]", "JSON object"),
        ("{", "not valid JSON"),
    ],
)
def test_wrong_feature_codes_are_told_in_words(given: str, why: str) -> None:
    with pytest.raises(FeatureCodesInvalid, match=why):
        feature_codes_from(given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ('{"grant_second": 6}', "no limit 'grant_second'"),
        ('{"grant_seconds": 1.5}', "whole number"),
        ('{"grant_seconds": true}', "whole number"),
        ('{"grant_seconds": -1}', "at least 0"),
        ("[1]", "JSON object"),
        ("{", "not valid JSON"),
    ],
)
def test_wrong_limits_are_told_in_words(given: str, why: str) -> None:
    with pytest.raises(LimitsInvalid, match=why):
        limits_from(given)


def test_the_password_never_shows() -> None:
    settings = Settings.model_validate(
        {"database_url": "postgresql://h/d", "ari_password": "hunter2"}
    )
    assert "hunter2" not in repr(settings)


def test_the_defaults_are_what_the_whole_system_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PRIMELINE_{name.upper()}", raising=False)
    settings = Settings(database_url="postgresql://h/d")
    program = Program(("asterisk",), Path("/modules"), Path("/data"), "22.10.1")
    ports = Ports.of_slot(0)
    instance = Instance(tmp_path / "asterisk", tmp_path, program, ports, Secrets.random())
    assert settings.api_port == ports.api
    assert settings.ari_url == instance.ari_url
    assert tmp_path / settings.cel_file.relative_to(settings.data_dir) == instance.cel_file


def test_a_secret_may_be_in_a_file_and_a_variable_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "primeline_database_url").write_text("postgresql://from/file\n")
    (tmp_path / "primeline_ari_password").write_text("from-file\n")
    monkeypatch.delenv("PRIMELINE_DATABASE_URL", raising=False)
    monkeypatch.setenv("PRIMELINE_SECRETS_DIR", str(tmp_path))
    settings = read_settings()
    assert settings.database_url == "postgresql+psycopg://from/file"
    assert settings.ari_password.get_secret_value() == "from-file"
    monkeypatch.setenv("PRIMELINE_ARI_PASSWORD", "from-variable")
    assert read_settings().ari_password.get_secret_value() == "from-variable"
    monkeypatch.setenv("PRIMELINE_SECRETS_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", "")
    with pytest.raises(SettingsInvalid):
        read_settings()
