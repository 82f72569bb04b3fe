"""What can be wrong with comparisons that are kept."""

from uuid import UUID

from billing.kit.errors import PrimelineError


class ReconciliationUnknown(PrimelineError):
    """No such comparison, or none any more."""

    code = "reconciliation-unknown"

    def __init__(self, kept_id: UUID) -> None:
        super().__init__(f"There is no reconciliation {kept_id}.")
