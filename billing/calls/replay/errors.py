"""What can't be replayed, in words."""

from datetime import datetime
from uuid import UUID

from billing.kit.errors import PrimelineError


class CallUnsettled(PrimelineError):
    """A call that goes on has no charge yet."""

    code = "call-unsettled"

    def __init__(self, call_id: UUID) -> None:
        super().__init__(f"Call {call_id} isn't settled yet; there is nothing to compare.")


class NoVersionThen(PrimelineError):
    """A tariff has no version that had begun at a moment."""

    code = "no-version-then"

    def __init__(self, name: str, at: datetime | None) -> None:
        begun = "" if at is None else f" that has begun by {at.isoformat()}"
        super().__init__(f"Tariff {name!r} has no version{begun}.")
