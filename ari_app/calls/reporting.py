"""What a recovery finds, written down as a restart report once it is in hand."""

from uuid import UUID

import structlog

from ari_app.calls.records import AWAY
from ari_app.deadline import within
from billing.calls import restarts
from billing.calls.restarts import FoundCall, Outcome, RestartCause, found_call
from billing.calls.values import OpenCall
from billing.kit.clock import now
from billing.kit.database import Sessions

WRITE_MS = 10_000

log = structlog.get_logger(__name__)


class FoundCalls:
    """The calls found and not yet reported, and why they had to be found."""

    def __init__(self, sessions: Sessions, asterisk_id: str) -> None:
        self._sessions = sessions
        self._asterisk_id = asterisk_id
        self._cause = RestartCause.STARTED
        self._unreported: dict[UUID, FoundCall] = {}

    def reconnected(self) -> None:
        """The line to Asterisk was lost; the first connection of all is a start."""
        if self._cause is RestartCause.SWEPT:
            self._cause = RestartCause.RECONNECTED

    def through(self) -> None:
        """All is in hand: what is found from now on was overlooked."""
        self._cause = RestartCause.SWEPT

    def add(self, call: OpenCall, outcome: Outcome) -> None:
        """Keep a call for the next report."""
        self._unreported[call.call_id] = found_call(call, outcome, now())

    async def report(self) -> bool:
        """Write down what was found; False: it can't be written now and is kept."""
        found = tuple(self._unreported.values())
        if not found:
            return True
        try:
            await within(WRITE_MS, self._write(found))
        except AWAY as error:
            log.warning("restart not reported", error=type(error).__name__)
            return False
        self._unreported.clear()
        return True

    async def _write(self, found: tuple[FoundCall, ...]) -> None:
        async with self._sessions.begin() as session:
            await restarts.record(
                session,
                asterisk_id=self._asterisk_id,
                cause=self._cause,
                found_at=now(),
                calls=found,
            )
        for call in found:
            log.info(
                "call of a restart",
                call_id=str(call.call_id),
                state=call.state,
                outcome=call.outcome,
                most_lost_ms=call.most_lost_ms,
            )
        log.info("restart reported", cause=self._cause, calls=len(found))
