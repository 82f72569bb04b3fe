"""Figures: served on a part's own port, never in the way of what they are about."""

import asyncio
import socket
import urllib.request
from collections.abc import Iterator
from urllib.error import URLError

import pytest
from prometheus_client import generate_latest

from ari_app import metrics as of_calls
from ari_app.calls.data import CallData, Talk
from ari_app.calls.states import State
from billing.calls.values import EndReason, Interval
from billing.charging.values import Grant
from billing.kit import metrics
from billing.kit.limits import Limits
from billing.kit.metrics import MetricsPortTaken, MetricsServer, PartMetrics
from billing.kit.settings import Settings
from billing.money.values import Money


def read(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def value(of: PartMetrics, name: str, **labels: str) -> float:
    return of.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def settings(port: int) -> Settings:
    return Settings(database_url="postgresql://nowhere/x", metrics_port=port)


def test_a_part_serves_its_figures_and_no_other_parts() -> None:
    part = PartMetrics("agi")
    server = MetricsServer(part, "127.0.0.1", 0)
    try:
        text = read(server.port)
    finally:
        server.close()
    assert 'primeline_build_info{part="agi"' in text
    assert "primeline_calls_open" not in text
    assert "process_cpu_seconds_total" in text


def test_a_port_in_use_is_said_in_words_that_help(taken: int) -> None:
    with pytest.raises(MetricsPortTaken) as raised:
        MetricsServer(PartMetrics("agi"), "127.0.0.1", taken)
    assert f"127.0.0.1:{taken}" in raised.value.sentence
    assert "PRIMELINE_METRICS_PORT" in raised.value.sentence


async def test_a_part_whose_port_is_taken_works_on_and_serves_once_it_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "AGAIN_SECONDS", 0.05)
    other = socket.create_server(("127.0.0.1", 0))
    port = other.getsockname()[1]
    part = PartMetrics("ari_app")
    async with part.served(settings(port)):
        await asyncio.sleep(0.1)
        other.close()
        for _ in range(100):
            await asyncio.sleep(0.05)
            try:
                text = await asyncio.to_thread(read, port)
            except OSError:
                continue
            break
    assert "primeline_build_info" in text
    with pytest.raises(URLError):
        read(port)


def test_each_part_has_a_port_of_its_own_and_0_is_none() -> None:
    ports = [PartMetrics(part).port(settings(9_500)) for part in metrics.PARTS]
    assert ports == [9_500, 9_501, 9_502, 9_503, 9_504]
    assert PartMetrics("api").port(settings(0)) == 0


def test_an_observation_that_fails_hurts_nobody() -> None:
    of_calls.ended(None)  # type: ignore[arg-type]
    of_calls.handled("never", 0)  # type: ignore[arg-type]


def test_a_gauge_whose_source_fails_is_empty_and_takes_no_other_with_it() -> None:
    part = PartMetrics("agi")
    part.latest("primeline_broken", "Broken.").follow(lambda: {(): 1 / 0})
    text = generate_latest(part.registry).decode()
    assert "# TYPE primeline_broken gauge" in text
    assert "\nprimeline_broken " not in text
    assert "primeline_build_info" in text


def test_open_calls_are_counted_by_state_with_a_zero_for_the_others() -> None:
    of_calls.follow_calls(lambda: ["talking paid", "talking paid", "ringing"])
    try:
        assert value(of_calls.METRICS, "primeline_calls_open", state="talking-paid") == 2
        assert value(of_calls.METRICS, "primeline_calls_open", state="ringing") == 1
        text = generate_latest(of_calls.METRICS.registry).decode()
        assert 'primeline_calls_open{state="over"} 0.0' in text
    finally:
        of_calls.CALLS_OPEN.set({})


def a_talk(*, reason: EndReason, talked_ms: int, granted_seconds: int = 60) -> CallData:
    grant = Grant(1, granted_seconds, granted_seconds, final=True, held=Money(1, "EUR"))
    return CallData(
        "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2",
        Limits(),
        State.SETTLING,
        grant=grant,
        reason=reason,
        intervals=(Interval(1_000, 1_000 + talked_ms),),
    )


def buckets(name: str, le: str) -> float:
    return value(of_calls.METRICS, f"{name}_bucket", le=le)


@pytest.mark.parametrize(
    ("reason", "talked_ms", "le", "below"),
    [
        (EndReason.CREDIT_USED_UP, 60_050, "0.06", "0.04"),
        (EndReason.MAXIMUM_REACHED, 60_090, "0.1", "0.08"),
        (EndReason.CREDIT_USED_UP, 59_990, "0.0", None),
    ],
)
def test_a_talk_that_was_cut_tells_how_long_after_its_credit(
    reason: EndReason, talked_ms: int, le: str, below: str | None
) -> None:
    name = "primeline_cut_error_seconds"
    before = buckets(name, le), buckets(name, below) if below else 0
    of_calls.settled(a_talk(reason=reason, talked_ms=talked_ms), 0.01)
    assert buckets(name, le) == before[0] + 1
    if below:
        assert buckets(name, below) == before[1]


def test_a_talk_that_somebody_ended_tells_of_no_cut() -> None:
    before = value(of_calls.METRICS, "primeline_cut_error_seconds_count")
    of_calls.settled(a_talk(reason=EndReason.CALLER_HUNG_UP, talked_ms=30_000), 0.01)
    assert value(of_calls.METRICS, "primeline_cut_error_seconds_count") == before


@pytest.mark.parametrize(("left_ms", "late"), [(80_000, 0), (70_000, 1)])
def test_a_longer_grant_is_late_with_less_than_half_of_its_time_left(
    left_ms: int, late: int
) -> None:
    grant = Grant(1, 300, 900, final=False, held=Money(1, "EUR"))
    data = CallData(
        "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2",
        Limits(),
        State.TALKING_PAID,
        grant=grant,
        coming=Grant(2, 600, 900, final=False, held=Money(1, "EUR")),
        talk=Talk("bridge", paid=True, from_ms=1_000_000),
    )
    name = "primeline_renewals_late_total"
    before = value(of_calls.METRICS, name, kind="grant")
    of_calls.granted(data, 1_000_000 + 300_000 - left_ms)
    assert value(of_calls.METRICS, name, kind="grant") == before + late


def test_a_lease_is_late_once_one_was_missed() -> None:
    name = "primeline_renewals_late_total"
    data = CallData("019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2", Limits())
    before = value(of_calls.METRICS, name, kind="lease")
    of_calls.leased(data, 20_100)
    assert value(of_calls.METRICS, name, kind="lease") == before
    of_calls.leased(data, 41_000)
    assert value(of_calls.METRICS, name, kind="lease") == before + 1
