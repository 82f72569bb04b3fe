"""An operator watches a real call by the API: its price rises; then he ends it by order."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from api.app import create_app
from billing.kit.settings import Settings
from tests.calls.stage import Stage
from tests.web.client import Client, key_for, ok

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def served(stage: Stage) -> AsyncIterator[Client]:
    """The API over a real socket, on the database of the running system."""
    app = create_app(Settings(database_url=stage.system.database_url))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"Authorization": f"Bearer {await key_for(app, 'desk')}"}
    try:
        async with Client(base_url=f"http://127.0.0.1:{port}/v1", headers=headers) as client:
            yield client
    finally:
        server.should_exit = True
        await task


async def told(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, Any]]:
    """The events of a stream, by name."""
    name = ""
    async for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def follow(api: Client, caller_number: str, seen: list[tuple[str, Any]]) -> None:
    """Keep what the stream tells of one caller's call, until it has ended."""
    path = "/live/calls/stream?prices_every_seconds=1"
    async with api.stream("GET", path, timeout=30) as answer:
        call_id = None
        async for name, data in told(answer.aiter_lines()):
            if data.get("caller_number") == caller_number:
                call_id = data["id"]
                seen.append((name, data))
            prices = [one for one in data.get("items", []) if one["id"] == call_id]
            seen += [("price", one) for one in prices]
            if name == "ended" and data["id"] == call_id:
                return


def euros(amount: dict[str, str]) -> int:
    return round(float(amount["amount"]) * 100)


async def test_a_call_is_watched_with_its_price_and_ended_by_order(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    number = await stage.number()
    seen: list[tuple[str, Any]] = []
    async with served(stage) as api:
        following = asyncio.create_task(follow(api, caller.number, seen))
        talk = await stage.to_talk(caller, number, expert)
        prices = []
        for _ in range(2):
            items = ok(await api.get("/live/calls"))["items"]
            (call,) = [one for one in items if one["caller_number"] == caller.number]
            prices.append(euros(call["talk"]["charge"]))
            await asyncio.sleep(1.5)
        assert call["state"] == "talking paid"
        assert prices[1] > prices[0]

        answer = await api.post(f"/calls/{call['id']}/orders", json={"kind": "end-call"})
        order = ok(answer, 202)
        await asyncio.gather(
            stage.told(talk.caller, "operator-ended", "the-call-cost"),
            stage.told(talk.expert, "operator-ended", "you-earned"),
        )
        await asyncio.wait_for(following, 10)
        async with asyncio.timeout(5):
            while ok(await api.get(f"/orders/{order['id']}"))["state"] != "done":  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        again = await api.post(f"/calls/{call['id']}/orders", json={"kind": "end-call"})
        assert again.status_code == httpx.codes.CONFLICT
        record = ok(await api.get(f"/calls/{call['id']}"))

    states = [data["state"] for name, data in seen if name == "call"]
    # What changes within a tenth of a second is told together.
    assert [one for one in dict.fromkeys(states) if one in {"ringing", "talking paid"}] == [
        "ringing",
        "talking paid",
    ]
    running = [euros(data["charge"]) for name, data in seen if name == "price"]
    assert len(set(running)) >= 2
    assert running == sorted(running)
    name, ended = seen[-1]
    assert (name, ended["reason"]) == ("ended", "operator-ended")
    assert euros(ended["charge"]) == 2 * record["billed_seconds"] >= running[-1]
    assert record["arithmetic"][-1]["what"] == "platform"
    assert {one["event"] for one in record["asterisk_record"]} >= {"BRIDGE_ENTER"}
