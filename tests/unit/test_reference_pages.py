"""The pages under docs/reference name every setting, every limit and every command there is."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from billing.kit.limits import Limits
from billing.kit.settings import Settings
from billing.rulesets.figures import write
from billing.rulesets.loading import shipped
from primeline.cli import app

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "list_commands"):
        yield " ".join(path), command
        return
    context = command.context_class(command)
    for name in command.list_commands(context):
        yield from _commands(command.get_command(context, name), (*path, name))


COMMANDS = dict(_commands(typer.main.get_command(app), ("primeline",)))


def _rows(page: str) -> dict[str, str]:
    """The second cell of each row of the page's tables, by the name in the first one."""
    cells = [
        line.split("|") for line in (REFERENCE / page).read_text().splitlines() if line[:3] == "| `"
    ]
    return {row[1].strip(" `"): row[2].strip(" `") for row in cells}


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_each_limit_stands_on_its_page_with_its_default(name: str) -> None:
    assert _rows("limits.md")[name] == f"{getattr(Limits(), name):,}".replace(",", " ")


def test_the_page_of_limits_names_no_other() -> None:
    assert set(_rows("limits.md")) == {field.name for field in fields(Limits)}


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_each_setting_stands_on_its_page_with_its_default(name: str) -> None:
    field, said = Settings.model_fields[name], _rows("settings.md")[f"PRIMELINE_{name.upper()}"]
    if isinstance(field.default, str | int | Path):
        assert said == str(field.default)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_stands_on_its_page_with_its_options(command: str) -> None:
    page = (REFERENCE / "cli.md").read_text()
    assert f"## {command}\n" in page
    section = page.split(f"## {command}\n", 1)[1].split("\n## ", 1)[0]
    for one in COMMANDS[command].params:
        if one.name != "help":
            shown = one.opts[0] if one.param_type_name == "option" else one.name.upper()
            assert f"| `{shown}` |" in section


def test_the_page_of_commands_names_no_other() -> None:
    page = (REFERENCE / "cli.md").read_text().splitlines()
    headings = {line.removeprefix("## ") for line in page if line.startswith("## ")}
    assert headings == set(COMMANDS)


def test_the_page_of_rules_has_each_rule_and_each_figure_with_its_value() -> None:
    page = (REFERENCE / "rules.md").read_text()
    for rule in range(1, 23):
        assert f"\n| R{rule} | " in page
    rows = [line for line in page.splitlines() if line.startswith("| ") and "`" in line]
    for one in shipped():
        for figure in one.figures.values():
            sure = "yes" if figure.sure else "no"
            row = (
                f"| {one.name} | {figure.rule} | `{figure.name}` | {write(figure.value)} | {sure} "
            )
            assert any(line.startswith(row) for line in rows)


def _links() -> Iterator[tuple[Path, str]]:
    for page in (*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))):
        for piece in page.read_text().split("](")[1:]:
            target = piece.split(")", 1)[0].split("#", 1)[0]
            if target and "://" not in target:
                yield page, target


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        f"{page}: {target}" for page, target in _links() if not (page.parent / target).exists()
    ]
    assert broken == []
