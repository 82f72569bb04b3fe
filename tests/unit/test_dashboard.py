"""Dashboard, alert rules and reference page name the figures there are, and no other."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from agi.metrics import METRICS as OF_LINES
from api.metrics import METRICS as OF_API
from api.worker_metrics import METRICS as OF_WORKER
from ari_app.metrics import METRICS as OF_CALLS
from ari_app.monitor.metrics import METRICS as OF_MONITOR
from billing.kit.metrics import PARTS

ROOT = Path(__file__).resolve().parents[2]
ALL = (OF_CALLS, OF_LINES, OF_MONITOR, OF_WORKER, OF_API)
SUFFIX = {"counter": "_total"}
FORBIDDEN_LABELS = {"caller", "number", "call", "call_id", "channel", "path", "account", "phone"}


def figures() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Each figure of ours: its name as Prometheus stores it, its kind, its labels."""
    for part in ALL:
        for collector in list(part.registry._collector_to_names):  # noqa: SLF001
            for family in getattr(collector, "describe", list)():
                if family.name.startswith("primeline_"):
                    labels = getattr(collector, "_labelnames", getattr(collector, "_labels", ()))
                    yield family.name + SUFFIX.get(family.type, ""), family.type, tuple(labels)


FIGURES = {name: (kind, labels) for name, kind, labels in figures()}


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "deploy/grafana/primeline.json").read_text())
    return loaded


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((ROOT / "deploy/prometheus-alerts.yml").read_text())["groups"]
    return list(group["rules"])


def named(text: str) -> set[str]:
    """The figures that an expression names."""
    found = re.findall(r"\bprimeline_[a-z_]+", text)
    return {re.sub("_(bucket|count|sum)$", "", name) for name in found}


def expressions() -> Iterator[str]:
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]


def test_there_is_a_registry_for_each_part() -> None:
    assert tuple(part.part for part in ALL) == PARTS


def test_every_figure_of_the_code_is_on_the_dashboard_and_no_other() -> None:
    assert named(" ".join(expressions())) == set(FIGURES)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_each_alert_names_figures_that_there_are_and_says_what_is_wrong(
    rule: dict[str, Any],
) -> None:
    assert named(rule["expr"]) <= set(FIGURES)
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"].endswith(".")
    for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
        assert (
            label == "instance"
            or label in rule["expr"]
            or any(label in FIGURES[name][1] for name in named(rule["expr"]))
        )


def test_every_figure_stands_on_the_reference_page_with_kind_and_labels_and_no_other() -> None:
    rows = {}
    for line in (ROOT / "docs/reference/metrics.md").read_text().splitlines():
        if line.startswith("| `primeline_"):
            cells = [cell.strip() for cell in line.split("|")]
            rows[cells[1].strip("`")] = (cells[2], tuple(re.findall("`([a-z_]+)`", cells[3])))
    assert rows == FIGURES


def test_no_label_can_hold_a_caller_or_a_call() -> None:
    assert not {label for _, labels in FIGURES.values() for label in labels} & FORBIDDEN_LABELS


def test_names_end_in_their_unit_and_what_only_rises_in_total() -> None:
    for name, (kind, _) in FIGURES.items():
        if kind == "histogram":
            assert name.endswith("_seconds")
        assert name.endswith("_total") == (kind == "counter")


def test_grafana_can_load_the_dashboard() -> None:
    made = dashboard()
    assert made["schemaVersion"] >= 36
    assert made["uid"]
    ids = Counter(panel["id"] for panel in made["panels"])
    assert set(ids.values()) == {1}
    (variable,) = made["templating"]["list"]
    assert (variable["name"], variable["type"]) == ("datasource", "datasource")
    for panel in made["panels"]:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == "${datasource}"


def test_no_two_panels_lie_on_each_other() -> None:
    cells: Counter[tuple[int, int]] = Counter()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            cells.update((x, y) for y in range(at["y"], at["y"] + at["h"]))
    assert set(cells.values()) == {1}


def test_the_example_for_prometheus_asks_every_part() -> None:
    made = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())
    (job,) = made["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [
        f"127.0.0.1:{9_500 + place}" for place, _ in enumerate(PARTS)
    ]
    assert made["rule_files"] == ["prometheus-alerts.yml"]
