"""Secrets that we must show to others later, kept so that the database alone doesn't tell them."""

import base64
import hashlib
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from billing.kit.errors import PrimelineError

SHORTEST_KEY: Final = 32


class SecretKeyMissing(PrimelineError):
    """No key to keep a secret with."""

    code = "secret-key-missing"

    def __init__(self) -> None:
        super().__init__(
            f"A secret can't be kept without PRIMELINE_SECRET_KEY: at least {SHORTEST_KEY} random"
            " characters, such as `openssl rand -base64 32` makes."
        )


class SecretKeyWrong(PrimelineError):
    """A secret was kept with another key."""

    code = "secret-key-wrong"

    def __init__(self) -> None:
        super().__init__("A secret was kept with another PRIMELINE_SECRET_KEY than this one.")


class SecretBox:
    """Seals and opens short texts with the key of the installation (AES-128-CBC and HMAC).

    Raises SecretKeyMissing for a key that is empty or too short.
    """

    def __init__(self, key: str) -> None:
        if len(key) < SHORTEST_KEY:
            raise SecretKeyMissing
        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))

    def seal(self, text: str) -> str:
        """Make what may be kept; each time another."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Give the text back. Raises SecretKeyWrong."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SecretKeyWrong from None
