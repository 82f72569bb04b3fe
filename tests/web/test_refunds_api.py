"""Refunds over HTTP: once for a key, shown, audited, refused in words."""

from tests.database.world import World
from tests.web.client import Client, code_of, ok

KEY = {"Idempotency-Key": "one"}


async def test_a_refund_is_made_once_listed_shown_and_audited(api: Client, world: World) -> None:
    await world.top_up("10.00")
    call_id = str(await world.paid_call(252))
    body = {
        "call_id": call_id,
        "amount": {"amount": "2.52", "currency": "EUR"},
        "reason": "expert-fault",
        "note": "He slept.",
    }
    made = ok(await api.post("/refunds", json=body, headers=KEY), 201)
    assert ok(await api.post("/refunds", json=body, headers=KEY), 201) == made
    assert made["still_refundable"]["amount"] == "2.52"
    assert made["credit_left"]["amount"] == "7.48"
    refund = made["refund"]
    assert (refund["expert"]["amount"], refund["borne_by"]) == ("1.47", "shared")
    assert ok(await api.get(f"/refunds/{refund['id']}")) == refund
    assert ok(await api.get(f"/refunds?call_id={call_id}"))["items"] == [refund]
    call = ok(await api.get(f"/calls/{call_id}"))
    assert (call["refunds"], call["charge_after_refunds"]["amount"]) == ([refund], "2.52")
    (entry,) = [
        one
        for one in ok(await api.get(f"/audit?subject=call&subject_id={call_id}"))["items"]
        if one["action"] == "refunded"
    ]
    assert entry["detail"]["refund"] == refund["id"]
    more = {**body, "amount": {"amount": "2.53", "currency": "EUR"}}
    refused = await api.post("/refunds", json=more, headers={"Idempotency-Key": "two"})
    assert code_of(refused, 409) == "refund-too-much"


async def test_what_cant_be_refunded_is_refused_in_words(api: Client, world: World) -> None:
    call_id = str(await world.receive())
    body = {"call_id": call_id, "reason": "goodwill", "note": "Sorry."}
    assert code_of(await api.post("/refunds", json=body, headers=KEY), 409) == "call-not-ended"
    both = {**body, "seconds": 1, "amount": {"amount": "1.00", "currency": "EUR"}}
    assert code_of(await api.post("/refunds", json=both, headers=KEY), 422) == "refund-invalid"
    unknown = await api.get("/refunds/019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2")
    assert code_of(unknown, 404) == "refund-unknown"
