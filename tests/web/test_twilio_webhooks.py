"""What Twilio asks over HTTP, signed and not."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from api.adapters.twilio import webhooks
from billing.catalogue import service as catalogue
from billing.kit.database import Sessions
from billing.kit.settings import Settings
from tests.database.world import NOW
from tests.twilio import SIP_ADDRESS

TOKEN = "12345"
PUBLIC = "https://primeline.example.org"
OURS = "+33199000203"
FORM = {"To": OURS, "From": "+33639980001", "CallSid": "CA1", "CallStatus": "ringing"}


@pytest.fixture
async def http(
    routes: FastAPI, fresh_database: str, sessions: Sessions
) -> AsyncIterator[httpx.AsyncClient]:
    async with sessions.begin() as s:
        await catalogue.add_number(s, number=OURS, kind="menu", at=NOW)
    routes.state.settings = Settings(
        database_url=fresh_database,
        public_url=PUBLIC,
        sip_address=SIP_ADDRESS,
        twilio_auth_token=SecretStr(TOKEN),
    )
    # A proxy in front: what arrives is plain HTTP to an inner address.
    transport = httpx.ASGITransport(app=routes)
    async with (
        routes.router.lifespan_context(routes),
        httpx.AsyncClient(transport=transport, base_url="http://10.0.0.5:8188") as client,
    ):
        yield client


def signed(path: str, form: dict[str, str], token: str = TOKEN, base: str = PUBLIC) -> str:
    return str(RequestValidator(token).compute_signature(base + path, form))


async def post(
    http: httpx.AsyncClient, path: str, form: dict[str, str], signature: str | None
) -> httpx.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if signature is not None:
        headers["X-Twilio-Signature"] = signature
    return await http.post(path, content=urlencode(form), headers=headers)


def test_the_signature_is_twilios_own() -> None:
    # The example of Twilio's documentation of request validation.
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    webhooks.check_signature(TOKEN, url, form, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    for wrong in (
        (TOKEN, url + "&more=1", form, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (TOKEN, url, form | {"Digits": "1235"}, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (TOKEN, url, form, "RSOYDt4T1cUTdK1PDd93/VVr8B9="),
        (TOKEN, url, form, ""),
        (TOKEN, url, form, None),
        ("", url, form, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("other", url, form, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    ):
        with pytest.raises(webhooks.SignatureWrong):
            webhooks.check_signature(*wrong)


async def test_a_signed_call_of_our_number_is_bridged_to_our_asterisk(
    http: httpx.AsyncClient,
) -> None:
    path = "/v1/twilio/voice"
    answer = await post(http, path, FORM, signed(path, FORM))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/xml")
    dial = ET.fromstring(answer.text).find("Dial")  # noqa: S314  (our own answer)
    assert dial is not None
    assert dial.attrib["answerOnBridge"] == "true"
    assert dial.findtext("Sip") == f"sip:{OURS}@pbx.example.org:5060"


@pytest.mark.parametrize("to", ["+33199009999", "", "x&y@z"])
async def test_a_call_of_no_number_of_ours_is_refused_for_free(
    http: httpx.AsyncClient, to: str
) -> None:
    path, form = "/v1/twilio/voice", FORM | {"To": to}
    answer = await post(http, path, form, signed(path, form))
    assert answer.status_code == 200
    assert "<Reject" in answer.text
    assert "<Dial" not in answer.text


@pytest.mark.parametrize("path", ["/v1/twilio/voice", "/v1/twilio/status"])
async def test_what_is_not_signed_by_twilio_gets_403(http: httpx.AsyncClient, path: str) -> None:
    for signature in (
        None,
        "",
        "wrong",
        signed(path, FORM, token="other"),
        signed(path, FORM | {"To": "+33199009999"}),
        signed(path, FORM, base="http://10.0.0.5:8188"),
        signed("/v1/twilio/other", FORM),
    ):
        answer = await post(http, path, FORM, signature)
        assert answer.status_code == 403
        assert answer.json()["code"] == "twilio-signature-wrong"


async def test_a_query_is_signed_too_and_the_status_is_noted(http: httpx.AsyncClient) -> None:
    path = "/v1/twilio/status?number=1"
    answer = await post(http, path, FORM, signed(path, FORM))
    assert answer.status_code == 204


async def test_twilios_routes_are_no_part_of_the_description(http: httpx.AsyncClient) -> None:
    described = (await http.get("/v1/openapi.json")).json()
    assert not [path for path in described["paths"] if "twilio" in path]
