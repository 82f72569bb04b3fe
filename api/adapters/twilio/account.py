"""A Twilio account that is spoken to: its client, open for as long as it is needed."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response
from twilio.rest import Client

from api.adapters.twilio.errors import TwilioDenied, TwilioNotSet, TwilioOdd, TwilioRefused
from api.adapters.twilio.transport import DEADLINE_SECONDS, Transport
from billing.kit.errors import PrimelineError
from billing.kit.settings import Settings

UNAUTHORIZED: Final = 401


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """An open client of Twilio's library; its classes have no types."""

    client: Any


@asynccontextmanager
async def open_account(
    settings: Settings, *, deadline_seconds: float = DEADLINE_SECONDS
) -> AsyncIterator[TwilioAccount]:
    """Open the account of the settings; raises TwilioNotSet where there is none."""
    sid, token = settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value()
    if not sid or not token:
        raise TwilioNotSet("PRIMELINE_TWILIO_ACCOUNT_SID", "PRIMELINE_TWILIO_AUTH_TOKEN")
    async with Transport(settings.twilio_api_url, deadline_seconds=deadline_seconds) as transport:
        # An environment of its own: TWILIO_REGION and the like belong to other programs.
        client = Client(sid, token, http_client=transport, environment={"": ""})
        yield TwilioAccount(client)


@contextmanager
def in_words() -> Iterator[None]:
    """Turn every error of Twilio's library into one of ours."""
    try:
        yield
    except TwilioRestException as error:
        raise _refused(error.status, error.code, error.msg) from error
    except TwilioServiceException as error:
        raise _refused(error.status, error.code, error.detail or error.title) from error
    except TwilioException as error:
        # Of a list the library only says that it failed, and hands the answer over.
        answer = error.args[-1]
        if not isinstance(answer, Response):
            raise TwilioOdd from error
        raise _refused(answer.status_code, *_read(answer.text)) from error
    except (ValueError, KeyError, TypeError) as error:
        # A body that is no JSON, or JSON without what must be in it.
        raise TwilioOdd from error


def _refused(status: int, number: int | None, message: str) -> PrimelineError:
    if status == UNAUTHORIZED:
        return TwilioDenied()
    return TwilioRefused(status, number or status, message)


def _read(text: str) -> tuple[int | None, str]:
    """Give Twilio's own number and sentence of an error's body."""
    try:
        body = json.loads(text)
        return int(body["code"]), str(body["message"])
    except (ValueError, KeyError, TypeError):
        return None, "it gives no reason"
