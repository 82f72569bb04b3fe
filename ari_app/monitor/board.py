"""What the monitor knows and has still to write; kept while the database is away, within bounds."""

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from ari_app.monitor.messages import LOGIN_EVENTS, Refused
from billing.kit.database import Sessions
from billing.monitoring import alarms, security, states
from billing.monitoring.values import (
    BAD_CONDITIONS,
    AlarmKind,
    AsteriskCondition,
    EndpointCondition,
    EndpointKind,
    SecurityCount,
)

MOST_CHANGES: Final = 5_000
"""Waiting for the database; the oldest go first."""

MOST_SOURCES: Final = 200
"""Told apart within a minute; a flood of forged addresses is counted as one."""

OTHERS: Final = "others"
FAILED_LOGINS: Final = 20
"""From one source within a minute: an alarm, until it has been quiet for `QUIET`."""

QUIET: Final = timedelta(minutes=10)

Change = Callable[[AsyncSession], Awaitable[object]]


class Board:
    """Changes in the order they came, and counts of whom Asterisk refused."""

    def __init__(self, asterisk_id: str) -> None:
        self._asterisk_id = asterisk_id
        self._changes: deque[Change] = deque(maxlen=MOST_CHANGES)
        self._counts: dict[tuple[datetime, str, str], SecurityCount] = {}
        self._logins: dict[tuple[datetime, str], int] = {}
        self._suspects: dict[str, datetime] = {}

    def raise_alarm(self, kind: AlarmKind, subject: str, detail: str, at: datetime) -> None:
        """Have an alarm raised."""
        self._changes.append(lambda s: alarms.raise_alarm(s, kind, subject, detail, at=at))

    def clear_alarm(self, kind: AlarmKind, subject: str, at: datetime) -> None:
        """Have an alarm cleared."""
        self._changes.append(lambda s: alarms.clear_alarm(s, kind, subject, at=at))

    def asterisk(
        self, condition: AsteriskCondition, at: datetime, started_at: datetime | None = None
    ) -> None:
        """Have written how Asterisk is."""
        self._changes.append(
            lambda s: states.set_asterisk(
                s, self._asterisk_id, condition, at=at, started_at=started_at
            )
        )

    def endpoint(
        self, kind: EndpointKind, name: str, condition: EndpointCondition, at: datetime
    ) -> None:
        """Have written how a trunk, registration or phone is; bad ones of trunks are alarms."""
        self._changes.append(
            lambda s: states.set_endpoint(s, self._asterisk_id, kind, name, condition, at=at)
        )
        if kind is EndpointKind.PHONE:
            return
        alarm, detail = (
            (AlarmKind.TRUNK_UNREACHABLE, f"The host of trunk {name} does not answer.")
            if kind is EndpointKind.TRUNK
            else (
                AlarmKind.REGISTRATION_FAILED,
                f"Our registration at the host of trunk {name} is {condition}.",
            )
        )
        if condition in BAD_CONDITIONS:
            self.raise_alarm(alarm, name, detail, at)
        else:
            self.clear_alarm(alarm, name, at)

    def known(self, endpoints: frozenset[tuple[EndpointKind, str]], at: datetime) -> None:
        """Have forgotten all states and alarms of trunks and phones but these."""

        async def change(s: AsyncSession) -> None:
            await states.keep_endpoints(s, self._asterisk_id, endpoints)
            for kind, of in (
                (AlarmKind.TRUNK_UNREACHABLE, EndpointKind.TRUNK),
                (AlarmKind.REGISTRATION_FAILED, EndpointKind.REGISTRATION),
            ):
                for alarm in await alarms.list_alarms(s, kind=kind):
                    if (of, alarm.subject) not in endpoints:
                        await alarms.clear_alarm(s, kind, alarm.subject, at=at)

        self._changes.append(change)

    def refused(self, refused: Refused, at: datetime) -> None:
        """Count one who was refused; many logins from one source are an alarm."""
        minute = at.replace(second=0, microsecond=0)
        key = (minute, refused.event, refused.source)
        if key not in self._counts and len(self._counts) >= MOST_SOURCES:
            key = (minute, refused.event, OTHERS)
        before = self._counts.get(key)
        self._counts[key] = SecurityCount(
            *key, account=refused.account, times=before.times + 1 if before else 1
        )
        if refused.event in LOGIN_EVENTS:
            self._suspect(minute, key[2], at)

    def _suspect(self, minute: datetime, source: str, at: datetime) -> None:
        self._logins = {key: n for key, n in self._logins.items() if key[0] == minute}
        if (minute, source) not in self._logins and len(self._logins) >= MOST_SOURCES:
            source = OTHERS
        times = self._logins[minute, source] = self._logins.get((minute, source), 0) + 1
        if source in self._suspects:
            self._suspects[source] = at
        elif times >= FAILED_LOGINS:
            self._suspects[source] = at
            detail = f"{times} logins from {source} were refused within a minute."
            self.raise_alarm(AlarmKind.MANY_FAILED_LOGINS, source, detail, at)

    def calm(self, at: datetime) -> None:
        """Clear the alarms about sources that have been quiet, those of an earlier run too."""
        self._suspects = {
            source: last for source, last in self._suspects.items() if at - last < QUIET
        }
        suspects = frozenset(self._suspects)

        async def change(s: AsyncSession) -> None:
            for alarm in await alarms.list_alarms(s, kind=AlarmKind.MANY_FAILED_LOGINS):
                if alarm.subject not in suspects and at - alarm.seen_at >= QUIET:
                    await alarms.clear_alarm(s, alarm.kind, alarm.subject, at=at)

        self._changes.append(change)

    async def write(self, sessions: Sessions) -> None:
        """Write all in one transaction; what fails is kept for the next time."""
        changes, counts = list(self._changes), dict(self._counts)
        if not changes and not counts:
            return
        async with sessions.begin() as s:
            for change in changes:
                await change(s)
            await security.add_counts(s, self._asterisk_id, list(counts.values()))
        # Nobody else takes from the left; the full deque may have dropped some meanwhile.
        for change in changes:
            if self._changes and self._changes[0] is change:
                self._changes.popleft()
        for key, written in counts.items():
            now = self._counts[key]
            if now.times == written.times:
                del self._counts[key]
            else:
                self._counts[key] = SecurityCount(*key, now.account, now.times - written.times)
