"""Rules over HTTP: what is listed is what holds, and only what is unsure may be set."""

from typing import Any

import pytest

from billing.money.text import parse
from billing.rulesets import service
from billing.rulesets.loading import shipped
from tests.database.world import NOW, World
from tests.web.client import Client, code_of, ok

TELL = "/rule-figures/GB/notice-tell"


async def pages(api: Client, path: str, **wanted: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = ok(await api.get(path, params={"limit": 7, **wanted, **cursor}))
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_all_sets_and_figures_are_listed_page_by_page(api: Client) -> None:
    sets = await pages(api, "/rule-sets", limit=2)
    assert [one["name"] for one in sets] == sorted(one.name for one in shipped())
    (french,) = [one for one in sets if one["area"] == "FR"]
    assert {"name": "089", "prefix": "+3389", "kind": "surcharge"} in french["ranges"]
    figures = await pages(api, "/rule-figures")
    assert len(figures) == sum(len(one.figures) for one in shipped())
    assert all(one["source"] for one in figures)
    names = [(one["area"], one["name"]) for one in figures]
    assert names == sorted(names)
    unsure = await pages(api, "/rule-figures", area="GB", sure="false")
    assert {one["name"] for one in unsure} == {
        "message-most-seconds",
        "notice-confirm",
        "notice-end",
        "notice-tell",
    }


async def test_a_figure_is_set_and_reset_and_each_change_is_noted(
    api: Client, world: World
) -> None:
    before = await api.get(TELL)
    assert ok(before)["value"] == "15.00"
    tag = before.headers["ETag"]
    changed = await api.put(TELL, json={"value": "9.5"}, headers={"If-Match": tag})
    assert (ok(changed)["value"], ok(changed)["set_by_operator"]) == ("9.50", True)
    async with world.sessions() as s:
        asked = await service.rules_for_call(s, "GB", "surcharge", NOW)
    assert asked.notices[0].at == parse("9.50", "GBP")
    late = await api.put(TELL, json={"value": "1.00"}, headers={"If-Match": tag})
    assert code_of(late, 412) == "version-conflict"
    (change,) = late.json()["changes"]
    assert change["changed"] == {"value": {"from": "15.00", "to": "9.50"}}
    newest = {"If-Match": late.headers["ETag"]}
    # The same value again is no change, and leaves no trace.
    ok(await api.put(TELL, json={"value": "9.50"}, headers=newest))
    reset = await api.delete(TELL, headers=newest)
    assert (ok(reset)["value"], ok(reset)["set_by_operator"]) == ("15.00", False)
    noted = ok(await api.get("/audit", params={"subject": "rule-figure"}))["items"]
    assert [(one["action"], one["subject_id"]) for one in noted] == [
        ("reset", "GB notice-tell"),
        ("set", "GB notice-tell"),
    ]


@pytest.mark.parametrize(
    ("path", "value", "status", "code"),
    [
        ("FR/cap-089-per-minute", "9.00", 409, "figure-sure"),
        ("FR/notice-tell", "9.00", 404, "figure-unknown"),
        ("CH/notice-tell", "9.00", 404, "figure-unknown"),
        ("GB/notice-tell", "nine", 422, "figure-unusable"),
        ("FR/maximum-seconds", "1.5", 422, "figure-unusable"),
        ("gb/notice-tell", "9.00", 422, "request-invalid"),
    ],
)
async def test_what_is_sure_unknown_or_unreadable_is_not_set(
    api: Client, path: str, value: str, status: int, code: str
) -> None:
    sent = await api.put(f"/rule-figures/{path}", json={"value": value}, headers={"If-Match": "*"})
    assert code_of(sent, status) == code


async def test_two_who_set_a_figure_for_the_first_time_do_not_overwrite_each_other(
    api: Client,
) -> None:
    first = await api.put(TELL, json={"value": "9.00"}, headers={"If-Match": '"0"'})
    second = await api.put(TELL, json={"value": "8.00"}, headers={"If-Match": '"0"'})
    ok(first)
    assert code_of(second, 412) == "version-conflict"
    assert ok(await api.get(TELL))["value"] == "9.00"
