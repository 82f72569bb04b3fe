"""What can be wrong with callers, their numbers and amounts."""

from billing.kit.errors import PrimelineError


class NumberTaken(PrimelineError):
    """Another caller has that number."""

    code = "number-taken"

    def __init__(self, number: str) -> None:
        super().__init__(f"{number} already belongs to a caller.")


class CallerUnknown(PrimelineError):
    """No caller by that id or number."""

    code = "caller-unknown"

    def __init__(self, who: object) -> None:
        super().__init__(f"There is no caller {who}.")


class AmountInvalid(PrimelineError):
    """An amount that can't be topped up."""

    code = "amount-invalid"

    def __init__(self) -> None:
        super().__init__("A top-up is more than nothing and a whole number of cents.")


class CallerInUse(PrimelineError):
    """A caller whose money is still here."""

    code = "caller-in-use"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has credit, owes some, or is in a paid call; settle that first.")
