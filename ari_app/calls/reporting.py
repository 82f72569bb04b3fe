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

BEGIN_MS, WRITE_MS = 1_000, 10_000

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

    async def begin(self, calls: Sequence[OpenCall]) -> None:
        """Write down that these were found, before anything is done with them.

        Whatever ends this process then, they are in a report. Where it can't be written soon, as
        where somebody holds the row of one of them, the others don't wait: `report` writes it.
        """
        found = [
            found_call(call, Outcome.FOUND, now())
            for call in calls
            if call.call_id not in self._reports
        ]
        if not found:
            return
        restart_id = new_call_id()
        if await self._written(lambda s: self._record(s, restart_id, found), BEGIN_MS):
            self._reports |= {call.call_id: restart_id for call in found}

    def conclude(self, call: OpenCall, outcome: Outcome) -> None:
        """Keep what became of a call until `report`."""
        self._concluded[call.call_id] = found_call(call, outcome, now())

    async def report(self) -> bool:
        """Write down what became of them; False: it can't be written now and is kept."""
        concluded = tuple(self._concluded.values())
        if not concluded:
            return True
        new = [call for call in concluded if call.call_id not in self._reports]

        async def write(s: AsyncSession) -> None:
            if new:
                await self._record(s, new_call_id(), new)
            for call in concluded:
                if call.call_id in self._reports:
                    await restarts.conclude(s, self._reports[call.call_id], call)

        if not await self._written(write, WRITE_MS):
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
            del self._concluded[call.call_id]
            self._reports.pop(call.call_id, None)
        log.info("restart reported", cause=self._cause, calls=len(concluded))
        return True

    async def _record(self, s: AsyncSession, restart_id: UUID, calls: Sequence[FoundCall]) -> None:
        await restarts.record(
            s,
            restart_id,
            asterisk_id=self._asterisk_id,
            cause=self._cause,
            found_at=now(),
            calls=calls,
        )

    async def _written(
        self, write: Callable[[AsyncSession], Awaitable[None]], within_ms: int
    ) -> bool:
        try:
            await within(within_ms, self._transaction(write))
        except Exception as error:
            # A report that a fault of ours keeps from being written keeps no call back.
            if not isinstance(error, AWAY):
                log.exception("restart report failed")
            log.warning("restart not reported", error=type(error).__name__)
            return False
        return True

    async def _transaction(self, write: Callable[[AsyncSession], Awaitable[None]]) -> None:
        async with self._sessions.begin() as session:
            await write(session)
