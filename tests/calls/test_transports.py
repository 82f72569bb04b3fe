"""Both ways of asking Asterisk, over HTTP and over the events' socket: the same answers, real ones.

One of the two systems of `test_side_by_side` makes a whole paid call over the socket.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import numpy as np
import pytest
import pytest_asyncio

from ari_app.ari import stream
from ari_app.ari.client import AriClient, AriError, AriUnreachable
from ari_app.ari.events import AriEvent, StasisStart
from ari_app.ari.websocket import done_at_once
from billing.kit.limits import Limits
from dialplan.prompts.sound import write as write_sound
from dialplan.prompts.testvoice import noise
from primeline import asterisk
from primeline.asterisk_conf import ARI_USER, Instance, Lines, render
from primeline.asterisk_tree import find_program
from primeline.ports import lease_ports

pytestmark = pytest.mark.asyncio(loop_scope="session")

ODD: Final = "é &=+%,;:#?/\"'\\ {x}"
GOOD_ONES: Final = 10
TRANSPORTS: Final = ("http", "websocket")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def instance(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Instance]:
    """An Asterisk alone."""
    directory = tmp_path_factory.mktemp("transports")
    lease = lease_ports()
    alone = asterisk.new_instance(
        directory / "asterisk", find_program(tree), lease.ports, bind_host="127.0.0.1"
    )
    render(alone, lines=Lines(), limits=Limits(), prompts_dir=directory)
    process = await asterisk.start(alone)
    yield alone
    await process.stop()
    asterisk.forget(alone)
    lease.release()


class Client:
    """A client whose events are read, and what came of its requests."""

    def __init__(self, ari: AriClient) -> None:
        self.ari = ari
        self.entered: set[str] = set()
        self.came = asyncio.Condition()
        self.ready = asyncio.Event()
        self.outcomes: list[Any] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def connected(self) -> None:
        self.ready.set()

    def take(self, event: AriEvent) -> None:
        if isinstance(event, StasisStart):
            task = asyncio.get_running_loop().create_task(self._enter(event.channel))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _enter(self, channel: str) -> None:
        async with self.came:
            self.entered.add(channel)
            self.came.notify_all()

    async def until_entered(self, channel: str) -> None:
        async with asyncio.timeout(10), self.came:
            await self.came.wait_for(lambda: channel in self.entered)

    async def answered(self, channel: str) -> None:
        """Make a channel that is up: its other half is received, and answered, as a call is."""
        await self.ari.create(channel, "Local/s@received", "", "", {"BEGUN": ODD})
        await self.until_entered(channel)
        await self.ari.dial(channel, 10)
        other = f"{channel};2"
        await self.until_entered(other)
        await self.ari.answer(other)
        await self.until(lambda states: states.get(channel) == states.get(other) == "Up")

    async def until(self, seen: Callable[[dict[str, str]], bool]) -> None:
        """Wait for what is to be seen of the channels' states, by name."""
        async with asyncio.timeout(10):
            while not seen(await self._states()):  # noqa: ASYNC110  # no event tells it all
                await asyncio.sleep(0.05)

    async def _states(self) -> dict[str, str]:
        return {one["id"]: one["state"] for one in await self.ari.channels()}

    async def gone(self, channel: str) -> None:
        """Hang up, and wait until both halves are gone: their names are used again."""
        await self.ari.hang_up(channel)
        await self.until(lambda states: not states.keys() & {channel, f"{channel};2"})

    async def tries(self, request: Awaitable[Any]) -> None:
        try:
            self.outcomes.append(await request)
        except AriUnreachable as error:
            self.outcomes.append(str(error))
        except AriError as error:
            self.outcomes.append((error.status, str(error)))


@asynccontextmanager
async def client_of(instance: Instance, transport: str) -> AsyncIterator[Client]:
    password = instance.secrets.ari_password
    by_websocket = transport == "websocket"
    async with AriClient(instance.ari_url, ARI_USER, password, by_websocket=by_websocket) as ari:
        client = Client(ari)
        sockets = []
        opened = ari.open_events

        async def kept(heartbeat_seconds: int) -> aiohttp.ClientWebSocketResponse:
            sockets.append(await opened(heartbeat_seconds))
            return sockets[-1]

        ari.open_events = kept  # type: ignore[method-assign]
        reading = asyncio.create_task(stream.events(ari, client.connected, client.take))
        await asyncio.wait_for(client.ready.wait(), 10)
        try:
            yield client
        finally:
            reading.cancel()
            await asyncio.wait({reading})
            for socket in sockets:
                await socket.close()


