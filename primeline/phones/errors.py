"""What can go wrong with a phone."""

from billing.kit.errors import PrimelineError


class PhoneError(PrimelineError):
    """A phone could not do what it was asked to."""

    code = "phone-failed"


class RegistrationRefused(PhoneError):
    """The registrar refused, or didn't answer (408)."""

    code = "registration-refused"

    def __init__(self, user: str, status: int) -> None:
        super().__init__(f"Phone {user} could not register: SIP status {status}.")
        self.status = status


class PhoneWaitedInVain(PhoneError):
    """What a phone waited for didn't come."""

    code = "phone-waited-in-vain"

    def __init__(self, user: str, wanted: str, seconds: int, seen: str) -> None:
        super().__init__(f"Phone {user} waited {seconds} s for: {wanted}. Seen so far: {seen}.")
