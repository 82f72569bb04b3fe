"""Experts by the API: added, changed by two at once, removed."""

import asyncio
from typing import Any

import pytest

from billing.catalogue import service as catalogue
from tests.database.world import World
from tests.web.client import Client, code_of, ok

EVE = {"name": "Eve", "extension": "21", "phones": ["eve", "eve-2"], "category": "law"}


async def ada(api: Client) -> dict[str, Any]:
    (found,) = ok(await api.get("/experts?extension=11"))["items"]
    return dict(found)


@pytest.mark.usefixtures("world")
async def test_an_expert_is_added_shown_and_listed(api: Client) -> None:
    tariff_id = (await ada(api))["tariff_id"]
    answer = await api.post("/experts", json=EVE | {"tariff_id": tariff_id})
    made = ok(answer, 201)
    assert answer.headers["etag"] == '"1"'
    assert made["tariff"] == "standard"
    assert made["phones"] == ["eve", "eve-2"]
    assert ok(await api.get(f"/experts/{made['id']}")) == made
    assert made in ok(await api.get("/experts"))["items"]


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"extension": "11"}, 409, "extension-taken"),
        ({"phones": ["expert-11"]}, 409, "endpoint-taken"),
        ({"phones": ["carrier"]}, 409, "endpoint-taken"),
        ({"phones": ["a;b"]}, 422, "request-invalid"),
        ({"phones": []}, 422, "request-invalid"),
        ({"extension": "123456789"}, 422, "request-invalid"),
        ({"language": "de"}, 422, "request-invalid"),
        ({"tariff_id": "00000000-0000-0000-0000-000000000000"}, 422, "reference-unknown"),
    ],
)
async def test_an_expert_that_cant_be_is_refused(
    api: Client, change: dict[str, Any], status: int, code: str
) -> None:
    assert code_of(await api.post("/experts", json=EVE | change), status) == code
    assert len(ok(await api.get("/experts"))["items"]) == 2


@pytest.mark.usefixtures("world")
async def test_an_edit_changes_what_is_given_and_is_on_record(api: Client) -> None:
    before = await ada(api)
    path = f"/experts/{before['id']}"
    answer = await api.patch(path, json={"name": "Ada L."}, headers={"If-Match": '"1"'})
    after = ok(answer)
    assert after == before | {"name": "Ada L.", "version": 2}
    assert answer.headers["etag"] == '"2"'
    (entry, *_) = ok(await api.get(f"/audit?subject_id={before['id']}"))["items"]
    assert (entry["actor"], entry["action"], entry["subject"]) == ("key:owner", "edited", "expert")
    assert entry["detail"] == {"version": 2, "changed": {"name": {"from": "Ada", "to": "Ada L."}}}
    same = ok(await api.patch(path, json={"name": "Ada L."}, headers={"If-Match": '"2"'}))
    assert same["version"] == 2


@pytest.mark.usefixtures("world")
async def test_who_comes_too_late_is_told_what_changed(api: Client) -> None:
    path = f"/experts/{(await ada(api))['id']}"
    ok(await api.patch(path, json={"name": "Ada L."}, headers={"If-Match": '"1"'}))
    late = await api.patch(path, json={"category": "law"}, headers={"If-Match": '"1"'})
    assert code_of(late, 412) == "version-conflict"
    assert late.json()["version"] == 2
    assert late.headers["etag"] == '"2"'
    (change,) = late.json()["changes"]
    assert change["by"] == "key:owner"
    assert change["changed"] == {"name": {"from": "Ada", "to": "Ada L."}}
    assert (await ada(api))["category"] is None


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("if_match", "status", "code"),
    [
        (None, 428, "if-match-missing"),
        ("", 428, "if-match-missing"),
        ("1", 400, "if-match-unreadable"),
        ('"2"', 412, "version-conflict"),
        ('W/"1"', 412, "version-conflict"),
        ('"x"', 412, "version-conflict"),
        ('"99999999999999999999"', 412, "version-conflict"),
    ],
)
async def test_an_edit_says_what_it_was_made_from(
    api: Client, if_match: str | None, status: int, code: str
) -> None:
    path = f"/experts/{(await ada(api))['id']}"
    headers = {} if if_match is None else {"If-Match": if_match}
    assert code_of(await api.patch(path, json={"name": "X"}, headers=headers), status) == code
    assert (await ada(api))["name"] == "Ada"


