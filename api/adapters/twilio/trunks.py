"""SIP trunks at Twilio: which there are, where they send calls, which numbers are on them."""

from typing import Final

from api.adapters.twilio.account import TwilioAccount, in_words
from api.adapters.twilio.values import Owned, Trunk
from billing.kit.errors import PrimelineError

TRUNK_NAME: Final = "Primeline"
PAGE: Final = 100


class TrunkNotAtTwilio(PrimelineError):
    """The account has no SIP trunk of that id."""

    code = "trunk-not-at-twilio"

    def __init__(self, sid: str) -> None:
        super().__init__(f"The Twilio account has no SIP trunk {sid}.")


async def find_trunk(account: TwilioAccount, sid: str | None) -> Trunk | None:
    """Give the trunk of that id, or the one of our name where none is named."""
    with in_words():
        for one in await account.client.trunking.v1.trunks.list_async(page_size=PAGE):
            if one.sid == sid or (sid is None and one.friendly_name == TRUNK_NAME):
                trunk = account.client.trunking.v1.trunks(one.sid)
                urls = await trunk.origination_urls.list_async(page_size=PAGE)
                return Trunk(one.sid, one.friendly_name or "", tuple(u.sip_url for u in urls))
    return None


async def make_trunk(account: TwilioAccount) -> Trunk:
    """Make a trunk of our name; it sends calls nowhere yet."""
    with in_words():
        made = await account.client.trunking.v1.trunks.create_async(friendly_name=TRUNK_NAME)
        return Trunk(made.sid, made.friendly_name, ())


async def send_calls_to(account: TwilioAccount, trunk: Trunk, sip_url: str) -> None:
    """Let the trunk send calls to `sip_url`, if it doesn't yet."""
    if sip_url in trunk.sip_urls:
        return
    with in_words():
        await account.client.trunking.v1.trunks(trunk.sid).origination_urls.create_async(
            weight=10, priority=10, enabled=True, friendly_name=TRUNK_NAME, sip_url=sip_url
        )


async def use(account: TwilioAccount, number: Owned, *, sip_url: str, sid: str | None) -> Trunk:
    """Let a number's calls come to `sip_url`: over that trunk, or ours, made if there is none.

    Raises TrunkNotAtTwilio.
    """
    trunk = await find_trunk(account, sid)
    if trunk is None and sid is not None:
        raise TrunkNotAtTwilio(sid)
    trunk = trunk or await make_trunk(account)
    await send_calls_to(account, trunk, sip_url)
    await attach(account, trunk, number)
    return trunk


async def attach(account: TwilioAccount, trunk: Trunk, number: Owned) -> None:
    """Put a number on the trunk, off any other. Harmless twice."""
    if number.trunk_sid == trunk.sid:
        return
    with in_words():
        trunks = account.client.trunking.v1.trunks
        if number.trunk_sid is not None:
            await trunks(number.trunk_sid).phone_numbers(number.sid).delete_async()
        await trunks(trunk.sid).phone_numbers.create_async(phone_number_sid=number.sid)