async def all_sorts(client: Client, sound: str) -> list[Any]:
    """Requests of each kind, good ones and refused ones; what came of them."""
    ari, tries = client.ari, client.tries
    leg = "leg"
    await client.answered(leg)
    # A 409, and yet the channel is there.
    await tries(ari.create(leg, "Local/s@received", "", "", {}))
    await tries(ari.variable(leg, "BEGUN"))
    await tries(ari.set_variables(leg, {"LATER": ODD, "TIMEOUT(absolute)": "30.250"}))
    await tries(ari.variable(leg, "LATER"))
    await tries(ari.variable(leg, "NOT_THERE"))
    await tries(ari.set_global_variable("ODD", ODD))
    await tries(ari.global_variable("ODD"))
    await tries(ari.create("none", "PJSIP/nobody", "", "", {}))
    for bridge in ("b", "b"):
        await tries(ari.make_bridge(bridge))
    await tries(ari.join("b", [leg]))
    await tries(ari.join("b", ["not-there"]))
    await tries(ari.join("not-there", [leg]))
    await tries(ari.announce("b", "p0", [sound]))
    await tries(ari.stop_playback("p0"))
    await tries(ari.drop_bridge("b"))
    async with asyncio.timeout(10):
        # While it goes, Asterisk says that it isn't ours; then, that there is none.
        while any(bridge["id"] == "b" for bridge in await ari.bridges()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await tries(ari.drop_bridge("b"))
    await tries(ari.play(leg, "p1", [sound, sound]))
    await tries(ari.plays("p1"))
    await tries(ari.stop_playback("p1"))
    await tries(ari.stop_playback("not-there"))
    await tries(ari.ring(leg, on=True))
    await tries(ari.press(leg, "12#"))
    for gone in ("not-there", "é"):
        await tries(ari.play(gone, "p2", [sound]))
        await tries(ari.ring(gone, on=False))
        await tries(ari.dial(gone, 3))
        await tries(ari.answer(gone))
        await tries(ari.packets(gone))
        await tries(ari.variable(gone, "A"))
    await tries(ari.packets(leg))
    await tries(ari.hang_up(leg, 17))
    await client.until(lambda states: not states)
    return client.outcomes


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Twenty seconds of noise."""
    file = tmp_path_factory.mktemp("sounds") / "long.wav"
    write_sound(file, np.concatenate([noise(f"long {n}") for n in range(60)]))
    return str(file.with_suffix(""))


async def test_all_requests_and_refusals_are_the_same_over_both(
    instance: Instance, sound: str
) -> None:
    outcomes = []
    for transport in TRANSPORTS:
        async with client_of(instance, transport) as client:
            outcomes.append(await all_sorts(client, sound))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].count(None) >= GOOD_ONES


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_request_that_waits_behind_a_prompt_holds_up_no_other(
    instance: Instance, sound: str, transport: str
) -> None:
    async with client_of(instance, transport) as client:
        ari = client.ari
        await client.answered("waits")
        await ari.play("waits", "p", [sound])
        waiting = asyncio.create_task(ari.set_variables("waits", {"A": "b"}))
        for _ in range(20):
            assert await ari.plays("p")
        await ari.make_bridge("beside")
        await ari.drop_bridge("beside")
        assert not waiting.done()
        await ari.stop_playback("p")
        await waiting
        await client.gone("waits")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_hundred_requests_at_once_get_each_its_own_answer(
    instance: Instance, transport: str
) -> None:
    async with client_of(instance, transport) as client:
        names = [f"OF_{number}" for number in range(100)]
        await asyncio.gather(*(client.ari.set_global_variable(n, n.lower()) for n in names))
        told = await asyncio.gather(*(client.ari.global_variable(name) for name in names))
    assert told == [name.lower() for name in names]
    assert done_at_once("GET", "asterisk/variable")