@pytest.mark.usefixtures("world")
async def test_of_many_edits_from_one_version_one_is_done(api: Client) -> None:
    path = f"/experts/{(await ada(api))['id']}"
    answers = await asyncio.gather(
        *(api.patch(path, json={"name": f"Ada {n}"}, headers={"If-Match": '"1"'}) for n in range(8))
    )
    assert sorted(one.status_code for one in answers) == [200] + [412] * 7
    assert (await ada(api))["version"] == 2


@pytest.mark.usefixtures("world")
async def test_two_who_take_one_extension_at_once_are_told_apart(api: Client) -> None:
    first, second = ok(await api.get("/experts"))["items"]
    answers = await asyncio.gather(
        *(
            api.patch(f"/experts/{one['id']}", json={"extension": "77"}, headers={"If-Match": "*"})
            for one in (first, second)
        )
    )
    assert sorted(one.status_code for one in answers) == [200, 409]


async def test_a_removed_expert_is_no_more_and_his_extension_is_free(
    api: Client, world: World
) -> None:
    made = ok(await api.post("/experts", json=EVE), 201)
    path = f"/experts/{made['id']}"
    assert (await api.delete(path, headers={"If-Match": '"1"'})).status_code == 204
    assert code_of(await api.get(path), 404) == "expert-unknown"
    assert code_of(await api.delete(path, headers={"If-Match": "*"}), 404) == "expert-unknown"
    again = EVE | {"phones": ["eve-3"]}
    assert ok(await api.post("/experts", json=again), 201)["extension"] == "21"
    async with world.sessions() as s:
        assert await catalogue.expert_by_extension(s, "21") != made["id"]


async def test_an_expert_in_use_stays(api: Client, world: World) -> None:
    path = f"/experts/{world.expert_id}"
    answer = await api.delete(path, headers={"If-Match": "*"})
    assert code_of(answer, 409) == "expert-in-use"
    await world.top_up("10.00")
    await world.granted_call(world.other_expert_id)
    answer = await api.delete(f"/experts/{world.other_expert_id}", headers={"If-Match": "*"})
    assert code_of(answer, 409) == "expert-in-call"


@pytest.mark.usefixtures("world")
async def test_pages_follow_each_other_while_others_write(api: Client) -> None:
    for number in range(30, 40):
        expert = EVE | {"extension": str(number), "phones": [f"p-{number}"]}
        ok(await api.post("/experts", json=expert), 201)
    seen: list[str] = []
    cursor = ""
    while True:
        page = ok(await api.get(f"/experts?limit=3{cursor}"))
        seen += [one["extension"] for one in page["items"]]
        if len(seen) == 6:
            late = EVE | {"extension": "20", "phones": ["p-20"]}
            ok(await api.post("/experts", json=late), 201)
            ok(
                await api.post(
                    "/experts", json=late | {"extension": "39a"[:2] + "5", "phones": ["p"]}
                ),
                201,
            )
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["11", "12", *map(str, range(30, 40)), "395"]


async def test_a_check_says_who_looked_into_an_expert_and_is_taken_back(
    api: Client, world: World
) -> None:
    path = f"/experts/{world.expert_id}"
    before = ok(await api.get(path))
    assert (before["checked_at"], before["checked_by"], before["check_note"]) == (None, None, None)
    headers = {"If-Match": f'"{before["version"]}"'}
    note = {"note": "Passport seen."}
    checked = ok(await api.put(f"{path}/check", json=note, headers=headers))
    assert checked["checked_at"] is not None
    assert checked["checked_by"].startswith("key:")
    assert checked["check_note"] == "Passport seen."
    late = await api.put(f"{path}/check", json=note, headers=headers)
    assert code_of(late, 412) == "version-conflict"
    back = ok(await api.delete(f"{path}/check", headers={"If-Match": "*"}))
    assert back["checked_at"] is None
    changes = ok(await api.get(f"/audit?subject=expert&subject_id={world.expert_id}"))["items"]
    assert [one["action"] for one in changes][:2] == ["unchecked", "checked"]
