"""The database's tables, brought up to date."""

import alembic.command
from alembic.config import Config
from alembic.script import ScriptDirectory

from billing.kit.settings import Settings
from primeline.asterisk_conf import ROOT


def migrate(settings: Settings) -> None:
    """Bring the tables of the settings' database up to date."""
    config = _config()
    config.attributes["settings"] = settings
    alembic.command.upgrade(config, "head")


def is_known(migration: str) -> bool:
    """Whether tables at this migration can be brought up to date: not if it is newer than we."""
    scripts = ScriptDirectory.from_config(_config())
    return migration in {script.revision for script in scripts.walk_revisions()}


def _config() -> Config:
    return Config(toml_file=ROOT / "pyproject.toml")
