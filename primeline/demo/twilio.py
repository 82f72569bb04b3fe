"""Twilio in the demo: sells the menu number and carries Alice's receipt; a stand-in, not Twilio."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from pydantic import SecretStr

from api.adapters.twilio import buying, numbers, trunks
from api.adapters.twilio.account import open_account
from billing.kit.database import Sessions
from billing.kit.settings import Settings
from primeline.demo import cast
from primeline.demo.screen import Screen
from primeline.fake_twilio.account import ACCOUNT_SID, AUTH_TOKEN
from primeline.fake_twilio.fetch import find
from primeline.fake_twilio.server import FakeTwilio, serving
from primeline.fake_twilio.specification import Specification

SMS_FROM: Final = "+33639980200"
OFFERS_SHOWN: Final = 3
POLL_SECONDS: Final = 0.05
SMS_SECONDS: Final = 60


class Provider:
    """What the demo asks of Twilio."""

    def __init__(self, fake: FakeTwilio) -> None:
        self._fake = fake

    @property
    def variables(self) -> Mapping[str, str]:
        """Settings with which our parts send receipts through it."""
        return {
            "PRIMELINE_TWILIO_API_URL": self._fake.url,
            "PRIMELINE_TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "PRIMELINE_TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "PRIMELINE_TWILIO_SMS_FROM": SMS_FROM,
            "PRIMELINE_RECEIPTS_BY_SMS": "true",
        }

    async def buy_menu_number(self, sessions: Sessions, screen: Screen, sip_url: str) -> None:
        """Search, buy and attach the number that Alice will call."""
        screen.chapter("The number that callers dial is bought from Twilio")
        settings = Settings(
            database_url="postgresql://unused/unused",
            twilio_account_sid=ACCOUNT_SID,
            twilio_auth_token=SecretStr(AUTH_TOKEN),
            twilio_api_url=self._fake.url,
        )
        async with open_account(settings) as account:
            found = await numbers.search(account, "FR", contains="199", limit=OFFERS_SHOWN)
            screen.step(f"for sale: {', '.join(one.e164 for one in found)}")
            bought = await buying.buy(sessions, account, found[0].e164, actor="demo")
            screen.step(f"{bought.e164} is bought, once, whatever breaks in between")
            trunk = await trunks.use(account, bought, sip_url=sip_url, sid=None)
            async with sessions.begin() as s:
                await buying.note_attached(s, bought, actor="demo", trunk=trunk.sid)
        screen.step(f"it is put on a SIP trunk: its calls come to {sip_url}")
        screen.step("(a stand-in that takes only what Twilio's own API files allow)")

    async def receipt(self, screen: Screen) -> str:
        """Wait until Alice has her SMS; raises TimeoutError if she gets none."""
        async with asyncio.timeout(SMS_SECONDS):
            while not self._fake.account.messages:  # noqa: ASYNC110  (a stand-in tells nobody)
                await asyncio.sleep(POLL_SECONDS)
        message = self._fake.account.messages[0]
        text: str = message["body"]
        screen.sms(cast.ALICE.name, text)
        return text


@asynccontextmanager
async def provider() -> AsyncIterator[Provider | None]:
    """Serve the stand-in; None: the files that it knows Twilio by aren't here."""
    files = find()
    if files is None:
        yield None
        return
    async with serving(await asyncio.to_thread(Specification, files)) as fake:
        yield Provider(fake)
