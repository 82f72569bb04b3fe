"""What a recovery finds, written down as a restart report: found first, then what became of it."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from ari_app.calls.records import AWAY
from ari_app.deadline import within
from billing.calls import restarts
from billing.calls.restarts import FoundCall, Outcome, RestartCause, found_call
from billing.calls.values import OpenCall
from billing.kit.clock import now
from billing.kit.database import Sessions
from billing.kit.ids import new_call_id

WRITE_MS = 10_000

log = structlog.get_logger(__name__)


class FoundCalls:
    """The calls found, in which report, what became of them, and why they had to be found."""

    def __init__(self, sessions: Sessions, asterisk_id: str) -> None:
        self._sessions = sessions
        self._asterisk_id = asterisk_id
        self._cause = RestartCause.STARTED
        self._reports: dict[UUID, UUID] = {}
        self._concluded: dict[UUID, FoundCall] = {}

    def reconnected(self) -> None:
        """The line to Asterisk was lost; the first connection of all is a start."""
        if self._cause is RestartCause.SWEPT:
            self._cause = RestartCause.RECONNECTED

    def through(self) -> None:
        """All is in hand: what is found from now on was overlooked."""
        self._cause = RestartCause.SWEPT

    async def begin(self, calls: Sequence[OpenCall]) -> bool:
        """Write down that these were found, before anything is done with them.

        Whatever ends this process then, they are in a report. False: it can't be written now.
        """
        found = [
            found_call(call, Outcome.FOUND, now())
            for call in calls
            if call.call_id not in self._reports
        ]
        if not found:
            return True

        restart_id = new_call_id()

        async def write(s: AsyncSession) -> None:
            await restarts.record(
                s,
                restart_id,
                asterisk_id=self._asterisk_id,
                cause=self._cause,
                found_at=now(),
                calls=found,
            )

        if not await self._written(write):
            return False
        self._reports |= {call.call_id: restart_id for call in found}
        return True

    def conclude(self, call: OpenCall, outcome: Outcome) -> None:
        """Keep what became of a call that was begun, until `report`."""
        self._concluded[call.call_id] = found_call(call, outcome, now())

    async def report(self) -> bool:
        """Write down what became of them; False: it can't be written now and is kept."""
        concluded = tuple(self._concluded.values())
        if not concluded:
            return True

        async def write(s: AsyncSession) -> None:
            for call in concluded:
                await restarts.conclude(s, self._reports[call.call_id], call)

        if not await self._written(write):
            return False
        for call in concluded:
            log.info(
                "call of a restart",
                call_id=str(call.call_id),
                state=call.state,
                outcome=call.outcome,
                most_lost_ms=call.most_lost_ms,
            )
            # Found again, it is of another report.
            del self._concluded[call.call_id], self._reports[call.call_id]
        log.info("restart reported", cause=self._cause, calls=len(concluded))
        return True

    async def _written(self, write: Callable[[AsyncSession], Awaitable[None]]) -> bool:
        try:
            await within(WRITE_MS, self._transaction(write))
        except AWAY as error:
            log.warning("restart not reported", error=type(error).__name__)
            return False
        return True

    async def _transaction(self, write: Callable[[AsyncSession], Awaitable[None]]) -> None:
        async with self._sessions.begin() as session:
            await write(session)
