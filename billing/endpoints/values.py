"""How SIP phones are named."""

import re
from typing import Final

ENDPOINT_PATTERN: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,78}"
_ENDPOINT = re.compile(ENDPOINT_PATTERN)


def is_endpoint(text: str) -> bool:
    """Whether it may name a phone in a dial request: nothing in it can start another."""
    return _ENDPOINT.fullmatch(text) is not None
