"""Revenue, balances and the check of the books by the API."""

import asyncio

import pytest
from sqlalchemy import text

from api.routers import reports
from tests.database.world import World
from tests.web.client import Client, code_of, ok

PERIOD = {"first": "2026-11-22", "last": "2026-11-22"}


@pytest.mark.parametrize("by", ["day", "number", "expert", "category", "total"])
async def test_revenue_is_reported(api: Client, world: World, by: str) -> None:
    await world.top_up("10.00")
    await world.paid_call(252)
    report = ok(await api.get("/revenue", params=PERIOD | {"by": by}))
    (line,) = report["lines"]
    assert line["gross"] == {"amount": "5.04", "currency": "EUR"}
    assert (
        line["key"]
        == {
            "day": "2026-11-22",
            "number": "+33199001234",
            "expert": "11",
            "category": None,
            "total": None,
        }[by]
    )
    (total,) = report["totals"]
    named = {name: line[name] for name in ("key", "expert_id", "expert_name")}
    assert total | named == line
    assert line["expert_name"] == ("Ada" if by == "expert" else None)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (PERIOD | {"last": "2026-11-21"}, "period-invalid"),
        (PERIOD | {"first": "2020-01-01"}, "period-invalid"),
        (PERIOD | {"time_zone": "Mars/Olympus"}, "time-zone-unknown"),
        (PERIOD | {"by": "star sign"}, "request-invalid"),
        ({"first": "2026-11-22"}, "request-invalid"),
        (PERIOD | {"first": "22/11/2026"}, "request-invalid"),
        ({"first": "0001-01-01", "last": "0001-01-01"}, "period-invalid"),
        ({"first": "9999-12-31", "last": "9999-12-31"}, "period-invalid"),
    ],
)
async def test_a_report_that_makes_no_sense_is_refused(
    api: Client, query: dict[str, str], code: str
) -> None:
    assert code_of(await api.get("/revenue", params=query), 422) == code


async def test_balances_show_whose_money_is_where(api: Client, world: World) -> None:
    await world.top_up("10.00")
    await world.paid_call(252)
    shown = ok(await api.get("/books/balances"))
    assert shown["wallets"] == [
        {
            "currency": "EUR",
            "wallets": 1,
            "posted": {"amount": "4.96", "currency": "EUR"},
            "held": {"amount": "0.00", "currency": "EUR"},
        }
    ]
    kinds = {one["kind"]: one["balance"]["amount"] for one in shown["accounts"]}
    assert kinds["expert-payable"] == "2.94"
    assert kinds["cash"] == "-10.00"


async def test_the_books_are_checked(api: Client, world: World) -> None:
    await world.top_up("10.00")
    assert ok(await api.get("/books/check"))["ok"] is True
    async with world.sessions.begin() as s:
        await s.execute(text("UPDATE wallets SET posted = posted + 1"))
    wrong = ok(await api.get("/books/check"))
    assert wrong["ok"] is False
    assert [one["check"] for one in wrong["findings"]] == ["wallet-posted"]


async def test_one_check_runs_at_a_time_and_none_for_ever(
    api: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = asyncio.Event()

    async def slow(*_: object, **__: object) -> list[object]:
        entered.set()
        await asyncio.sleep(30)
        return []

    monkeypatch.setattr("billing.calls.books.check", slow)
    monkeypatch.setattr(reports, "CHECK_SECONDS", 0.3)
    first = asyncio.create_task(api.get("/books/check"))
    await entered.wait()
    assert code_of(await api.get("/books/check"), 409) == "books-check-runs"
    assert code_of(await first, 503) == "books-check-too-long"
    assert world.number_id
