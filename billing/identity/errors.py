"""What can be wrong with API keys."""

from billing.kit.errors import PrimelineError


class KeyNameTaken(PrimelineError):
    """Another key has that name, revoked or not."""

    code = "key-name-taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is, or was, an API key called {name!r}; choose another name.")


class KeyUnknown(PrimelineError):
    """No such key."""

    code = "key-unknown"

    def __init__(self, which: object) -> None:
        super().__init__(f"There is no API key {which}.")


class KeyWithoutScope(PrimelineError):
    """A key that could do nothing."""

    code = "key-without-scope"

    def __init__(self) -> None:
        super().__init__("An API key needs at least one scope.")


class KeyExpiryPast(PrimelineError):
    """A key that would never have worked."""

    code = "key-expiry-past"

    def __init__(self) -> None:
        super().__init__("The API key would have expired already.")


class LastAdminKey(PrimelineError):
    """Without it nobody could make keys by the API."""

    code = "last-admin-key"

    def __init__(self) -> None:
        super().__init__(
            "This is the last key with the scope admin; make another first, or revoke it by"
            " `primeline key revoke`."
        )
