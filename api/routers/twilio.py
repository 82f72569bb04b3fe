"""What Twilio asks and tells about calls of numbers without a SIP trunk.

No key: Twilio signs. None of it is for people, so the API's description leaves it out.
"""

from typing import Annotated, Any, Final, cast

import structlog
from fastapi import APIRouter, Depends, Request, Response, status
from starlette.datastructures import FormData

from api.adapters.twilio import webhooks
from api.deps import Transaction
from billing.catalogue import service as catalogue
from billing.kit.settings import Settings

TWIML: Final = "application/xml"
BAD_ENDS: Final = frozenset({"failed", "busy", "no-answer"})

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/twilio", include_in_schema=False)


def _settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


async def _signed(request: Request) -> FormData:
    """Give the form of a request that Twilio signed; raises SignatureWrong.

    Behind a proxy the request says another address than the one that Twilio called and signed.
    """
    settings = _settings(request)
    base = settings.public_url or f"{request.url.scheme}://{request.url.netloc}"
    query = f"?{request.url.query}" if request.url.query else ""
    form = await request.form()
    webhooks.check_signature(
        settings.twilio_auth_token.get_secret_value(),
        f"{base.rstrip('/')}{request.url.path}{query}",
        form,
        request.headers.get("X-Twilio-Signature"),
    )
    return form


Signed = Annotated[Any, Depends(_signed)]


@router.post("/voice")
async def voice(request: Request, form: Signed, s: Transaction) -> Response:
    """Say what Twilio shall do with a call: bridge it to our Asterisk, if the number is ours."""
    sip_address = _settings(request).sip_address
    number = await catalogue.find_number(s, str(form.get("To", "")), None)
    if number is None or sip_address is None:
        log.warning("call of Twilio refused", number=str(form.get("To", "")))
        return Response(webhooks.refuse(), media_type=TWIML)
    return Response(webhooks.bridge(sip_address, number.e164), media_type=TWIML)


@router.post("/status", status_code=status.HTTP_204_NO_CONTENT)
async def call_status(form: Signed) -> None:
    """Take note of how a call ended at Twilio; one that never reached us shows only here."""
    ended = str(form.get("CallStatus", ""))
    say = log.warning if ended in BAD_ENDS else log.info
    say("call at Twilio", call_sid=str(form.get("CallSid", "")), status=ended)
