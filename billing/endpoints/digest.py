"""Passwords of phones and trunks as Asterisk needs them: hashed for one user and one realm."""

import hashlib
import secrets
from typing import Final

REALM: Final = "primeline"
"""The realm of our Asterisk; `default_realm` in `asterisk-conf/pjsip.conf`."""

_RANDOM_BYTES = 15


def ha1_of(username: str, password: str) -> str:
    """Hash a password as digest authentication has it (RFC 2617, A1): `MD5(user:realm:password)`.

    MD5 is what all SIP phones know. With a hash somebody can log in as that user at our realm,
    and only there; the password itself isn't in it.
    """
    plain = f"{username}:{REALM}:{password}"
    return hashlib.md5(plain.encode(), usedforsecurity=False).hexdigest()


def new_password() -> str:
    """Make a password of 20 letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(_RANDOM_BYTES)
