"""Requests that a charging session can't answer. None of them changes anything."""

from uuid import UUID

from billing.kit.errors import PrimelineError


class SessionUnknown(PrimelineError):
    """No charging session belongs to the call."""

    code = "session-unknown"

    def __init__(self, session_id: UUID) -> None:
        super().__init__(f"Call {session_id} has no charging session.")


class SessionState(PrimelineError):
    """The session isn't where the request would make sense."""

    code = "session-state"

    def __init__(self, session_id: UUID, request: str, state: str) -> None:
        super().__init__(f"Charging session {session_id} is {state}: no {request} now.")


class RequestOutOfOrder(PrimelineError):
    """An update came with a number that isn't the next."""

    code = "request-out-of-order"

    def __init__(self, session_id: UUID, given: int, expected: int) -> None:
        super().__init__(f"Charging session {session_id} expects request {expected}, not {given}.")
