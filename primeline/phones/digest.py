"""Digest authentication of a SIP client (RFC 3261 section 22, RFC 2617)."""

import hashlib

from primeline.phones.messages import Message, quoted_fields, token


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def credentials(
    challenge: Message, *, method: str, uri: str, user: str, password: str
) -> tuple[str, str] | None:
    """The header that answers a 401 or 407; None if the response holds no MD5 challenge."""
    name, wanted = "Authorization", challenge.all("www-authenticate")
    if not wanted:
        name, wanted = "Proxy-Authorization", challenge.all("proxy-authenticate")
    offers = [quoted_fields(value) for value in wanted]
    offer = next((o for o in offers if o.get("algorithm", "MD5").upper() == "MD5"), None)
    if offer is None:
        return None
    realm, nonce = offer["realm"], offer["nonce"]
    secret = _md5(f"{user}:{realm}:{password}")
    request = _md5(f"{method}:{uri}")
    parts = [
        f'username="{user}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{uri}"',
        "algorithm=MD5",
    ]  # fmt: skip
    if "auth" in offer.get("qop", "").split(","):
        client = token()
        response = _md5(f"{secret}:{nonce}:00000001:{client}:auth:{request}")
        parts += ["qop=auth", "nc=00000001", f'cnonce="{client}"']
    else:
        response = _md5(f"{secret}:{nonce}:{request}")
    parts.append(f'response="{response}"')
    if "opaque" in offer:
        parts.append(f'opaque="{offer["opaque"]}"')
    return name, "Digest " + ", ".join(parts)
