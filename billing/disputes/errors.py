"""What can't be done about a dispute. None of it changes anything."""

from datetime import date
from uuid import UUID

from billing.kit.errors import PrimelineError


class DisputeUnknown(PrimelineError):
    """No dispute has that id, or no call's dispute is open."""

    code = "dispute-unknown"

    def __init__(self, dispute_id: UUID | str) -> None:
        super().__init__(f"There is no dispute {dispute_id}.")


class CallNotEnded(PrimelineError):
    """A call that goes on has no bill to contest."""

    code = "call-not-ended"

    def __init__(self, call_id: UUID) -> None:
        super().__init__(f"Call {call_id} still goes on; it can be disputed once it has ended.")


class CallDisputed(PrimelineError):
    """A call is disputed once at a time, and no more after a dispute was upheld."""

    code = "call-disputed"

    def __init__(self, call_id: UUID, state: str) -> None:
        super().__init__(f"Call {call_id} has a dispute already; it is {state}.")


class ClaimLate(PrimelineError):
    """The rules' last day to contest the call is over."""

    code = "claim-late"

    def __init__(self, call_id: UUID, claim_by: date) -> None:
        super().__init__(
            f"Rule R21: call {call_id} could be disputed until {claim_by}."
            " If you accept the claim all the same, say so."
        )


class DisputeOver(PrimelineError):
    """A dispute is closed once."""

    code = "dispute-over"

    def __init__(self, dispute_id: UUID, state: str) -> None:
        super().__init__(f"The dispute {dispute_id} is closed: it was {state}.")
