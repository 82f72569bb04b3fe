"""The monitor beside a real Asterisk: phones, trunks, strangers, and Asterisk dead or frozen."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from ari_app.ari.client import AriClient
from ari_app.monitor.watch import Door, Pace, Watch
from billing.endpoints.models import SipPhone
from billing.endpoints.trunks import add_trunk
from billing.endpoints.values import Trunk
from billing.kit.database import Sessions, make_engine, make_sessions
from billing.kit.limits import Limits
from billing.kit.settings import Settings
from billing.monitoring import alarms, security, states
from billing.monitoring.values import AlarmKind, EndpointKind
from primeline.asterisk_conf import MONITOR_USER, Lines
from primeline.phones import Phone
from primeline.phones.errors import RegistrationRefused
from primeline.system import System, SystemConfig
from tests.calls.stage import PASSWORD, phone_line

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE = phone_line("phone-1")
DEAD_TRUNK = Trunk("nowhere", host="127.0.0.1:9", presented_number="+33199000001")


@dataclass(frozen=True, slots=True)
class Watched:
    """A system with a monitor that is in a hurry."""

    system: System
    sessions: Sessions

    async def until(self, true: Callable[[], Awaitable[object]], *, seconds: float = 15) -> float:
        """Wait for something; gives how long it took."""
        began = time.monotonic()
        while not await true():
            took = time.monotonic() - began
            assert took < seconds, await self.alarms()
            await asyncio.sleep(0.1)
        return time.monotonic() - began

    async def alarms(self) -> set[tuple[str, str]]:
        """The open ones."""
        async with self.sessions() as s:
            return {(str(one.kind), one.subject) for one in await alarms.list_alarms(s)}

    async def alarm(self, kind: AlarmKind, subject: str = "primeline") -> bool:
        """Whether one is open."""
        return (kind, subject) in await self.alarms()

    async def condition(self, kind: EndpointKind, name: str) -> str | None:
        """How an endpoint is."""
        async with self.sessions() as s:
            found = {(one.kind, one.name): one for one in await states.list_endpoints(s)}
        state = found.get((kind, name))
        return None if state is None else str(state.condition)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def watched(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Watched]:
    directory = tmp_path_factory.mktemp("watched")

    async def prepare(system: System) -> Lines:
        engine = make_engine(Settings(database_url=system.database_url))
        async with make_sessions(engine).begin() as s:
            await add_trunk(s, DEAD_TRUNK)
            s.add(SipPhone(endpoint=PHONE.endpoint, number=None, ha1=PHONE.ha1))
        await engine.dispose()
        return Lines(trunks=(DEAD_TRUNK,), phones=(PHONE,))

    config = SystemConfig(
        directory,
        prompts_dir=directory / "prompts",
        tree=tree,
        durable=False,
        parts=("monitor",),
        restart=False,
        limits=Limits(ami_ping_ms=500, ami_ms=1_000),
    )
    async with System(config, prepare) as system:
        engine = make_engine(Settings(database_url=system.database_url))
        yield Watched(system, make_sessions(engine))
        await engine.dispose()


async def test_a_phone_is_seen_to_register_and_to_leave(watched: Watched) -> None:
    async def is_(condition: str) -> bool:
        return await watched.condition(EndpointKind.PHONE, "phone-1") == condition

    async def seen(condition: str) -> None:
        await watched.until(lambda: is_(condition))

    await seen("unregistered")
    async with Phone("phone-1", PASSWORD, server=("127.0.0.1", watched.system.ports.sip)) as phone:
        await phone.register()
        await seen("reachable")
    await seen("unregistered")


async def test_a_trunk_whose_host_is_silent_is_an_alarm(watched: Watched) -> None:
    await watched.until(lambda: watched.alarm(AlarmKind.TRUNK_UNREACHABLE, "nowhere"), seconds=30)
    assert await watched.condition(EndpointKind.TRUNK, "nowhere") == "unreachable"


async def test_a_wrong_password_is_counted_with_its_source_and_many_are_an_alarm(
    watched: Watched,
) -> None:
    async with Phone("phone-1", "wrong", server=("127.0.0.1", watched.system.ports.sip)) as phone:
        for _ in range(21):
            with pytest.raises(RegistrationRefused):
                await phone.register()

    async def counted() -> bool:
        async with watched.sessions() as s:
            counts = await security.list_counts(s)
        found = [one for one in counts if one.event == "ChallengeResponseFailed"]
        assert {(one.source, one.account) for one in found} <= {("127.0.0.1", "phone-1")}
        return sum(one.times for one in found) == 21

    await watched.until(counted)
    await watched.until(lambda: watched.alarm(AlarmKind.MANY_FAILED_LOGINS, "127.0.0.1"))


async def test_a_frozen_asterisk_is_noticed_in_time_and_its_return_too(watched: Watched) -> None:
    watched.system.kill("asterisk", signal.SIGSTOP)
    try:
        took = await watched.until(lambda: watched.alarm(AlarmKind.ASTERISK_SILENT))
    finally:
        watched.system.kill("asterisk", signal.SIGCONT)
    # 1.5 s of limits, the rest for a busy machine.
    assert took < 6

    async def clear() -> bool:
        return not await watched.alarm(AlarmKind.ASTERISK_SILENT)

    await watched.until(clear, seconds=30)


async def test_a_dead_asterisk_is_an_alarm_until_it_is_back_and_then_said_to_be_new(
    watched: Watched,
) -> None:
    # Its age is told in whole seconds.
    await asyncio.sleep(5)
    watched.system.kill("asterisk")
    await watched.until(lambda: watched.alarm(AlarmKind.ASTERISK_GONE))
    await watched.system.ended("asterisk")
    await watched.system.start("asterisk")
    await watched.until(lambda: watched.alarm(AlarmKind.ASTERISK_RESTARTED), seconds=30)
    assert not await watched.alarm(AlarmKind.ASTERISK_GONE)


async def test_a_wrong_secret_is_an_alarm_of_its_own(watched: Watched) -> None:
    system = watched.system
    door = Door("127.0.0.1", system.ports.ami, MONITOR_USER, "not-the-secret")
    async with AriClient(system.instance.ari_url, MONITOR_USER, "not-the-secret") as ari:
        watch = Watch("misled", door, ari, watched.sessions, Pace(first_delay_ms=300))
        task = asyncio.create_task(watch.run())
        await watched.until(lambda: watched.alarm(AlarmKind.AMI_LOGIN_FAILED, "misled"))
        task.cancel()


async def test_the_monitor_may_do_nothing_but_look(watched: Watched) -> None:
    system = watched.system
    reader, writer = await asyncio.open_connection("127.0.0.1", system.ports.ami)
    secret = system.instance.secrets.monitor_password
    writer.write(
        f"Action: Login\r\nUsername: {MONITOR_USER}\r\nSecret: {secret}\r\nEvents: off\r\n\r\n"
        "Action: PJSIPShowRegistrationsOutbound\r\nActionID: 1\r\n\r\n"
        "Action: Command\r\nActionID: 2\r\nCommand: core show uptime\r\n\r\n"
        "Action: Originate\r\nActionID: 3\r\nChannel: PJSIP/phone-1\r\n\r\n"
        "Action: GetConfig\r\nActionID: 4\r\nFilename: manager.conf\r\n\r\n"
        "Action: Logoff\r\n\r\n".encode()
    )
    said = (await asyncio.wait_for(reader.read(-1), 10)).decode()
    writer.close()
    assert said.count("Permission denied") == 4, said
