"""Money moved by hand over HTTP: once for a key, listed, audited, refused in words."""

from tests.database.world import World
from tests.web.client import Client, code_of, ok

KEY = {"Idempotency-Key": "one"}
BODY = {
    "direction": "credit",
    "amount": {"amount": "5.00", "currency": "EUR"},
    "reason": "goodwill",
    "note": "For the noise.",
}


async def test_a_caller_is_credited_once_and_the_change_is_listed_and_audited(
    api: Client, world: World
) -> None:
    path = f"/callers/{world.account_id}/adjustments"
    made = ok(await api.post(path, json=BODY, headers=KEY), 201)
    assert ok(await api.post(path, json=BODY, headers=KEY), 201) == made
    assert made["left"]["amount"] == "5.00"
    one = made["adjustment"]
    assert ok(await api.get(f"/adjustments/{one['id']}")) == one
    assert ok(await api.get(f"/adjustments?of={world.account_id}"))["items"] == [one]
    assert ok(await api.get(f"/adjustments?of={world.expert_id}"))["items"] == []
    entries = ok(await api.get(f"/audit?subject=caller&subject_id={world.account_id}"))["items"]
    (entry,) = [each for each in entries if each["action"] == "adjusted"]
    assert entry["detail"]["adjustment"] == one["id"]
    debit = {**BODY, "direction": "debit", "amount": {"amount": "5.01", "currency": "EUR"}}
    refused = await api.post(path, json=debit, headers={"Idempotency-Key": "two"})
    assert code_of(refused, 409) == "credit-too-little"


async def test_only_what_was_paid_in_is_paid_back_and_no_more_is_taken_than_is_owed(
    api: Client, world: World
) -> None:
    await world.top_up("2.00")
    caller = f"/callers/{world.account_id}"
    ok(await api.post(f"{caller}/adjustments", json=BODY, headers=KEY), 201)
    body = {"reason": "account-closed", "note": "By bank transfer."}
    made = ok(await api.post(f"{caller}/pay-backs", json=body, headers=KEY), 201)
    assert made["adjustment"]["amount"]["amount"] == "-2.00"
    assert (made["left"]["amount"], made["adjustment"]["kind"]) == ("5.00", "paid-back")
    more = await api.post(f"{caller}/pay-backs", json=body, headers={"Idempotency-Key": "two"})
    assert code_of(more, 409) == "paid-in-too-little"
    expert = f"/experts/{world.expert_id}/adjustments"
    taken = await api.post(expert, json={**BODY, "direction": "debit"}, headers=KEY)
    assert code_of(taken, 409) == "payable-too-little"
    huge = {**BODY, "amount": {"amount": "9999999999.99", "currency": "EUR"}}
    assert code_of(await api.post(expert, json=huge, headers=KEY), 422) == "adjustment-invalid"
    unknown = await api.get("/adjustments/019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2")
    assert code_of(unknown, 404) == "adjustment-unknown"
