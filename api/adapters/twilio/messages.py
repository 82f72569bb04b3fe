"""SMS by Twilio: a sender of `billing.notifications`."""

from datetime import timedelta
from typing import Final

from api.adapters.twilio.account import in_words, open_account
from api.adapters.twilio.errors import TwilioNotSet, TwilioRefused
from billing.kit.settings import Settings
from billing.notifications.values import Message, NotSendable

LOOKED_THROUGH: Final = 100
CLOCKS_DIFFER: Final = timedelta(minutes=5)


class TwilioSms:
    """Sends short texts from PRIMELINE_TWILIO_SMS_FROM."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def find(self, message: Message) -> list[str]:
        """Look among the messages to that phone since it was queued, by their text."""
        since = message.queued_at - CLOCKS_DIFFER
        async with open_account(self._settings) as account:
            with in_words():
                found = await account.client.messages.list_async(
                    to=message.to_e164, date_sent_after=since, limit=LOOKED_THROUGH
                )
        return [str(one.sid) for one in found if one.body == message.text]

    async def send(self, message: Message) -> str:
        """Send; what Twilio refuses in words is refused for good."""
        sender = self._settings.twilio_sms_from
        if sender is None:
            raise TwilioNotSet("PRIMELINE_TWILIO_SMS_FROM")
        async with open_account(self._settings) as account:
            try:
                with in_words():
                    sent = await account.client.messages.create_async(
                        to=message.to_e164, from_=sender, body=message.text
                    )
                    return str(sent.sid)
            except TwilioRefused as refused:
                raise NotSendable(refused.sentence) from refused
