"""What can go wrong with Twilio, in words."""

from typing import Final

from billing.kit.errors import PrimelineError

_SHOWN_CHARACTERS: Final = 300


def _shown(message: str) -> str:
    """A stranger's sentence, on one line and not too long."""
    return " ".join(message.split())[:_SHOWN_CHARACTERS]


class TwilioNotSet(PrimelineError):
    """A setting that is needed for this is missing."""

    code = "twilio-not-set"

    def __init__(self, *variables: str) -> None:
        super().__init__(f"For this, set {' and '.join(variables)}.")


class TwilioDenied(PrimelineError):
    """Twilio doesn't take the account's id and token."""

    code = "twilio-denied"

    def __init__(self) -> None:
        super().__init__(
            "Twilio refuses the login; look at PRIMELINE_TWILIO_ACCOUNT_SID and"
            " PRIMELINE_TWILIO_AUTH_TOKEN."
        )


class TwilioRefused(PrimelineError):
    """Twilio understood and said no. `status`: HTTP; `number`: Twilio's own for the reason."""

    code = "twilio-refused"

    def __init__(self, status: int, number: int, message: str) -> None:
        super().__init__(f"Twilio refuses: {_shown(message)} (its error {number})")
        self.status = status
        self.number = number


class TwilioBusy(PrimelineError):
    """Twilio asks to be left alone for a while; nothing was done."""

    code = "twilio-busy"

    def __init__(self, seconds: int | None) -> None:
        later = "later" if seconds is None else f"in {seconds} s"
        super().__init__(f"Twilio takes no more requests just now; try again {later}.")


class TwilioAway(PrimelineError):
    """Twilio can't be reached; nothing was done."""

    code = "twilio-away"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Twilio can't be reached ({_shown(reason)}); nothing was changed.")


class TwilioSilent(PrimelineError):
    """A change was asked and no answer came: it may have happened."""

    code = "twilio-silent"

    def __init__(self) -> None:
        super().__init__(
            "Twilio didn't answer, so it isn't known whether it did what was asked. Ask again:"
            " it is looked up first."
        )


class TwilioOdd(PrimelineError):
    """Twilio's answer can't be read."""

    code = "twilio-odd"

    def __init__(self) -> None:
        super().__init__("Twilio gave an answer that can't be read.")
