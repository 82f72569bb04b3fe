"""The operator's spending limits by the API."""

from typing import Any

from billing.charging.values import Quote, Refusal, Refused
from tests.database.world import World
from tests.web.client import Client, code_of, ok

ANY = {"If-Match": "*"}
OPERATOR = "/spending-limits/EUR"


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


async def test_limits_are_shown_changed_and_taken_away_and_bound_the_next_call(
    api: Client, world: World
) -> None:
    await world.top_up("100.00")
    answer = await api.get(OPERATOR)
    none = ok(answer)
    assert (none["per_day"], none["day_counted"], none["version"]) == (None, money("0.00"), 0)
    assert answer.headers["etag"] == '"0"'
    given: dict[str, Any] = {"per_day": money("1.20"), "time_zone": "Europe/London"}
    answer = await api.patch(OPERATOR, json=given, headers={"If-Match": '"0"'})
    found = ok(answer)
    assert answer.headers["etag"] == '"1"'
    assert given.items() <= found.items()
    assert code_of(await api.patch(OPERATOR, json=given, headers={"If-Match": '"0"'}), 412) == (
        "version-conflict"
    )
    call_id = await world.granted_call()
    assert await world.quote(await world.receive()) == Refused(Refusal.SERVICE_LIMIT)
    await world.settle(call_id, 60)

    for _ in range(2):
        assert (await api.delete(OPERATOR, headers=ANY)).status_code == 204
    gone = ok(await api.get(OPERATOR))
    assert (gone["per_day"], gone["version"]) == (None, 2)
    assert ok(await api.get("/spending-limits"))["items"] == []
    assert isinstance(await world.quote(await world.receive()), Quote)
    changes = ok(await api.get("/audit?subject_id=operator%20EUR"))["items"]
    assert [one["detail"]["changed"]["per_day"]["to"] for one in changes] == [None, 12_000]


async def test_limits_are_listed_the_operators_first_page_by_page_and_not_of_removed_numbers(
    api: Client, world: World
) -> None:
    on_number = f"/numbers/{world.number_id}/spending-limits/EUR"
    paths = (on_number, OPERATOR, "/spending-limits/GBP")
    for path in paths:
        given = {"per_call": money("5.00", path[-3:])}
        ok(await api.patch(path, json=given, headers=ANY))
    listed, page = [], ok(await api.get("/spending-limits?limit=1"))
    while True:
        listed += [(one["number"], one["currency"]) for one in page["items"]]
        if page["next_cursor"] is None:
            break
        page = ok(await api.get(f"/spending-limits?limit=1&cursor={page['next_cursor']}"))
    assert listed == [(None, "EUR"), (None, "GBP"), ("+33199001234", "EUR")]
    assert ok(await api.get(on_number))["number_id"] == str(world.number_id)
    await api.delete(f"/numbers/{world.number_id}", headers=ANY)
    assert code_of(await api.get(on_number), 404) == "number-unknown"
    assert len(ok(await api.get("/spending-limits"))["items"]) == 2


async def test_limits_in_another_currency_or_an_unknown_zone_are_refused(
    api: Client, world: World
) -> None:
    for path in (OPERATOR, f"/numbers/{world.number_id}/spending-limits/EUR"):
        answer = await api.patch(path, json={"per_call": money("1.00", "GBP")}, headers=ANY)
        assert code_of(answer, 422) == "currency-mismatch"
        answer = await api.patch(path, json={"time_zone": "Europe/Nowhere"}, headers=ANY)
        assert code_of(answer, 422) == "time-zone-unknown"
    unknown = f"/numbers/{world.expert_id}/spending-limits/EUR"
    for answer in (
        await api.get(unknown),
        await api.patch(unknown, json={"per_call": None}, headers=ANY),
        await api.delete(unknown, headers=ANY),
    ):
        assert code_of(answer, 404) == "number-unknown"
    assert (await api.get("/spending-limits/XXX")).status_code == 422
