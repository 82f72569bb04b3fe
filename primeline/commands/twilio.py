"""`primeline twilio`: numbers from Twilio."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer

from api.adapters.twilio import buying, numbers, trunks
from api.adapters.twilio.account import TwilioAccount, open_account
from api.adapters.twilio.errors import TwilioNotSet
from api.adapters.twilio.values import NumberType, Offer, Owned
from billing.kit.database import Sessions, make_engine, make_sessions
from billing.kit.settings import Settings
from primeline.commands.common import (
    STATEMENT_TIMEOUT_MS,
    JsonOption,
    show_list,
    show_one,
)
from primeline.running import find_settings

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Numbers from Twilio.")

NumberArgument = Annotated[str, typer.Argument(help="Like +33 1 99 00 12 34")]
TrunkOption = Annotated[
    str | None, typer.Option(help="The SIP trunk's id at Twilio; without it the setting's, or ours")
]


def _with_twilio(work: Callable[[Sessions, TwilioAccount, Settings], Awaitable[T]]) -> T:
    async def run() -> T:
        settings = find_settings()
        engine = make_engine(settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        try:
            async with open_account(settings) as account:
                return await work(make_sessions(engine), account, settings)
        finally:
            await engine.dispose()

    return asyncio.run(run())


@app.command()
def search(
    country: Annotated[str, typer.Argument(help="FR, GB, US …")],
    kind: Annotated[NumberType, typer.Option(help="What kind of number")] = NumberType.LOCAL,
    contains: Annotated[
        str | None, typer.Option(help="Digits it has in a row; * for any one")
    ] = None,
    sms: Annotated[bool, typer.Option("--sms", help="Only those that can send SMS")] = False,
    limit: Annotated[int, typer.Option(help="How many at most", min=1, max=1_000)] = 20,
    as_json: JsonOption = False,
) -> None:
    """Look for numbers that can be bought."""

    async def work(_sessions: Sessions, account: TwilioAccount, _: Settings) -> list[Offer]:
        return await numbers.search(
            account, country, kind, contains=contains, sms=sms or None, limit=limit
        )

    rows = [
        {"number": one.e164, "country": one.country, "sms": one.sms, "address_needed": one.address}
        for one in _with_twilio(work)
    ]
    show_list(rows, title="Numbers at Twilio", as_json=as_json)


@app.command()
def buy(
    number: NumberArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask")] = False,
    as_json: JsonOption = False,
) -> None:
    """Buy a number: this costs money, now and every month. Asked twice, it is bought once."""
    if not yes:
        typer.confirm(f"Buy {number}? Twilio charges for it now and every month", abort=True)

    async def work(sessions: Sessions, account: TwilioAccount, _: Settings) -> Owned:
        return await buying.buy(sessions, account, number, actor=getpass.getuser())

    show_one(_values(_with_twilio(work)), as_json=as_json)


@app.command()
def attach(
    number: NumberArgument,
    trunk: TrunkOption = None,
    webhook: Annotated[
        bool, typer.Option("--webhook", help="No trunk: Twilio asks our API about each call")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send a number's calls to us: over the SIP trunk, made if there is none, or by webhook."""

    async def work(sessions: Sessions, account: TwilioAccount, settings: Settings) -> Owned:
        found = await buying.owned(account, number)
        if webhook:
            detail = {"webhook": await _use_webhook(account, settings, found)}
        else:
            detail = {"trunk": await _use_trunk(account, settings, found, trunk)}
        async with sessions.begin() as s:
            await buying.note_attached(s, found, actor=getpass.getuser(), **detail)
        return await buying.owned(account, number)

    show_one(_values(_with_twilio(work)), as_json=as_json)


async def _use_trunk(
    account: TwilioAccount, settings: Settings, number: Owned, sid: str | None
) -> str:
    if settings.sip_address is None:
        raise TwilioNotSet("PRIMELINE_SIP_ADDRESS")
    wanted = sid or settings.twilio_trunk_sid
    used = await trunks.use(account, number, sip_url=settings.sip_address, sid=wanted)
    return used.sid


async def _use_webhook(account: TwilioAccount, settings: Settings, number: Owned) -> str:
    if settings.public_url is None or settings.sip_address is None:
        raise TwilioNotSet("PRIMELINE_PUBLIC_URL", "PRIMELINE_SIP_ADDRESS")
    base = settings.public_url.rstrip("/")
    voice_url = f"{base}/v1/twilio/voice"
    await numbers.use_webhook(
        account, number.sid, voice_url=voice_url, status_url=f"{base}/v1/twilio/status"
    )
    return voice_url


@app.command()
def release(
    number: NumberArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask")] = False,
    as_json: JsonOption = False,
) -> None:
    """Give a number up, for good; one that is at work here is refused."""
    if not yes:
        typer.confirm(f"Give {number} up? Anybody may buy it then", abort=True)

    async def work(sessions: Sessions, account: TwilioAccount, _: Settings) -> Owned:
        return await buying.release(sessions, account, number, actor=getpass.getuser())

    show_one(_values(_with_twilio(work)), as_json=as_json)


@app.command()
def sync(as_json: JsonOption = False) -> None:
    """Compare Twilio's numbers with ours; nothing is changed."""

    async def work(
        sessions: Sessions, account: TwilioAccount, _: Settings
    ) -> list[buying.Compared]:
        async with sessions() as s:
            return await buying.compare(s, account)

    rows = [
        {
            "number": one.e164,
            "at_twilio": one.at_twilio,
            "here": one.here,
            "trunk": one.trunk_sid,
            "next": _next_step(one),
        }
        for one in _with_twilio(work)
    ]
    show_list(rows, title="Numbers at Twilio and here", as_json=as_json)


def _next_step(one: buying.Compared) -> str | None:
    if one.at_twilio and not one.here:
        return f"primeline number add {one.e164}"
    if one.here and not one.at_twilio:
        return "of another carrier, or lost"
    return None


def _values(number: Owned) -> dict[str, Any]:
    return {
        "number": number.e164,
        "sid": number.sid,
        "trunk": number.trunk_sid,
        "webhook": number.voice_url,
    }
