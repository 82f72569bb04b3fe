"""What can't be refunded. None of it changes anything."""

from uuid import UUID

from billing.kit.errors import PrimelineError
from billing.money.values import Money


class RefundUnknown(PrimelineError):
    """No refund has that id."""

    code = "refund-unknown"

    def __init__(self, refund_id: UUID) -> None:
        super().__init__(f"There is no refund {refund_id}.")


class RefundInvalid(PrimelineError):
    """An amount, seconds or a reason that no refund can have."""

    code = "refund-invalid"


class NothingCharged(PrimelineError):
    """A call that took nothing from a wallet."""

    code = "nothing-charged"

    def __init__(self, call_id: UUID) -> None:
        super().__init__(f"Call {call_id} cost nothing, so nothing can be refunded.")


class CarrierBilled(PrimelineError):
    """A premium-rate call: its caller paid his phone company, not us."""

    code = "carrier-billed"

    def __init__(self, call_id: UUID) -> None:
        super().__init__(
            f"Call {call_id} was billed by the caller's own phone company; it gives the money"
            " back. If the caller contests the call, open a dispute: once upheld, nothing is"
            " expected of the carrier any more."
        )


class RefundTooMuch(PrimelineError):
    """More than is left of what the call cost."""

    code = "refund-too-much"

    def __init__(self, call_id: UUID, charged: Money, left: Money) -> None:
        super().__init__(
            f"Call {call_id} cost {charged}; of that {left} can still be refunded, not more."
        )


class SecondsTooMany(PrimelineError):
    """More seconds than the call was billed for, less those refunded."""

    code = "refund-seconds-too-many"

    def __init__(self, call_id: UUID, left: int) -> None:
        super().__init__(f"Call {call_id}: {left} billed seconds can still be refunded, not more.")


class SecondsWorthNothing(PrimelineError):
    """Seconds without which the call would have cost the same."""

    code = "refund-worth-nothing"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"Without {seconds} of its seconds the call would have cost the same; name an amount."
        )
