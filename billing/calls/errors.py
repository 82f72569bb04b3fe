"""What can't be done to a call. None of it changes anything."""

from uuid import UUID

from billing.kit.errors import PrimelineError


class CallUnknown(PrimelineError):
    """No call has that id, or an id that begins so."""

    code = "call-unknown"

    def __init__(self, call_id: UUID | str) -> None:
        super().__init__(f"There is no call {call_id}.")


class CallAmbiguous(PrimelineError):
    """The ids of several calls begin so."""

    code = "call-ambiguous"

    def __init__(self, beginning: str) -> None:
        super().__init__(f"The ids of several calls begin with {beginning!r}; give more of it.")


class BeginningInvalid(PrimelineError):
    """No id of a call can begin so."""

    code = "call-id-invalid"

    def __init__(self, given: str) -> None:
        super().__init__(
            f"{given!r} is no call's id nor its beginning; copy it from `primeline calls`."
        )


class CallEnded(PrimelineError):
    """The call is over."""

    code = "call-ended"

    def __init__(self, call_id: UUID) -> None:
        super().__init__(f"Call {call_id} has ended.")


class OrderUnknown(PrimelineError):
    """No order has that id."""

    code = "order-unknown"

    def __init__(self, order_id: UUID) -> None:
        super().__init__(f"There is no order {order_id}.")


class PaidTimeBegan(PrimelineError):
    """Holds of a call with paid time are settled, never just let go."""

    code = "paid-time-began"

    def __init__(self, call_id: UUID) -> None:
        super().__init__(f"Call {call_id} has paid time: its holds must be settled.")


class IntervalOpen(PrimelineError):
    """Paid time without an end can't be billed."""

    code = "interval-open"

    def __init__(self, call_id: UUID) -> None:
        super().__init__(f"Call {call_id} has paid time that hasn't ended.")
