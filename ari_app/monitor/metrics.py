"""The monitor's figures: what stands in the database about Asterisk, trunks, phones, alarms."""

from collections import Counter as Tally
from typing import Final

from billing.kit.database import Sessions
from billing.kit.metrics import PartMetrics
from billing.monitoring import alarms, states
from billing.monitoring.values import (
    BAD_CONDITIONS,
    AlarmKind,
    AsteriskCondition,
    EndpointKind,
)

METRICS: Final = PartMetrics("monitor")

DATABASE_UP: Final = METRICS.latest(
    "primeline_monitor_database_up", "Whether the monitor reaches the database: 1 or 0."
)
ASTERISK_UP: Final = METRICS.latest(
    "primeline_asterisk_up", "Whether Asterisk answers its monitor: 1 or 0.", ("asterisk",)
)
TRUNK_UP: Final = METRICS.latest(
    "primeline_trunk_up", "Whether a trunk's host answers: 1 or 0.", ("trunk",)
)
REGISTRATION_UP: Final = METRICS.latest(
    "primeline_registration_up", "Whether we are registered at a trunk's host: 1 or 0.", ("trunk",)
)
PHONES: Final = METRICS.latest("primeline_phones", "SIP phones, by condition.", ("condition",))
ALARMS: Final = METRICS.latest("primeline_alarms_open", "Open alarms, by kind.", ("kind",))
MOST_ALARMS: Final = 10_000

_OF_STATES: Final = (ASTERISK_UP, TRUNK_UP, REGISTRATION_UP, PHONES, ALARMS)


async def read(sessions: Sessions, asterisk_id: str) -> None:
    """Read all of it."""
    async with sessions() as s:
        endpoints = await states.list_endpoints(s, asterisk_id)
        asterisks = await states.list_asterisks(s)
        open_ = Tally(one.kind for one in await alarms.list_alarms(s, limit=MOST_ALARMS))
    DATABASE_UP.set({(): 1})
    ASTERISK_UP.set(
        {
            (one.asterisk_id,): one.condition is AsteriskCondition.UP
            for one in asterisks
            if one.asterisk_id == asterisk_id
        }
    )
    for gauge, kind in (
        (TRUNK_UP, EndpointKind.TRUNK),
        (REGISTRATION_UP, EndpointKind.REGISTRATION),
    ):
        gauge.set(
            {
                (one.name,): one.condition not in BAD_CONDITIONS
                for one in endpoints
                if one.kind is kind
            }
        )
    phones = Tally(str(one.condition) for one in endpoints if one.kind is EndpointKind.PHONE)
    PHONES.set({(condition,): n for condition, n in phones.items()})
    ALARMS.set({(str(kind),): open_[kind] for kind in AlarmKind})


def forget() -> None:
    """Nothing is known while the database is away."""
    DATABASE_UP.set({(): 0})
    for gauge in _OF_STATES:
        gauge.set({})
