"""Windows of tariffs and prices without tax by the API."""

from typing import Any

import pytest

from tests.database.world import World
from tests.web.client import Client, code_of, ok
from tests.web.stock import make_stock


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def window(name: str = "night", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "days": ["mon", "holiday"],
        "begin": "20:00",
        "end": "24:00",
        "price_per_minute": money("0.60"),
    } | changes


def version(*windows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    table = {"time_zone": "Europe/Paris", "holidays_of": "FR", "windows": list(windows)}
    terms = {"price_per_minute": money("1.20"), "connect_fee": money("0.10")}
    return {
        "valid_from": "2027-01-01T00:00:00Z",
        "terms": terms | changes,
        "timetable": table,
    }


async def test_a_version_has_windows_and_a_moment_has_one_price(api: Client, world: World) -> None:
    path = f"/tariffs/{(await make_stock(api, world)).tariff_id}"
    made = ok(await api.post(f"{path}/versions", json=version(window())), 201)
    (night,) = made["timetable"]["windows"]
    assert (night["begin"], night["end"], night["days"]) == ("20:00", "24:00", ["mon", "holiday"])
    assert (night["price_per_minute"], night["connect_fee"]) == (money("0.60"), money("0.10"))
    assert ok(await api.get(f"{path}/versions"))["items"][-1] == made

    monday = ok(await api.get(f"{path}/price", params={"at": "2027-01-04T19:00:00Z"}))
    assert (monday["window"], monday["local_time"]) == ("night", "2027-01-04T20:00:00+01:00")
    assert monday["version"]["price_per_minute"] == money("0.60")
    tuesday = ok(await api.get(f"{path}/price", params={"at": "2027-01-05T19:00:00Z"}))
    assert (tuesday["window"], tuesday["version"]["price_per_minute"]) == (None, money("1.20"))
    past = await api.get(f"{path}/price", params={"at": "1980-01-01T00:00:00Z"})
    assert code_of(past, 422) == "tariff-not-begun"


async def test_prices_without_tax_are_answered_with_it(api: Client) -> None:
    body = version(window(), prices_include_tax=False, tax_basis_points=1_900)
    made = ok(await api.post("/tariffs", json=body | {"name": "net", "valid_from": None}), 201)
    current = made["current"]
    assert current["price_per_minute"] == money("1.43")
    (night,) = current["timetable"]["windows"]
    assert (night["price_per_minute"], night["connect_fee"]) == (money("0.71"), money("0.12"))


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({"windows": [window("a"), window("b")]}, "windows-overlap"),
        ({"windows": [window("a"), window("a", days=["tue"])]}, "invalid-window"),
        ({"holidays_of": None}, "invalid-window"),
        ({"holidays_of": "XX"}, "holidays-unknown"),
        ({"time_zone": "Europe/Nowhere"}, "time-zone-unknown"),
        ({"windows": [window(days=["monday"])]}, "request-invalid"),
        ({"windows": [window(begin="24:00")]}, "request-invalid"),
        (
            {"windows": [window(price_per_minute={"amount": "1", "currency": "GBP"})]},
            "invalid-tariff",
        ),
    ],
)
async def test_windows_that_cannot_be_are_refused(
    api: Client, table: dict[str, Any], code: str
) -> None:
    body = version(window()) | {"name": "wrong"}
    answer = await api.post("/tariffs", json=body | {"timetable": body["timetable"] | table})
    assert code_of(answer, 422) == code
