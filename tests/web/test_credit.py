"""Vouchers redeemed by the API: once, each refusal in words, no code kept."""

from typing import Any

from fastapi import FastAPI
from sqlalchemy import text

from tests.database.world import World
from tests.web.client import Client, code_of, key_for, ok, open_client

TEN = {"amount": "10.00", "currency": "EUR"}
MISKEYED = "1234567890123456"


async def a_code(api: Client, amount: dict[str, str] = TEN, key: str = "made") -> str:
    body = {"count": 1, "amount": amount}
    made = await api.post("/voucher-batches", json=body, headers={"Idempotency-Key": key})
    (code,) = ok(made, 201)["codes"]
    return str(code)


async def redeem(api: Client, caller_id: object, code: str, key: str = "one") -> Any:
    return await api.post(
        f"/callers/{caller_id}/vouchers", json={"code": code}, headers={"Idempotency-Key": key}
    )


async def test_a_voucher_is_redeemed_once(api: Client, app: FastAPI, world: World) -> None:
    code = await a_code(api)
    spaced = " ".join(code[at : at + 4] for at in range(0, 16, 4))
    first = ok(await redeem(api, world.account_id, spaced), 201)
    assert (first["amount"], first["available"]) == (TEN, TEN)
    again = await redeem(api, world.account_id, code)
    assert ok(again, 201) == first
    assert again.headers["idempotent-replayed"] == "true"
    assert code_of(await redeem(api, world.account_id, code, "two"), 409) == "voucher-used"
    (line,) = ok(await api.get(f"/callers/{world.account_id}/ledger"))["items"]
    assert (line["reason"], line["balance"]) == ("voucher", TEN)
    (change,) = ok(await api.get(f"/audit?subject_id={world.account_id}"))["items"]
    assert line["made_by"] == change["actor"]
    async with app.state.sessions() as s:
        kept = str((await s.execute(text("SELECT detail FROM audit_entries"))).all())
        kept += str((await s.execute(text("SELECT * FROM idempotency_keys"))).all())
    assert code not in kept
    async with open_client(app, await key_for(app, "till")) as till:
        answer = await redeem(till, world.account_id, code)
    assert code_of(answer, 409) == "voucher-used"


async def test_a_refusal_is_said_counted_and_kept(api: Client, world: World) -> None:
    dollars = await a_code(api, {"amount": "10.00", "currency": "USD"})
    refused = await redeem(api, world.account_id, dollars, "usd")
    assert code_of(refused, 422) == "voucher-currency"
    refused = await redeem(api, world.account_id, MISKEYED, "wrong")
    assert code_of(refused, 422) == "voucher-miskeyed"
    for number in range(5):
        unknown = await redeem(api, world.account_id, "1234567890123452", f"guess-{number}")
        assert code_of(unknown, 422) == "voucher-unknown"
    good = await a_code(api, key="good")
    assert code_of(await redeem(api, world.account_id, good, "late"), 429) == "voucher-tries"
    assert code_of(await redeem(api, world.account_id, good, "late"), 429) == "voucher-tries"
    other = ok(await api.post("/callers", json={"name": "Dora", "numbers": []}), 201)["caller"]
    assert ok(await redeem(api, other["id"], good, "hers"), 201)["available"] == TEN


async def test_a_voucher_is_for_a_caller_there_is(api: Client, world: World) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    assert code_of(await redeem(api, nobody, MISKEYED), 404) == "caller-unknown"
    assert code_of(await redeem(api, world.account_id, "abc"), 422) == "request-invalid"


async def test_receipts_are_wanted_or_not_or_as_the_setting_says(api: Client, world: World) -> None:
    path = f"/callers/{world.account_id}"
    assert ok(await api.get(path))["receipts"] is None
    for wanted in (True, False, None):
        edit = await api.patch(path, json={"receipts": wanted}, headers={"If-Match": "*"})
        assert ok(edit)["receipts"] is wanted
