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


class UntilWithoutPresence(PrimelineError):
    """An hour to be on line until, for an expert who isn't."""

    code = "until-without-presence"

    def __init__(self) -> None:
        super().__init__("Only an expert who is available can be so until an hour.")


class InvalidHours(PrimelineError):
    """Hours of a week that can't be."""

    code = "invalid-hours"

    def __init__(self, why: str) -> None:
        super().__init__(f"Those hours can't be: {why}.")


class InvalidBounds(PrimelineError):
    """Bounds of a price that can't be."""

    code = "invalid-bounds"

    def __init__(self) -> None:
        super().__init__(
            "The least and the most an expert may ask are whole cents of his tariff's currency,"
            " the least not above the most."
        )


class PriceNotSettable(PrimelineError):
    """The expert has no bounds, or no price in their currency."""

    code = "price-not-settable"

    def __init__(self) -> None:
        super().__init__("This expert may not change the price himself.")


class PriceOutOfBounds(PrimelineError):
    """A price outside what the operator allows."""

    code = "price-out-of-bounds"

    def __init__(self) -> None:
        super().__init__("That price is outside the bounds set for this expert.")


class ExpertInCall(PrimelineError):
    """An expert can't be removed while he talks."""

    code = "expert-in-call"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is in a call; remove him when it is over.")


class ExpertInUse(PrimelineError):
    """A number leads to the expert."""

    code = "expert-in-use"

    def __init__(self, name: str, number: str) -> None:
        super().__init__(f"{number} leads to {name}; remove the number or change it first.")


class PhoneTwice(PrimelineError):
    """The expert has that number already."""

    code = "phone-twice"

    def __init__(self, number: str) -> None:
        super().__init__(f"The expert is rung at {number} already.")


class PhonesNotThose(PrimelineError):
    """An order of phones that isn't one of the expert's."""

    code = "phones-not-those"

    def __init__(self) -> None:
        super().__init__("Name each of the expert's phones once, and no other.")
