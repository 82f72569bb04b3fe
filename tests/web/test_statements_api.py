"""Carriers' statements by the API: files as they are uploaded."""

import pytest

from api.idempotency import REPLAYED
from api.routers import statements
from tests.database.test_premium_calls import make_premium
from tests.database.test_statements import call_at
from tests.database.world import World
from tests.web.client import Client, code_of, ok
from tests.web.stock import FIRST_FILE, LAYOUT

KEY = {"Idempotency-Key": "november"}


async def test_a_file_moves_money_once_however_often_it_is_sent(api: Client, world: World) -> None:
    await make_premium(world)
    call_id = await call_at(world, 0, 61)
    assert ok(await api.get(f"/calls/{call_id}"))["due"]["state"] == "expected"
    ok(await api.post("/statement-layouts", json=LAYOUT), 201)
    file = {"file": ("../november.csv", FIRST_FILE)}
    seen = ok(await api.post("/statements/preview?layout=sums", files=file))
    assert [one["outcome"] for one in seen["different"]] == ["corrected"]
    first = await api.post("/statements?layout=sums", files=file, headers=KEY)
    made = ok(first, 201)
    assert made["applied"] == made["amount"] == {"amount": "1.00", "currency": "EUR"}
    assert made["file_name"] == "november.csv"
    again = await api.post("/statements?layout=sums", files=file, headers=KEY)
    assert (again.json(), again.headers[REPLAYED]) == (made, "true")
    other = {"Idempotency-Key": "other"}
    refused = await api.post("/statements?layout=sums", files=file, headers=other)
    assert code_of(refused, 409) == "statement-taken"
    lines = ok(await api.get(f"/statements/{made['id']}/lines?outcome=different"))["items"]
    assert [(one["outcome"], one["call_id"]) for one in lines] == [("corrected", str(call_id))]
    due = ok(await api.get(f"/calls/{call_id}"))["due"]
    assert (due["state"], due["outpayment"]["amount"]) == ("due", "1.00")
    assert ok(await api.get("/books/check"))["ok"]


async def test_a_statement_too_long_for_a_request_is_sent_to_the_command(
    api: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_premium(world)
    for second in (0, 1_000):
        await call_at(world, second, 61)
    ok(await api.post("/statement-layouts", json=LAYOUT), 201)
    file = {"file": ("november.csv", FIRST_FILE)}
    monkeypatch.setattr(statements, "MOST", 1)
    for path, headers in (("/statements/preview", {}), ("/statements", KEY)):
        refused = await api.post(f"{path}?layout=sums", files=file, headers=headers)
        assert code_of(refused, 422) == "statement-too-long"
        assert "primeline statement import" in refused.json()["detail"]
    monkeypatch.setattr(statements, "MOST", 2)
    ok(await api.post("/statements?layout=sums", files=file, headers=KEY), 201)


async def test_what_is_wrong_in_a_file_is_told_line_by_line(api: Client, world: World) -> None:
    assert world.number_id
    ok(await api.post("/statement-layouts", json=LAYOUT), 201)
    broken = FIRST_FILE.replace(b"1.00", b"much") + b"x;y\n"
    answer = await api.post(
        "/statements?layout=sums", files={"file": ("a.csv", broken)}, headers=KEY
    )
    assert code_of(answer, 422) == "statement-unreadable"
    assert [one["at"] for one in answer.json()["errors"]] == ["file.2", "file.3"]
    unknown = await api.post("/statements?layout=none", files={"file": broken}, headers=KEY)
    assert code_of(unknown, 422) == "reference-unknown"


async def test_a_file_may_be_larger_than_other_bodies_but_not_without_end(
    api: Client, world: World
) -> None:
    assert world.number_id
    ok(await api.post("/statement-layouts", json=LAYOUT), 201)
    for size, code, status in (
        (100_000, "statement-unreadable", 422),
        (5 * 1024 * 1024, "body-too-large", 413),
    ):
        answer = await api.post("/statements?layout=sums", files={"file": b"x" * size}, headers=KEY)
        assert code_of(answer, status) == code
