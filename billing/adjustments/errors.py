"""What can't be adjusted or paid back. None of it changes anything."""

from uuid import UUID

from billing.kit.errors import PrimelineError
from billing.money.values import Money


class AdjustmentUnknown(PrimelineError):
    """No adjustment has that id."""

    code = "adjustment-unknown"

    def __init__(self, adjustment_id: UUID) -> None:
        super().__init__(f"There is no adjustment {adjustment_id}.")


class AdjustmentInvalid(PrimelineError):
    """An amount or a reason that no adjustment can have."""

    code = "adjustment-invalid"


class CreditTooLittle(PrimelineError):
    """A debit of more than a caller has free: what calls hold stays."""

    code = "credit-too-little"

    def __init__(self, wanted: Money) -> None:
        super().__init__(
            f"The caller has less than {wanted} that no call holds; nothing was taken."
        )


class PaidInTooLittle(PrimelineError):
    """More is to be paid back than came in as money and is still there."""

    code = "paid-in-too-little"

    def __init__(self, most: Money) -> None:
        super().__init__(
            f"Of this credit {most} can be paid back: only what was paid in, no call holds, and"
            " neither a voucher nor an adjustment gave."
        )


class PayableTooLittle(PrimelineError):
    """A debit of more than an expert is owed."""

    code = "payable-too-little"

    def __init__(self, payable: Money) -> None:
        super().__init__(f"The expert is owed {payable}; no more can be taken.")
