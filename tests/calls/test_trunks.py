"""Trunks on a real Asterisk."""

import pytest

from tests.calls.stage import NARROW, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_trunk_brings_no_more_calls_at_once_than_it_may(stage: Stage) -> None:
    number, caller = await stage.number(), await stage.caller()
    first = await stage.dial(caller, number, trunk=NARROW)
    await stage.hears(first, "enter-pin")
    second = await stage.dial(stage.stranger(), number, trunk=NARROW)
    await second.wait_ended()
    assert (second.code, second.cause) == (503, 34)
    await first.hang_up()
    await stage.ended(caller)
    third = await stage.dial(caller, number, trunk=NARROW)
    await stage.hears(third, "enter-pin")
    await third.hang_up()
