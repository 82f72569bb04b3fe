"""Premium-rate numbers by the API: terms tried, added in versions, and what calls came to."""

from typing import Any
from uuid import UUID

import pytest

from billing.calls.receipts import queue_receipt
from billing.calls.records import summaries
from tests.database.test_premium_calls import held_call, make_premium, settle
from tests.database.world import NOW, World
from tests.web.client import Client, code_of, ok
from tests.web.routes import PREMIUM

TERMS: dict[str, Any] = PREMIUM["terms"]
NUMBER = "+33899001234"
LATER = "2099-01-01T00:00:00Z"


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


@pytest.fixture
async def path(api: Client, world: World) -> str:
    body = {"number": NUMBER, "kind": "direct", "expert_id": str(world.expert_id)}
    made = ok(await api.post("/numbers", json=body), 201)
    return f"/numbers/{made['id']}/premium-terms"


async def test_terms_are_versions_that_are_never_edited(api: Client, path: str) -> None:
    assert ok(await api.get(path))["items"] == []
    first = ok(await api.post(path, json=PREMIUM), 201)
    assert first["number"] == NUMBER
    assert first["terms"]["outpayment_per_minute"] == money("0.5432")
    cheaper = {"valid_from": LATER, "terms": TERMS | {"retail_per_minute": money("0.70")}}
    second = ok(await api.post(path, json=cheaper), 201)
    assert code_of(await api.post(path, json=cheaper), 409) == "premium-terms-taken"
    page = ok(await api.get(f"{path}?limit=1"))
    assert page["items"] == [second]
    assert ok(await api.get(f"{path}?cursor={page['next_cursor']}"))["items"] == [first]
    (entry, *_) = ok(await api.get("/audit?subject=premium-terms"))["items"]
    assert (entry["action"], entry["detail"]["number"]) == ("added", NUMBER)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"retail_per_minute": None}, "invalid-premium-terms"),
        ({"outpayment_per_minute": money("0.8001")}, "invalid-premium-terms"),
        ({"time_zone": "Mars/Base"}, "invalid-premium-terms"),
        ({"retail_per_minute": money("99.00")}, "rule-broken"),
        ({"retail_per_minute": money("0.8001")}, "request-invalid"),
        ({"country": "fr"}, "request-invalid"),
        ({"announced_by": "nobody"}, "request-invalid"),
        ({"retail": money("0.80")}, "request-invalid"),
    ],
)
async def test_terms_that_cant_be_are_refused(
    api: Client, path: str, change: dict[str, Any], code: str
) -> None:
    assert code_of(await api.post(path, json={"terms": TERMS | change}), 422) == code
    assert ok(await api.get(path))["items"] == []


async def test_a_number_keeps_the_currency_of_its_terms(api: Client, path: str) -> None:
    ok(await api.post(path, json=PREMIUM), 201)
    pounds = {
        "retail_per_minute": money("0.80", "GBP"),
        "outpayment_per_minute": money("0.50", "GBP"),
        "currency": "GBP",
    }
    for end in ("", "/preview"):
        answer = await api.post(f"{path}{end}", json={"terms": TERMS | pounds})
        assert code_of(answer, 422) == "premium-currency"


async def test_terms_are_tried_without_being_saved(api: Client, path: str) -> None:
    body = PREMIUM | {"seconds": [62, 9_999]}
    tried = ok(await api.post(f"{path}/preview", json=body))
    assert (tried["ok"], tried["broken"]) == (True, [])
    assert tried["calls"] == [
        {"metered_seconds": 62, "retail": money("0.82"), "outpayment": money("0.5613")}
    ]
    said = tried["announcements"]["en"]
    assert said.index("provided by") < said.index("eighty cents") < said.index("before the tone")
    dear = TERMS | {"retail_per_minute": money("99.00"), "retail_per_call": money("99.00")}
    broken = ok(await api.post(f"{path}/preview", json={"terms": dear}))
    assert broken["ok"] is False
    assert {one["rule"] for one in broken["broken"]} >= {"R4"}
    assert all(one["sentence"] for one in broken["broken"])
    assert ok(await api.get(path))["items"] == []
    nowhere = "/numbers/00000000-0000-0000-0000-000000000000/premium-terms"
    for answer in (await api.get(nowhere), await api.post(f"{nowhere}/preview", json=PREMIUM)):
        assert code_of(answer, 404) == "number-unknown"


async def test_a_premium_call_shows_what_the_carrier_bills_and_pays(
    api: Client, world: World
) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    waiting = ok(await api.get(f"/calls/{call_id}"))
    assert waiting["carrier"] is None
    assert waiting["plan"]["terms"]["retail_per_minute"] == money("0.80")
    await settle(world, call_id, talked=60)
    (line,) = ok(await api.get("/calls"))["items"]
    assert line["charge"] is None
    assert line["carrier"] == {
        "carrier": "carrier",
        "metered_seconds": 61,
        "retail": money("0.81"),
        "outpayment": money("0.5522"),
        "expert": money("0.3865"),
        "platform": money("0.1657"),
    }
    call = ok(await api.get(f"/calls/{call_id}"))
    assert call["carrier"] == line["carrier"]
    assert [(step["what"], step["amount"]) for step in call["arithmetic"]] == [
        ("metered", None),
        *((what, line["carrier"][what]) for what in ("retail", "outpayment", "expert", "platform")),
    ]
    assert call["arithmetic"][0]["seconds"] == 61
    assert call["arithmetic"][0]["sentence"].startswith("60.050 s from answer to release")
    async with world.sessions() as s:
        (told,) = await summaries(s, [call_id])
    assert told.settlement is not None
    assert told.settlement.premium is not None


async def test_a_call_that_was_never_answered_explains_that_nobody_pays(
    api: Client, world: World
) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    await settle(world, call_id, talked=None)
    call = ok(await api.get(f"/calls/{call_id}"))
    assert call["carrier"]["outpayment"] == money("0.00")
    assert [step["seconds"] for step in call["arithmetic"]] == [0]


async def test_revenue_by_category_has_what_carriers_are_expected_to_pay(
    api: Client, world: World
) -> None:
    ok(
        await api.patch(
            f"/experts/{world.expert_id}", json={"category": "law"}, headers={"If-Match": "*"}
        )
    )
    await make_premium(world)
    await settle(world, await held_call(world), talked=60)
    day = NOW.date().isoformat()
    report = ok(await api.get(f"/revenue?first={day}&last={day}&by=category"))
    (law,) = report["lines"]
    assert law["key"] == "law"
    assert (law["expected"]["outpayment"], law["expected"]["retail"]) == (
        money("0.5522"),
        money("0.81"),
    )
    assert report["totals"][0]["expected"] == law["expected"]


async def test_a_receipt_stands_with_its_call_and_in_the_list(api: Client, world: World) -> None:
    await world.top_up("10.00")
    call_id: UUID = await world.paid_call(60)
    async with world.sessions.begin() as s:
        assert await queue_receipt(s, call_id, wanted_by_default=True, at=NOW)
    (receipt,) = ok(await api.get(f"/calls/{call_id}"))["receipts"]
    assert (receipt["about"], receipt["state"]) == (f"receipt:{call_id}", "queued")
    assert ok(await api.get("/notifications?state=queued"))["items"] == [receipt]
    assert ok(await api.get("/notifications?state=failed"))["items"] == []
