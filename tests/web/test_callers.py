"""Callers by the API: their credit moves once, their PIN is shown once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from billing.accounts.pins import check_pin
from billing.kit.clock import now
from tests.database.world import CALLER, World
from tests.web.client import Client, code_of, key_for, ok, open_client

FIVE = {"amount": {"amount": "5.00", "currency": "EUR"}}
DORA = {"name": "Dora", "numbers": ["+33639980042"], "day_limit": FIVE["amount"]}


async def top_up(api: Client, caller_id: object, key: str, body: Any = FIVE) -> Any:
    return await api.post(
        f"/callers/{caller_id}/top-ups", json=body, headers={"Idempotency-Key": key}
    )


async def test_a_caller_is_made_with_a_pin_shown_once(api: Client, app: FastAPI) -> None:
    made = ok(await api.post("/callers", json=DORA), 201)
    caller = made["caller"]
    assert caller["day_limit"] == {"amount": "5.00", "currency": "EUR"}
    assert caller["available"] == {"amount": "0.00", "currency": "EUR"}
    assert ok(await api.get(f"/callers/{caller['id']}")) == caller
    assert ok(await api.get("/callers?number=%2B33639980042"))["items"] == [caller]
    pin = ok(await api.post(f"/callers/{caller['id']}/pin"))["pin"]
    assert len(pin) == len(made["pin"]) == 6
    async with app.state.sessions() as s:
        kept = str((await s.execute(text("SELECT detail FROM audit_entries"))).all())
    assert pin not in kept
    assert made["pin"] not in kept


async def test_a_pin_that_guesses_locked_is_unlocked_and_stays(api: Client, app: FastAPI) -> None:
    made = ok(await api.post("/callers", json=DORA), 201)
    caller = f"/callers/{made['caller']['id']}"

    async def try_pin(pin: str) -> str:
        async with app.state.sessions.begin() as s:
            owner = UUID(made["caller"]["id"])
            return await check_pin(s, owner, pin, source="- -", at=now())

    assert [await try_pin("0000") for _ in range(5)][-1] == "locked"
    assert ok(await api.get(caller))["locked_until"] is not None
    assert (await api.post(f"{caller}/pin/unlock")).status_code == 204
    assert ok(await api.get(caller))["locked_until"] is None
    assert await try_pin(made["pin"]) == "right"
    entries = ok(await api.get("/audit?limit=2"))["items"]
    assert "pin-unlocked" in [entry["action"] for entry in entries]


async def test_the_same_top_up_sent_many_times_at_once_is_done_once(
    api: Client, world: World
) -> None:
    answers = await asyncio.gather(*(top_up(api, world.account_id, "order-1") for _ in range(8)))
    assert {one.status_code for one in answers} == {201}
    assert len({one.text for one in answers}) == 1
    assert sorted("idempotent-replayed" in one.headers for one in answers) == [False] + [True] * 7
    caller = ok(await api.get(f"/callers/{world.account_id}"))
    assert caller["available"] == {"amount": "5.00", "currency": "EUR"}
    changes = ok(await api.get(f"/audit?subject_id={world.account_id}"))["items"]
    assert [one["action"] for one in changes] == ["topped-up"]
    (line,) = ok(await api.get(f"/callers/{world.account_id}/ledger"))["items"]
    assert line["balance"] == {"amount": "5.00", "currency": "EUR"}
    assert line["made_by"] == changes[0]["actor"]


async def test_many_top_ups_at_once_are_all_done(api: Client, world: World) -> None:
    answers = await asyncio.gather(*(top_up(api, world.account_id, f"k{n}") for n in range(8)))
    assert {one.status_code for one in answers} == {201}
    caller = ok(await api.get(f"/callers/{world.account_id}"))
    assert caller["available"]["amount"] == "40.00"


async def test_a_key_belongs_to_one_request(api: Client, world: World) -> None:
    ok(await top_up(api, world.account_id, "order-1"), 201)
    ten = {"amount": {"amount": "10.00", "currency": "EUR"}}
    answer = await top_up(api, world.account_id, "order-1", ten)
    assert code_of(answer, 422) == "idempotency-key-reused"
    other = ok(await api.post("/callers", json=DORA), 201)["caller"]
    answer = await top_up(api, other["id"], "order-1")
    assert code_of(answer, 422) == "idempotency-key-reused"


async def test_each_api_key_has_words_of_its_own(api: Client, app: FastAPI, world: World) -> None:
    first = ok(await top_up(api, world.account_id, "order-1"), 201)
    async with open_client(app, await key_for(app, "till")) as till:
        answer = await top_up(till, world.account_id, "order-1")
        second = ok(answer, 201)
        assert "idempotent-replayed" not in answer.headers
        assert first["id"] != second["id"]
        assert second["available"]["amount"] == "10.00"
        batch = {"count": 1, "amount": FIVE["amount"]}
        for client in (api, till):
            made = await client.post(
                "/voucher-batches", json=batch, headers={"Idempotency-Key": "b"}
            )
            assert len(ok(made, 201)["codes"]) == 1
        ten = {"amount": {"amount": "10.00", "currency": "EUR"}}
        refused = await top_up(till, world.account_id, "order-1", ten)
    assert "The key 'order-1' was" in refused.json()["detail"]


async def test_voiding_a_batch_again_changes_nothing_and_is_not_on_record(api: Client) -> None:
    key = {"Idempotency-Key": "b"}
    made = await api.post(
        "/voucher-batches", json={"count": 2, "amount": FIVE["amount"]}, headers=key
    )
    batch_id = ok(made, 201)["id"]
    for _ in range(3):
        answer = await api.post(f"/voucher-batches/{batch_id}/void", headers=key)
        assert ok(answer) == {"left": 2}
    changes = ok(await api.get(f"/audit?subject_id={batch_id}"))["items"]
    assert [one["action"] for one in changes] == ["voided", "added"]


async def test_a_refused_top_up_leaves_its_key_free(api: Client, world: World) -> None:
    dollars = {"amount": {"amount": "5.00", "currency": "USD"}}
    answer = await top_up(api, world.account_id, "order-1", dollars)
    assert code_of(answer, 422) == "currency-mismatch"
    nothing = {"amount": {"amount": "0.00", "currency": "EUR"}}
    assert code_of(await top_up(api, world.account_id, "order-1", nothing), 422) == "amount-invalid"
    ok(await top_up(api, world.account_id, "order-1"), 201)


@pytest.mark.parametrize("amount", ["-1", "1.234", "1e3", "", "9" * 11, "1,5", 5, 5.0, None])
async def test_an_amount_that_is_none_is_refused(api: Client, world: World, amount: Any) -> None:
    body = {"amount": {"amount": amount, "currency": "EUR"}}
    assert code_of(await top_up(api, world.account_id, "k", body), 422) == "request-invalid"


async def test_a_number_has_one_caller(api: Client, world: World) -> None:
    taken = await api.post("/callers", json=DORA | {"numbers": [CALLER]})
    assert code_of(taken, 409) == "number-taken"
    dora = ok(await api.post("/callers", json=DORA), 201)["caller"]
    path = f"/callers/{dora['id']}/numbers"
    edit = {"headers": {"If-Match": '"1"'}, "json": {"numbers": [CALLER]}}
    assert code_of(await api.put(path, **edit), 409) == "number-taken"  # type: ignore[arg-type]
    edit["json"] = {"numbers": ["+33639980043"]}
    after = ok(await api.put(path, **edit))  # type: ignore[arg-type]
    assert after["numbers"] == ["+33639980043"]
    assert after["version"] == 2
    assert world.account_id


async def test_limits_are_set_and_taken_away(api: Client, world: World) -> None:
    path = f"/callers/{world.account_id}"
    edit: dict[str, Any] = {"month_limit": FIVE["amount"], "time_zone": "Europe/London"}
    after = ok(await api.patch(path, json=edit, headers={"If-Match": '"1"'}))
    assert after["month_limit"] == FIVE["amount"]
    none = ok(await api.patch(path, json={"month_limit": None}, headers={"If-Match": '"2"'}))
    assert none["month_limit"] is None
    assert none["time_zone"] == "Europe/London"
    for wrong, code in (
        ({"time_zone": "Mars/Base"}, "time-zone-unknown"),
        ({"day_limit": {"amount": "1.00", "currency": "USD"}}, "currency-mismatch"),
        ({"currency": "USD"}, "request-invalid"),
    ):
        answer = await api.patch(path, json=wrong, headers={"If-Match": "*"})
        assert code_of(answer, 422) == code


async def test_a_caller_with_credit_stays(api: Client, world: World) -> None:
    await world.top_up("1.00")
    answer = await api.delete(f"/callers/{world.account_id}", headers={"If-Match": "*"})
    assert code_of(answer, 409) == "caller-in-use"
    dora = ok(await api.post("/callers", json=DORA), 201)["caller"]
    path = f"/callers/{dora['id']}"
    assert (await api.delete(path, headers={"If-Match": '"1"'})).status_code == 204
    assert code_of(await api.get(path), 404) == "caller-unknown"
    assert code_of(await top_up(api, dora["id"], "k"), 404) == "caller-unknown"
    ok(await api.post("/callers", json=DORA), 201)
