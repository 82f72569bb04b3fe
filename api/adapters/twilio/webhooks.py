"""What Twilio asks us over HTTP: is it really Twilio, and what shall it do with the call."""

from typing import Any, Final

from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import VoiceResponse

from billing.kit.errors import PrimelineError

RING_SECONDS: Final = 30
"""How long Twilio lets our Asterisk be silent."""


class SignatureWrong(PrimelineError):
    """The request doesn't bear the signature that Twilio would have put on it."""

    code = "twilio-signature-wrong"

    def __init__(self) -> None:
        super().__init__("This request isn't signed as Twilio signs its own.")


def check_signature(token: str, url: str, form: Any, signature: str | None) -> None:
    """Raise SignatureWrong unless Twilio signed a POST of `form` to `url`, as it called it.

    Without a token nothing can be checked, so everything is refused.
    """
    if not token or not signature:
        raise SignatureWrong
    if not RequestValidator(token).validate(url, form, signature):
        raise SignatureWrong


def bridge(sip_address: str, e164: str) -> str:
    """Give the TwiML that bridges a call to our Asterisk, under the number that was dialled.

    The caller's leg is answered only once ours is: until then he pays nothing.
    """
    host = sip_address.removeprefix("sip:").rpartition("@")[2]
    response = VoiceResponse()
    dial = response.dial(answer_on_bridge=True, timeout=RING_SECONDS)
    dial.sip(f"sip:{e164}@{host}")
    return str(response)


def refuse() -> str:
    """Give the TwiML that refuses a call; it costs nothing."""
    response = VoiceResponse()
    response.reject(reason="rejected")
    return str(response)
