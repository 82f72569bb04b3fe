"""Calls by the API: found, in full, ended by order; numbers whole only to who may see them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from billing.calls import orders
from billing.calls import service as calls
from billing.calls.values import CelRow, EndReason, TimelineEntry
from billing.catalogue import premium
from billing.identity.values import Scope
from billing.kit.clock import now, to_ms
from tests.database.test_premium_terms import TERMS
from tests.database.world import CALLER, MENU, World
from tests.web.client import Client, code_of, key_for, ok, open_client

STRANGER = "+33639980099"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def three(world: World) -> list[str]:
    """A paid call of 252 s, one of a stranger, one that goes on; oldest first."""
    await world.top_up("10.00")
    ids = [await world.paid_call(252)]
    world.now += timedelta(hours=1)
    stranger = await world.receive(number=STRANGER)
    await world.settle(stranger, None, EndReason.CALLER_UNKNOWN)
    world.now += timedelta(hours=1)
    return [str(one) for one in (*ids, stranger, await world.receive())]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [2, 1, 0]),
        ("?state=open", [2]),
        ("?state=ended&limit=1", [1]),
        ("?since=2026-11-22T13:00:00Z&until=2026-11-22T15:00:00%2B01:00", [1]),
        ("?number=%2B33199001234", [2, 1, 0]),
        ("?expert=11", [0]),
        ("?caller=%2B33639980001", [2, 0]),
        ("?reason=caller-unknown", [1]),
        ("?min_charge=5.04", [0]),
        ("?min_charge=5.05", []),
        ("?min_charge=1&currency=GBP", []),
    ],
)
async def test_calls_are_found(api: Client, three: list[str], query: str, found: list[int]) -> None:
    page = ok(await api.get(f"/calls{query}"))
    assert [one["id"] for one in page["items"]] == [three[index] for index in found]


async def test_calls_come_in_pages(api: Client, three: list[str]) -> None:
    first = ok(await api.get("/calls?limit=2"))
    second = ok(await api.get(f"/calls?limit=2&cursor={first['next_cursor']}"))
    assert [one["id"] for one in (*first["items"], *second["items"])] == three[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/calls?reason=bored", 422, "request-invalid"),
        ("/calls?since=yesterday", 422, "request-invalid"),
        ("/calls?min_charge=1.234", 422, "request-invalid"),
        ("/calls?cursor=WzFd", 422, "cursor-invalid"),
        ("/calls/x", 422, "request-invalid"),
        (f"/calls/{NOBODY}", 404, "call-unknown"),
        (f"/orders/{NOBODY}", 404, "order-unknown"),
    ],
)
async def test_what_cant_be_asked_is_said(api: Client, path: str, status: int, code: str) -> None:
    assert code_of(await api.get(path), status) == code


async def test_a_call_explains_itself(api: Client, three: list[str], world: World) -> None:
    call_id = UUID(three[0])
    async with world.sessions.begin() as s:
        await calls.append_timeline(s, call_id, [TimelineEntry(to_ms(world.now), "received", {})])
        await calls.import_cel(
            s,
            [
                CelRow("CHAN_START", 1_000_000, f"{call_id}-caller", "x", {}),
                CelRow("CHAN_START", 2_500_000, f"{call_id}-nobody", "x", {}),
            ],
        )
    call = ok(await api.get(f"/calls/{call_id}"))
    assert call["charge"] == {"amount": "5.04", "currency": "EUR"}
    assert call["price"]["price_per_minute"] == {"amount": "1.20", "currency": "EUR"}
    assert call["shares"]["expert"] == {"amount": "2.94", "currency": "EUR"}
    assert [one["duration_ms"] for one in call["paid_intervals"]] == [252_000]
    assert [step["what"] for step in call["arithmetic"]] == [
        "used",
        "billed",
        "billable",
        "price",
        "charge",
        "tax",
        "expert",
        "platform",
    ]
    amounts = {step["what"]: step["amount"] for step in call["arithmetic"] if step["amount"]}
    assert amounts["charge"] == call["charge"]
    assert amounts["platform"] == call["shares"]["platform"]
    assert [one["reason"] for one in call["ledger"]][:3] == ["hold", "talk", "released"]
    assert [(one["event"], one["leg"]) for one in call["asterisk_record"]] == [
        ("CHAN_START", "caller")
    ]
    assert [one["what"] for one in call["timeline"]] == ["received"]


async def test_a_call_that_nobody_pays_has_no_arithmetic(api: Client, three: list[str]) -> None:
    call = ok(await api.get(f"/calls/{three[1]}"))
    assert (call["arithmetic"], call["price"], call["shares"]) == ([], None, None)
    assert call["reason"] == "caller-unknown"


@pytest.mark.usefixtures("three")
async def test_whole_numbers_are_for_those_who_manage_callers(app: FastAPI) -> None:
    shown: dict[str, set[str]] = {}
    for name, scopes in (("reader", [Scope.READ]), ("manager", [Scope.READ, Scope.MANAGE])):
        async with open_client(app, await key_for(app, name, scopes)) as client:
            items = ok(await client.get("/calls"))["items"]
            full = ok(await client.get(f"/calls/{items[0]['id']}"))
            (going_on,) = ok(await client.get("/live/calls"))["items"]
            shown[name] = {one["caller_number"] for one in (*items, full, going_on)}
    assert shown == {"reader": {"…01", "…99"}, "manager": {CALLER, STRANGER}}


# Orders.


async def order(api: Client, call_id: object, **body: Any) -> Any:
    return await api.post(f"/calls/{call_id}/orders", json={"kind": "end-call"} | body)


async def test_an_order_is_accepted_and_has_an_address(api: Client, three: list[str]) -> None:
    answer = await order(api, three[2])
    made = ok(answer, 202)
    assert (made["state"], made["asked_by"]) == ("asked", "key:owner")
    assert answer.headers["location"] == f"/v1/orders/{made['id']}"
    assert ok(await api.get(answer.headers["location"].removeprefix("/v1"))) == made
    again = ok(await order(api, three[2]), 202)
    assert again == made
    listed = ok(await api.get(f"/orders?call_id={three[2]}"))
    assert listed["items"] == [made]
    (entry, *_) = ok(await api.get(f"/audit?subject=call&subject_id={three[2]}"))["items"]
    assert (entry["actor"], entry["action"]) == ("key:owner", "ordered")


async def test_an_order_says_what_became_of_it(api: Client, three: list[str], world: World) -> None:
    made = ok(await order(api, three[2]), 202)
    async with world.sessions.begin() as s:
        await orders.attend(s, "asterisk", running=[UUID(three[2])], in_hand=[], at=now())
    assert ok(await api.get(f"/orders/{made['id']}"))["state"] == "taken"
    await world.settle(UUID(three[2]), None, EndReason.OPERATOR_ENDED)
    done = ok(await api.get(f"/orders/{made['id']}"))
    assert (done["state"], done["result"]) == ("done", "operator-ended")


async def test_a_call_that_is_over_takes_no_order(api: Client, three: list[str]) -> None:
    assert code_of(await order(api, three[0]), 409) == "call-ended"
    assert code_of(await order(api, NOBODY), 404) == "call-unknown"
    assert code_of(await order(api, three[2], kind="sing"), 422) == "request-invalid"
    assert code_of(await order(api, three[2], within_seconds=0), 422) == "request-invalid"


async def test_who_may_read_may_not_order(app: FastAPI, three: list[str]) -> None:
    async with open_client(app, await key_for(app, "reader", [Scope.READ])) as reader:
        assert code_of(await order(reader, three[2]), 403) == "scope-missing"
    async with open_client(app, await key_for(app, "caller", [Scope.CALLS])) as desk:
        assert ok(await order(desk, three[2]), 202)["state"] == "asked"


# What a call would cost.


@pytest.mark.usefixtures("world")
async def test_a_price_is_told_with_all_its_parts(api: Client) -> None:
    query = {"number": MENU, "extension": "11", "amount": "10.00"}
    told = ok(await api.get("/price", params=query))
    assert (told["expert"], told["tariff"], told["billed_by"]) == ("Ada", "standard", "us")
    assert told["price"]["tax_percent"] == "20.00"
    assert told["announced"] == "This call costs one euro twenty a minute."
    assert told["affordable_seconds"] == 500
    assert told["costs"][1] == {"seconds": 300, "charge": {"amount": "6.00", "currency": "EUR"}}
    in_french = ok(await api.get("/price", params=query | {"language": "fr"}))
    assert "un euro vingt" in in_french["announced"]
    direct = ok(await api.get("/price", params={"number": "01 99 00 12 35"}))
    assert (direct["expert"], direct["affordable_seconds"]) == ("Ada", None)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"number": "+33199009999", "extension": "11"}, 404, "number-unknown"),
        ({"number": MENU, "extension": "99"}, 404, "expert-unknown"),
        ({"number": MENU}, 404, "expert-unknown"),
        ({"number": "+33199001235", "extension": "12"}, 404, "expert-unknown"),
        ({"number": "x"}, 422, "number-invalid"),
        ({"extension": "11"}, 422, "request-invalid"),
        ({"number": MENU, "extension": "11", "amount": "1,5"}, 422, "request-invalid"),
    ],
)
async def test_a_price_that_there_is_not_is_said(
    api: Client, query: dict[str, str], status: int, code: str
) -> None:
    assert code_of(await api.get("/price", params=query), status) == code


async def test_without_a_tariff_there_is_no_price(api: Client, world: World) -> None:
    expert = {"name": "Eve", "extension": "21", "phones": ["eve"]}
    ok(await api.post("/experts", json=expert), 201)
    answer = await api.get("/price", params={"number": MENU, "extension": "21"})
    assert code_of(answer, 404) == "price-unknown"
    assert world.number_id


async def test_a_premium_rate_number_has_the_carriers_price_for_all(
    api: Client, world: World
) -> None:
    async with world.sessions.begin() as s:
        await premium.add_terms(s, MENU, TERMS, valid_from=world.now, at=world.now)
    told = ok(await api.get("/price", params={"number": MENU, "amount": "0.80"}))
    assert (told["billed_by"], told["expert"]) == ("carrier", None)
    assert told["price"]["price_per_minute"] == {"amount": "0.80", "currency": "EUR"}
    assert told["affordable_seconds"] == 60
    assert "eighty cents" in told["announced"]
