"""What can be wrong with trunks and phones."""

from billing.kit.errors import PrimelineError


class InvalidEndpoint(PrimelineError):
    """An endpoint name that must not reach a dial request."""

    code = "invalid-endpoint"

    def __init__(self, endpoint: str) -> None:
        super().__init__(
            f"{endpoint!r} can't name a phone: letters, digits, dots, dashes and underscores only."
        )


class EndpointTaken(PrimelineError):
    """Another phone, or a trunk, has that name."""

    code = "endpoint-taken"

    def __init__(self, endpoint: str) -> None:
        super().__init__(f"The name {endpoint!r} is in use already by a phone or a trunk.")


class PhoneUnknown(PrimelineError):
    """No such SIP phone."""

    code = "phone-unknown"

    def __init__(self, endpoint: str) -> None:
        super().__init__(f"There is no phone {endpoint!r}.")


class TrunkInvalid(PrimelineError):
    """A trunk that can't be as it was given."""

    code = "trunk-invalid"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"Trunk {name!r}: {why}.")


class TrunkUnknown(PrimelineError):
    """No such trunk."""

    code = "trunk-unknown"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no trunk {name!r}.")


class TrunkInUse(PrimelineError):
    """Something still points to the trunk."""

    code = "trunk-in-use"

    def __init__(self, name: str, by: str) -> None:
        super().__init__(f"Trunk {name!r} is still in use by {by}; change that first.")


class DestinationRefused(PrimelineError):
    """A number that must not be dialled by a trunk."""

    code = "destination-refused"

    def __init__(self, number: str, why: str) -> None:
        super().__init__(f"{number} can't be dialled: {why}.")
