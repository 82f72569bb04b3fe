"""Disputes over HTTP: opened once for a key, closed from what was read, shown with their call."""

from tests.database.world import World
from tests.web.client import Client, code_of, ok

NOTE = {"note": "Asterisk's record shows no talk."}


async def disputed(api: Client, world: World, key: str = "one") -> dict[str, str]:
    await world.top_up("10.00", key=key)
    call_id = await world.paid_call(252)
    body = {"call_id": str(call_id), "reason": "I never called."}
    made: dict[str, str] = ok(
        await api.post("/disputes", json=body, headers={"Idempotency-Key": key}), 201
    )
    again = await api.post("/disputes", json=body, headers={"Idempotency-Key": key})
    assert ok(again, 201) == made
    twice = await api.post("/disputes", json=body, headers={"Idempotency-Key": f"{key}-2"})
    assert code_of(twice, 409) == "call-disputed"
    return made


async def test_an_upheld_dispute_gives_the_caller_his_charge_back_and_is_shown_with_the_call(
    api: Client, world: World
) -> None:
    made = await disputed(api, world)
    assert made["state"] == "open"
    assert made["opened_by"].startswith("key:")
    path = f"/disputes/{made['id']}/close"
    upheld = {"outcome": "upheld", **NOTE}
    assert code_of(await api.post(path, json=upheld), 428) == "if-match-missing"
    closed = await api.post(path, json=upheld, headers={"If-Match": '"1"'})
    assert ok(closed)["returned"] == {"amount": "5.04", "currency": "EUR"}
    assert closed.headers["ETag"] == '"2"'
    late = await api.post(path, json=upheld, headers={"If-Match": '"1"'})
    assert code_of(late, 412) == "version-conflict"
    again = await api.post(path, json=upheld, headers={"If-Match": "*"})
    assert code_of(again, 409) == "dispute-over"
    call = ok(await api.get(f"/calls/{made['call_id']}"))
    assert call["dispute"]["state"] == "upheld"
    assert call["dispute"]["note"] == NOTE["note"]
    caller = ok(await api.get(f"/callers/{world.account_id}"))
    assert caller["available"]["amount"] == "10.00"
    changes = ok(await api.get("/audit?subject=dispute"))["items"]
    assert [one["action"] for one in changes] == ["closed", "opened"]


async def test_disputes_are_listed_by_state_and_by_call_and_none_is_overdue_without_a_day(
    api: Client, world: World
) -> None:
    first = await disputed(api, world, "one")
    second = await disputed(api, world, "two")
    rejected = {"outcome": "rejected", **NOTE}
    headers = {"If-Match": '"1"'}
    ok(await api.post(f"/disputes/{first['id']}/close", json=rejected, headers=headers))

    async def found(query: str) -> list[str]:
        return [one["id"] for one in ok(await api.get(f"/disputes?{query}"))["items"]]

    assert await found("limit=10") == [second["id"], first["id"]]
    assert await found("state=open") == [second["id"]]
    assert await found(f"call_id={first['call_id']}") == [first["id"]]
    assert await found("overdue=true") == []


async def test_a_call_that_goes_on_or_isnt_there_cant_be_disputed(
    api: Client, world: World
) -> None:
    await world.top_up("10.00")
    headers = {"Idempotency-Key": "one"}
    body = {"call_id": str(await world.granted_call()), "reason": "No."}
    going_on = await api.post("/disputes", json=body, headers=headers)
    assert code_of(going_on, 409) == "call-not-ended"
    unknown = body | {"call_id": str(world.account_id)}
    refused = await api.post("/disputes", json=unknown, headers={"Idempotency-Key": "two"})
    assert code_of(refused, 422) == "reference-unknown"
