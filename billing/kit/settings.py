"""Settings from the environment (`PRIMELINE_…`), read once at an edge and handed down."""

import json
import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from billing.kit.errors import PrimelineError
from billing.kit.feature_codes import FeatureCodes, feature_codes_from
from billing.kit.limits import Limits
from billing.kit.zones import TimeZoneUnknown, check_zone


class SettingsInvalid(PrimelineError):
    """The environment lacks a setting or has one that can't be."""

    code = "settings-invalid"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Settings: " + " ".join(problems))


class LimitsInvalid(PrimelineError):
    """PRIMELINE_LIMITS isn't what it should be."""

    code = "limits-invalid"

    def __init__(self, why: str) -> None:
        super().__init__(f"PRIMELINE_LIMITS: {why}")


def limits_from(overrides: str | dict[str, Any]) -> Limits:
    """The limits with some replaced; `overrides` is a JSON object of names and whole numbers.

    Raises LimitsInvalid for what is no object, an unknown name, or no positive whole number.
    """
    if isinstance(overrides, str):
        try:
            overrides = json.loads(overrides or "{}")
        except json.JSONDecodeError as error:
            raise LimitsInvalid(f"not valid JSON ({error}).") from error
    if not isinstance(overrides, dict):
        raise LimitsInvalid('must be a JSON object such as {"grant_seconds": 60}.')
    known = {field.name for field in fields(Limits)}
    for name, value in overrides.items():
        if name not in known:
            raise LimitsInvalid(f"there is no limit {name!r}. Known: {', '.join(sorted(known))}.")
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise LimitsInvalid(f"{name} must be a whole number of at least 0, not {value!r}.")
    return replace(Limits(), **overrides)


class Settings(BaseSettings):
    """What differs from one installation to the next. Secrets never show in a repr or a log."""

    model_config = SettingsConfigDict(
        env_prefix="PRIMELINE_", env_ignore_empty=True, extra="ignore"
    )

    database_url: str = Field(description="postgresql+psycopg://… of the one database")
    asterisk_id: str = "asterisk"
    ari_url: str = "http://127.0.0.1:8088"
    ari_user: str = "primeline"
    ari_password: SecretStr = SecretStr("")
    ari_transport: Literal["http", "websocket"] = "http"
    ami_host: str = "127.0.0.1"
    ami_port: int = 5238
    monitor_user: str = "monitor"
    monitor_password: SecretStr = SecretStr("")
    secret_key: SecretStr = Field(default=SecretStr(""), description="seals what we must present")
    data_dir: Path = Path(".primeline")
    cel_file: Path = Path(".primeline/asterisk/log/cel-custom/primeline.csv")
    prompts_dir: Path = Path(".primeline/prompts")
    spool_dir: Path = Path(".primeline/spool")
    tree: Path | None = Field(default=None, description="a Debian tree that may hold voices")
    api_host: str = "127.0.0.1"
    api_port: int = 8188
    agi_port: int = 4573
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=9500, description="of the first part; 0: nothing is served")
    log_level: str = "INFO"
    time_zone: str = Field(default="UTC", description="whose days the operator's are")
    record_days: int = Field(
        default=400, ge=60, le=36_500, description="how long Asterisk's record of calls is kept"
    )
    unsettled_minutes: int = Field(
        default=10, ge=1, le=1_440, description="how long an end may wait on disk without an alarm"
    )
    limits: Annotated[Limits, NoDecode] = Limits()
    feature_codes: Annotated[FeatureCodes, NoDecode] = FeatureCodes()
    public_url: str | None = Field(default=None, description="https://… of the API, from outside")
    sip_address: str | None = Field(default=None, description="sip:… of our Asterisk, from outside")
    receipts_by_sms: bool = Field(default=False, description="for callers who have not chosen")
    twilio_account_sid: str | None = None
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_trunk_sid: str | None = None
    twilio_sms_from: str | None = None
    twilio_api_url: str | None = Field(default=None, description="of a stand-in for Twilio")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (none is read)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (ours looks when asked)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given in code, else from the environment, else from the secret files."""
        named = os.environ.get("PRIMELINE_SECRETS_DIR")
        secrets_dir = named if named and Path(named).is_dir() else None
        return (
            init_settings,
            env_settings,
            SecretsSettingsSource(settings_cls, secrets_dir=secrets_dir),
        )

    @field_validator("limits", mode="before")
    @classmethod
    def _read_limits(cls, value: Any) -> Limits:
        if isinstance(value, Limits):
            return value
        return limits_from(value)

    @field_validator("feature_codes", mode="before")
    @classmethod
    def _read_feature_codes(cls, value: Any) -> FeatureCodes:
        return value if isinstance(value, FeatureCodes) else feature_codes_from(value)

    @field_validator("time_zone")
    @classmethod
    def _know_the_zone(cls, value: str) -> str:
        try:
            return check_zone(value)
        except TimeZoneUnknown as unknown:
            raise ValueError(unknown.sentence) from unknown

    @field_validator("database_url")
    @classmethod
    def _name_the_driver(cls, value: str) -> str:
        # Servers and hosting services hand out URLs without a driver; there is one driver here.
        for scheme in ("postgresql://", "postgres://"):
            if value.startswith(scheme):
                return "postgresql+psycopg://" + value.removeprefix(scheme)
        if not value.startswith("postgresql+psycopg://"):
            raise ValueError("must be postgresql://user:password@host/name")
        return value


def read_settings(
    *, database_url: str | None = None, given: Mapping[str, str] | None = None
) -> Settings:
    """Settings of the environment; SettingsInvalid names each variable that is wrong or missing.

    `database_url` wins over the environment's, and so does each variable in `given`. The
    environment wins over the files in the folder that PRIMELINE_SECRETS_DIR names, one for each
    setting: `primeline_database_url`.
    """
    values: dict[str, Any] = {
        name.removeprefix("PRIMELINE_").lower(): value for name, value in (given or {}).items()
    }
    if database_url is not None:
        values["database_url"] = database_url
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = []
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"]).upper()
            problems.append(f"PRIMELINE_{name}: {problem['msg'].removeprefix('Value error, ')}.")
        raise SettingsInvalid(problems) from error


def secret_of_file(variable: str) -> str | None:
    """Give what the secret file of a variable holds, if PRIMELINE_SECRETS_DIR has one."""
    folder = os.environ.get("PRIMELINE_SECRETS_DIR")
    path = Path(folder) / variable.lower() if folder else None
    return path.read_text().strip() if path and path.is_file() else None
