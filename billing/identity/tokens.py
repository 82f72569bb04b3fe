"""API keys as they are handed out: a public beginning and a secret rest."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

_PREFIX_BYTES: Final = 5
_SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(r"(pl_[a-z2-7]{8})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """A key's public prefix and secret."""

    prefix: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The whole, as it stands in a request."""
        return f"{self.prefix}_{self.secret}"


def make() -> Token:
    """Make a key that nobody can guess: 256 random bits."""
    prefix = base64.b32encode(secrets.token_bytes(_PREFIX_BYTES)).decode().lower()
    return Token(f"pl_{prefix}", secrets.token_urlsafe(_SECRET_BYTES))


def read(text: str) -> Token | None:
    """Take a key apart; None: it has not the form of one."""
    match = _TOKEN.fullmatch(text)
    return Token(match[1], match[2]) if match else None


def hash_of(token: Token) -> str:
    """Hash the secret for keeping. It is random and long: a slow hash would add nothing."""
    return hashlib.sha256(token.secret.encode()).hexdigest()


def matches(token: Token, kept_hash: str) -> bool:
    """Whether a hash is this secret's; takes the same time wherever the two differ."""
    return hmac.compare_digest(hash_of(token), kept_hash)
