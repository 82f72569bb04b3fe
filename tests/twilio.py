"""What the tests with the fake Twilio share."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from pydantic import SecretStr

from billing.kit.settings import Settings
from primeline.fake_twilio.account import ACCOUNT_SID, AUTH_TOKEN
from primeline.fake_twilio.fetch import fetch
from primeline.fake_twilio.server import FakeTwilio, serving
from primeline.fake_twilio.specification import Specification

SIP_ADDRESS = "sip:pbx.example.org:5060"


@cache
def specification() -> Specification:
    return Specification(fetch())


@asynccontextmanager
async def fake_twilio() -> AsyncIterator[FakeTwilio]:
    """A fake that has answered as Twilio's files say, whatever the test did."""
    async with serving(specification()) as fake:
        yield fake
    assert fake.faults == []


def settings_for(fake: FakeTwilio, database_url: str = "postgresql://x/y", **more: Any) -> Settings:
    return Settings(
        database_url=database_url,
        twilio_account_sid=ACCOUNT_SID,
        twilio_auth_token=SecretStr(AUTH_TOKEN),
        twilio_api_url=fake.url,
        sip_address=SIP_ADDRESS,
        **more,
    )


def names(fake: FakeTwilio) -> Iterable[str]:
    return [asked.operation.name for asked in fake.asked]
