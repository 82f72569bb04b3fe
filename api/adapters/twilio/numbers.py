"""Numbers at Twilio: looked for, looked up, bought, given up."""

from typing import Any, Final

from api.adapters.twilio.account import TwilioAccount, in_words
from api.adapters.twilio.errors import TwilioRefused
from api.adapters.twilio.values import NumberType, Offer, Owned

GONE: Final = 404
PAGE: Final = 100


async def search(
    account: TwilioAccount,
    country: str,
    kind: NumberType = NumberType.LOCAL,
    *,
    contains: str | None = None,
    sms: bool | None = None,
    limit: int = 20,
) -> list[Offer]:
    """List numbers that can be bought and called; `contains`: digits, `*` for any one.

    Raises TwilioRefused for a country in which Twilio has none of that kind.
    """
    wanted: dict[str, Any] = {"voice_enabled": True, "limit": limit}
    if contains is not None:
        wanted["contains"] = contains
    if sms is not None:
        wanted["sms_enabled"] = sms
    with in_words():
        offered = account.client.available_phone_numbers(country.upper())
        lists = {
            NumberType.LOCAL: offered.local,
            NumberType.MOBILE: offered.mobile,
            NumberType.TOLL_FREE: offered.toll_free,
        }
        return [
            Offer(
                e164=one.phone_number,
                country=one.iso_country,
                voice=bool(one.capabilities.get("voice")),
                sms=bool(one.capabilities.get("SMS", one.capabilities.get("sms"))),
                address=one.address_requirements or "none",
            )
            for one in await lists[kind].list_async(**wanted)
        ]


async def list_owned(account: TwilioAccount) -> list[Owned]:
    """List all numbers of the account."""
    with in_words():
        found = await account.client.incoming_phone_numbers.list_async(page_size=PAGE)
        return [_owned(one) for one in found]


async def find(account: TwilioAccount, e164: str) -> Owned | None:
    """Give a number if the account has it."""
    with in_words():
        found = await account.client.incoming_phone_numbers.list_async(phone_number=e164, limit=1)
        return _owned(found[0]) if found else None


async def buy(account: TwilioAccount, e164: str) -> Owned:
    """Buy a number: this costs money at once and every month.

    Raises TwilioSilent where it isn't known whether it was bought: look it up before asking again.
    """
    with in_words():
        made = await account.client.incoming_phone_numbers.create_async(phone_number=e164)
        return _owned(made)


async def release(account: TwilioAccount, sid: str) -> None:
    """Give a number up; anybody may buy it next. Harmless twice."""
    try:
        with in_words():
            await account.client.incoming_phone_numbers(sid).delete_async()
    except TwilioRefused as error:
        if error.status != GONE:
            raise


async def use_webhook(
    account: TwilioAccount, sid: str, *, voice_url: str, status_url: str
) -> Owned:
    """Let Twilio ask us over HTTP what to do with each call of a number."""
    with in_words():
        changed = await account.client.incoming_phone_numbers(sid).update_async(
            voice_url=voice_url,
            voice_method="POST",
            status_callback=status_url,
            status_callback_method="POST",
        )
        return _owned(changed)


def _owned(one: Any) -> Owned:
    return Owned(one.sid, one.phone_number, one.trunk_sid or None, one.voice_url or None)
