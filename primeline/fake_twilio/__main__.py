"""`python -m primeline.fake_twilio`: the fake in this terminal, until Ctrl-C."""

import asyncio
import sys
from contextlib import suppress
from typing import Final

from billing.kit.errors import PrimelineError
from primeline.fake_twilio.account import ACCOUNT_SID, AUTH_TOKEN
from primeline.fake_twilio.fetch import fetch
from primeline.fake_twilio.server import serving
from primeline.fake_twilio.specification import Specification

PORT: Final = 8488


async def serve() -> None:
    """Serve until interrupted, having said what the commands need to find it."""
    async with serving(Specification(fetch()), port=PORT) as fake:
        sys.stdout.write(
            f"export PRIMELINE_TWILIO_API_URL={fake.url}\n"
            f"export PRIMELINE_TWILIO_ACCOUNT_SID={ACCOUNT_SID}\n"
            f"export PRIMELINE_TWILIO_AUTH_TOKEN={AUTH_TOKEN}\n"
        )
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(serve())
    except PrimelineError as error:
        sys.exit(error.sentence)
