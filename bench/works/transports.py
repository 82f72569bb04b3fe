"""Part of W1: the same paid calls with requests to Asterisk over either transport.

Each transport has a system of its own, and the one that isn't loaded is idle. The order is there
and back, so that a machine which grows slower or faster meanwhile harms neither.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final, get_args

from bench import sipp
from bench.ground import EXPERTS_HOST, EXPERTS_PORT, Wanted, ground
from bench.loads import ACCEPT_MS, PaidLoad
from bench.rising import Loaded
from bench.rules import percentile
from bench.values import Room, Table, shown_ms
from billing.kit.settings import Settings

TRANSPORTS: Final[tuple[str, ...]] = get_args(Settings.model_fields["ari_transport"].annotation)
VARIABLE: Final = "PRIMELINE_ARI_TRANSPORT"
PAIRS: Final = 100
RATE: Final = 4
CALLS: Final = 60
WARM_UP_CALLS: Final = 8


@dataclass(frozen=True, slots=True)
class Round:
    """Some paid calls by one transport."""

    transport: str
    loaded: Loaded


async def rounds(room: Room) -> list[Round]:
    """Play them, there and back."""
    order = (*TRANSPORTS, *reversed(TRANSPORTS))
    async with AsyncExitStack() as stack:
        experts = sipp.answering(
            "expert",
            tree=room.sipp_tree,
            folder=room.folder / "experts",
            host=EXPERTS_HOST,
            port=EXPERTS_PORT,
            pause_ms=ACCEPT_MS,
        )
        pid = await stack.enter_async_context(experts)
        loads = {}
        for one in TRANSPORTS:
            wanted = Wanted(PAIRS, variables={VARIABLE: one})
            ground_ = await stack.enter_async_context(ground(room, wanted, one))
            loads[one] = PaidLoad(room, ground_, pid)
            await loads[one](RATE, WARM_UP_CALLS)
        return [Round(one, await loads[one](RATE, CALLS)) for one in order]


def table(some: list[Round]) -> Table:
    """Show what a call took in each round, in their order."""
    return Table(
        f"Transports, at {RATE} calls/s",
        ("", "calls", "good", "application", "Asterisk", "both", "answered p50"),
        tuple(_row(one.transport, one.loaded) for one in some),
    )


def _row(transport: str, one: Loaded) -> tuple[str, ...]:
    return (
        transport,
        str(one.step.calls),
        str(one.step.good),
        shown_ms(one.cpu_us_per_call("ari_app")),
        shown_ms(one.cpu_us_per_call("asterisk")),
        shown_ms(one.cpu_us_per_call("ari_app", "asterisk")),
        shown_ms(percentile(one.answer_us, 500)),
    )
