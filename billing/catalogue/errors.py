"""What can be wrong with numbers, experts and phones."""

from datetime import datetime

from billing.kit.errors import PrimelineError


class ExpertUnknown(PrimelineError):
    """No such expert."""

    code = "expert-unknown"

    def __init__(self, which: object) -> None:
        super().__init__(f"There is no expert {which}.")


class ExtensionTaken(PrimelineError):
    """Another expert has that extension."""

    code = "extension-taken"

    def __init__(self, extension: str) -> None:
        super().__init__(f"Extension {extension} belongs to another expert.")


class InvalidExtension(PrimelineError):
    """An extension that can't be keyed."""

    code = "invalid-extension"

    def __init__(self, extension: str) -> None:
        super().__init__(f"An extension has 1 to 8 digits, not {extension!r}.")


class NumberServed(PrimelineError):
    """The number is already at work."""

    code = "number-served"

    def __init__(self, number: str) -> None:
        super().__init__(f"{number} is already one of our numbers.")


class NumberUnknown(PrimelineError):
    """The number isn't ours."""

    code = "number-unknown"

    def __init__(self, number: str) -> None:
        super().__init__(f"{number} is none of our numbers.")


class InvalidPremiumTerms(PrimelineError):
    """Terms that can't be used; the sentence says what is wrong with them."""

    code = "invalid-premium-terms"


class PremiumTermsTaken(PrimelineError):
    """The number has terms from that very moment; they are never edited."""

    code = "premium-terms-taken"

    def __init__(self, number: str, valid_from: datetime) -> None:
        super().__init__(
            f"{number} already has premium terms from {valid_from.isoformat()};"
            " choose another start."
        )


class PremiumCurrency(PrimelineError):
    """A number keeps the currency of its first premium terms."""

    code = "premium-currency"

    def __init__(self, number: str, currency: str) -> None:
        super().__init__(f"The premium terms of {number} are in {currency} and stay so.")
