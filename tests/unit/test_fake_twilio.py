"""The fake Twilio takes and gives only what Twilio's OpenAPI files say."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from primeline.fake_twilio.account import ACCOUNT_SID, AUTH_TOKEN
from primeline.fake_twilio.fetch import OpenApiMissing, check
from primeline.fake_twilio.server import FakeTwilio, serving
from primeline.fake_twilio.specification import Broken
from tests.twilio import specification

API = f"api.twilio.com/2010-04-01/Accounts/{ACCOUNT_SID}"
TRUNKING = "trunking.twilio.com/v1"
SID = "0" * 32


@pytest.fixture
async def fake() -> AsyncIterator[FakeTwilio]:
    async with serving(specification()) as one:
        yield one


async def ask(
    fake: FakeTwilio, method: str, path: str, token: str = AUTH_TOKEN, **form: str
) -> tuple[int, Any]:
    login = aiohttp.encode_basic_auth(ACCOUNT_SID, token)
    async with (
        aiohttp.ClientSession(headers={"Authorization": login}) as http,
        http.request(method, f"{fake.url}/{path}", data=form or None) as answer,
    ):
        return answer.status, await answer.json()


WRONG = [
    ("POST", f"{API}/IncomingPhoneNumbers.json", {"Phone": "+33199000200"}, "no form field Phone"),
    ("POST", f"{API}/IncomingPhoneNumbers.json", {"PhoneNumber": "0199000200"}, "PhoneNumber"),
    ("POST", f"{API}/IncomingPhoneNumbers.json", {"VoiceMethod": "PUT"}, "VoiceMethod"),
    ("POST", f"{API}/IncomingPhoneNumbers.json", {"TrunkSid": "TK1"}, "TrunkSid"),
    ("POST", f"{API}/Messages.json", {"Body": "x"}, "To is missing"),
    ("GET", f"{API}/IncomingPhoneNumbers.json?PageSize=many", {}, "PageSize"),
    ("GET", f"{API}/IncomingPhoneNumbers.json?PageSize=1001", {}, "PageSize"),
    ("GET", f"{API}/IncomingPhoneNumbers.json?Number=1", {}, "no query field Number"),
    ("GET", f"{API}/AvailablePhoneNumbers/France/Local.json", {}, "CountryCode"),
    ("POST", f"{TRUNKING}/Trunks/TK{SID}/PhoneNumbers", {}, "PhoneNumberSid is missing"),
    (
        "POST",
        f"{TRUNKING}/Trunks/TK{SID}/OriginationUrls",
        {
            "Weight": "10",
            "Priority": "10",
            "Enabled": "True",
            "FriendlyName": "x",
            "SipUrl": "sip:x",
        },
        "Enabled",
    ),
]


@pytest.mark.parametrize(("method", "path", "form", "problem"), WRONG)
async def test_a_wrong_field_is_refused_by_name(
    fake: FakeTwilio, method: str, path: str, form: dict[str, str], problem: str
) -> None:
    status, body = await ask(fake, method, path, **form)
    assert status == 400
    assert problem in body["message"]
    assert fake.asked == []


async def test_a_path_method_or_host_that_twilio_lacks_is_not_found(fake: FakeTwilio) -> None:
    for method, path in (
        ("GET", f"{API}/PhoneNumbers.json"),
        ("DELETE", f"{API}/IncomingPhoneNumbers.json"),
        ("GET", f"trunking.twilio.com/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"),
    ):
        assert (await ask(fake, method, path))[0] == 404


async def test_a_wrong_token_is_not_let_in(fake: FakeTwilio) -> None:
    assert (await ask(fake, "GET", f"{TRUNKING}/Trunks", token="other"))[0] == 401


async def test_an_answer_of_its_own_with_a_wrong_field_is_a_fault(fake: FakeTwilio) -> None:
    fake.account.trunks["TK" + SID] = {"sid": "TK" + SID, "secure": "yes"}
    status, body = await ask(fake, "GET", f"{TRUNKING}/Trunks")
    assert status == 500
    assert "secure" in body["message"]
    assert len(fake.faults) == 1


def test_an_answer_with_a_field_too_many_or_too_few_is_found() -> None:
    whole = specification()
    operation = next(one for one in whole.operations if one.name == "ListTrunk")
    bodies: list[Any] = [{"trunks": [], "meta": {}, "more": 1}, {"trunks": []}, None]
    for body in bodies:
        with pytest.raises(Broken):
            whole.check_answer(operation, 200, body)
    with pytest.raises(Broken):
        whole.check_answer(operation, 204, None)


def test_a_package_with_another_byte_is_not_taken() -> None:
    with pytest.raises(OpenApiMissing, match="not the package"):
        check(b"another")
