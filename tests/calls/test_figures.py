"""A paid call as its figures tell it, read over HTTP from the running call application."""

import asyncio
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.calls.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

ENDED = ("primeline_calls_ended_total", ("charging", "prepaid"), ("reason", "caller-hung-up"))
SETTLED = ("primeline_settle_seconds_count",)
HANDLED = ("primeline_event_lag_seconds_count",)


def read(port: int) -> dict[tuple[object, ...], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_paid_call_is_seen_in_the_figures(stage: Stage) -> None:
    port = stage.system.ports.metrics
    expert, caller = await stage.expert(), await stage.caller()
    number = await stage.number()
    before = await asyncio.to_thread(read, port)
    talk = await stage.to_talk(caller, number, expert)
    during = await asyncio.to_thread(read, port)
    assert during["primeline_calls_open", ("state", "talking-paid")] >= 1
    await talk.caller.hang_up()
    await stage.ended(caller)
    for _ in range(50):
        after = await asyncio.to_thread(read, port)
        open_ = sum(n for name, n in after.items() if name[0] == "primeline_calls_open")
        if open_ == 0:
            break
        await asyncio.sleep(0.1)
    assert open_ == 0
    assert after[ENDED] == before.get(ENDED, 0) + 1
    assert after[SETTLED] == before[SETTLED] + 1
    assert after[HANDLED] >= before[HANDLED] + 8
    assert all("+33" not in str(name) for name in after)
