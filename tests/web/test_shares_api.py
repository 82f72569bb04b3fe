"""Shares of experts and numbers, price bounds and phones by the API."""

from typing import Any

import pytest

from billing.shares.service import share_for
from billing.shares.values import ShareRule
from tests.database.world import CALLER, World
from tests.web.client import Client, code_of, ok

ANY = {"If-Match": "*"}
HALF = {"expert_basis_points": 5_000, "basis": "net"}


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


async def test_a_numbers_share_wins_and_can_be_taken_away(api: Client, world: World) -> None:
    path = f"/numbers/{world.number_id}/share"
    assert ok(await api.get(path)) == {"share": None}
    answer = await api.put(path, json=HALF, headers={"If-Match": '"1"'})
    assert ok(answer) == {"share": HALF}
    assert answer.headers["etag"] == '"2"'
    assert code_of(await api.delete(path, headers={"If-Match": '"1"'}), 412) == "version-conflict"

    async def rule() -> ShareRule:
        async with world.sessions() as s:
            return await share_for(s, expert_id=world.expert_id, number_id=world.number_id)

    assert await rule() == ShareRule(5_000)
    of_ada, of_number = ok(await api.get("/shares"))["items"]
    assert (of_ada["expert"], of_ada["number"]) == ("Ada", None)
    assert (of_number["number"], of_number["share"]) == ("+33199001234", HALF)
    page = ok(await api.get("/shares?limit=1"))
    assert ok(await api.get(f"/shares?cursor={page['next_cursor']}"))["items"] == [of_number]
    for _ in range(2):
        assert (await api.delete(path, headers=ANY)).status_code == 204
    assert await rule() == ShareRule(7_000)
    changes = ok(await api.get(f"/audit?subject_id={world.number_id}"))["items"]
    assert [one["detail"]["changed"]["share"]["to"] for one in changes] == [None, [5_000, "net"]]


async def test_a_share_that_leaves_less_than_nothing_is_refused(api: Client, world: World) -> None:
    greedy = {"expert_basis_points": 9_000, "basis": "gross"}
    for path in (f"/experts/{world.expert_id}/share", f"/numbers/{world.number_id}/share"):
        answer = await api.put(path, json=greedy, headers=ANY)
        assert code_of(answer, 422) == "invalid-share-rule"


async def test_what_an_expert_may_ask_is_set_and_taken_away(api: Client, world: World) -> None:
    path = f"/experts/{world.expert_id}/price-bounds"
    nothing = {"least": None, "most": None}
    assert ok(await api.get(path)) == nothing
    bounds = {"least": money("0.80"), "most": money("2.50")}
    answer = await api.put(path, json=bounds, headers={"If-Match": '"1"'})
    assert ok(answer) == bounds
    assert answer.headers["etag"] == '"2"'
    assert ok(await api.get(path)) == bounds
    assert ok(await api.put(path, json={}, headers={"If-Match": '"2"'})) == nothing
    changes = ok(await api.get(f"/audit?subject_id={world.expert_id}"))["items"]
    assert [one["detail"]["changed"]["price_bounds"]["to"] for one in changes] == [
        None,
        ["0.8000 EUR", "2.5000 EUR"],
    ]


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        ({"least": money("2.00"), "most": money("1.00")}, "invalid-bounds"),
        ({"least": money("1.00", "GBP"), "most": money("2.00", "GBP")}, "invalid-bounds"),
        ({"least": money("1.00")}, "request-invalid"),
    ],
)
async def test_bounds_that_cant_be_are_refused(
    api: Client, world: World, bounds: dict[str, Any], code: str
) -> None:
    path = f"/experts/{world.expert_id}/price-bounds"
    assert code_of(await api.put(path, json=bounds, headers=ANY), 422) == code


async def test_bounds_need_a_tariff_whose_currency_they_are_in(api: Client) -> None:
    new = {"name": "Eve", "extension": "21", "phones": ["eve"]}
    eve = ok(await api.post("/experts", json=new), 201)
    bounds = {"least": money("0.80"), "most": money("2.50")}
    answer = await api.put(f"/experts/{eve['id']}/price-bounds", json=bounds, headers=ANY)
    assert code_of(answer, 422) == "invalid-bounds"


async def test_a_callers_phone_is_added_by_his_number(api: Client, world: World) -> None:
    made = ok(await api.post("/phones", json={"endpoint": "cleo", "number": CALLER}), 201)
    assert made == {"endpoint": "cleo", "number": CALLER, "has_password": False}
    assert ok(await api.get(f"/callers/{world.account_id}"))["phones"] == ["cleo"]
    for taken in ("cleo", "expert-11", "carrier"):
        answer = await api.post("/phones", json={"endpoint": taken})
        assert code_of(answer, 409) == "endpoint-taken"
    assert (await api.delete("/phones/cleo")).status_code == 204
    ok(await api.post("/phones", json={"endpoint": "cleo"}), 201)


async def test_a_number_that_an_expert_is_not_rung_at_cant_be_taken_away(
    api: Client, world: World
) -> None:
    path = f"/experts/{world.expert_id}/phones/+33639980017"
    assert code_of(await api.delete(path, headers=ANY), 404) == "phone-unknown"
