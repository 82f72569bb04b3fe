"""Numbers bought from Twilio, against a fake that knows Twilio's OpenAPI files."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from typer.testing import CliRunner

from api.adapters.twilio import buying, errors, numbers, trunks
from api.adapters.twilio.account import TwilioAccount, open_account
from api.adapters.twilio.values import NumberType
from billing.catalogue import purchases
from billing.catalogue import service as catalogue
from billing.catalogue.purchases import PurchaseUnderWay
from billing.kit.database import Sessions
from billing.kit.errors import PrimelineError
from billing.kit.models import AuditEntry
from billing.kit.phones import NumberInvalid
from billing.kit.settings import Settings
from primeline.cli import app
from primeline.fake_twilio.account import AUTH_TOKEN
from primeline.fake_twilio.server import FakeTwilio, Mishap
from tests.database.world import NOW
from tests.twilio import SIP_ADDRESS, fake_twilio, names, settings_for

WANTED = "+33199000203"
OTHER = "+33199000204"


@pytest.fixture
async def fake() -> AsyncIterator[FakeTwilio]:
    async with fake_twilio() as one:
        yield one


@pytest.fixture
async def account(fake: FakeTwilio) -> AsyncIterator[TwilioAccount]:
    async with open_account(settings_for(fake), deadline_seconds=0.5) as one:
        yield one


async def buy(sessions: Sessions, account: TwilioAccount, number: str = WANTED) -> Any:
    return await buying.buy(sessions, account, number, actor="tester")


async def audited(sessions: Sessions) -> list[tuple[str, str]]:
    async with sessions() as s:
        rows = await s.execute(select(AuditEntry.action, AuditEntry.subject_id))
        return [(action, subject) for action, subject in rows]


async def states(sessions: Sessions) -> list[str]:
    async with sessions() as s:
        return [row.state for row in await purchases.list_purchases(s)]


async def test_numbers_are_found_by_country_kind_digits_and_sms(account: TwilioAccount) -> None:
    assert len(await numbers.search(account, "fr")) == 12
    assert len(await numbers.search(account, "FR", limit=5)) == 5
    (found,) = await numbers.search(account, "FR", contains="*203")
    assert (found.e164, found.country, found.sms, found.address) == (WANTED, "FR", False, "none")
    assert await numbers.search(account, "FR", sms=True) == []
    assert len(await numbers.search(account, "FR", NumberType.MOBILE, sms=True)) == 3


async def test_a_number_is_bought_once_and_audited(
    sessions: Sessions, account: TwilioAccount, fake: FakeTwilio
) -> None:
    first = await buy(sessions, account)
    assert await buy(sessions, account, "+33 1 99 00 02 03") == first
    assert fake.account.purchases == [WANTED]
    assert await states(sessions) == ["bought"]
    assert await audited(sessions) == [("bought", WANTED)]


@pytest.mark.parametrize("kind", ["lost", "cut"])
async def test_a_purchase_without_an_answer_is_looked_up_before_it_is_asked_again(
    sessions: Sessions, account: TwilioAccount, fake: FakeTwilio, kind: Literal["lost", "cut"]
) -> None:
    fake.mishaps.append(Mishap("CreateIncomingPhoneNumber", kind))
    with pytest.raises(errors.TwilioSilent):
        await buy(sessions, account)
    assert await states(sessions) == ["wanted"]
    number = await buy(sessions, account)
    assert number.e164 == WANTED
    assert fake.account.purchases == [WANTED]
    assert await states(sessions) == ["bought"]


async def test_a_purchase_that_failed_on_twilios_side_is_made_by_the_next_try(
    sessions: Sessions, account: TwilioAccount, fake: FakeTwilio
) -> None:
    fake.mishaps.append(Mishap("CreateIncomingPhoneNumber", "down"))
    with pytest.raises(errors.TwilioSilent):
        await buy(sessions, account)
    assert fake.account.purchases == []
    await buy(sessions, account)
    assert fake.account.purchases == [WANTED]


async def test_two_who_buy_the_same_number_at_once_buy_it_once(
    sessions: Sessions, account: TwilioAccount, fake: FakeTwilio
) -> None:
    async with sessions.begin() as s:
        purchase = await purchases.intend(s, WANTED, provider="twilio", asked_by="x", at=NOW)
    async with sessions.begin() as s:
        await purchases.take(s, purchase)
        with pytest.raises(PurchaseUnderWay):
            await buy(sessions, account)
    assert fake.account.purchases == []


async def test_a_number_that_twilio_does_not_sell_is_refused_in_words(
    sessions: Sessions, account: TwilioAccount
) -> None:
    with pytest.raises(errors.TwilioRefused, match=r"not available.*21422"):
        await buy(sessions, account, "+33199009999")
    assert await states(sessions) == ["refused"]
    assert await audited(sessions) == [("not-bought", "+33199009999")]
    with pytest.raises(NumberInvalid):
        await buy(sessions, account, "Paris")


async def test_a_number_is_put_on_a_trunk_that_sends_its_calls_to_us(
    sessions: Sessions, account: TwilioAccount, fake: FakeTwilio
) -> None:
    number = await buy(sessions, account)
    assert await trunks.find_trunk(account, None) is None
    trunk = await trunks.make_trunk(account)
    await trunks.send_calls_to(account, trunk, SIP_ADDRESS)
    await trunks.attach(account, trunk, number)
    found = await trunks.find_trunk(account, trunk.sid)
    assert found is not None
    assert found.sip_urls == (SIP_ADDRESS,)
    again = await buying.owned(account, WANTED)
    assert again.trunk_sid == trunk.sid
    before = len(fake.asked)
    await trunks.send_calls_to(account, found, SIP_ADDRESS)
    await trunks.attach(account, found, again)
    assert len(fake.asked) == before
    other = await trunks.make_trunk(account)
    await trunks.attach(account, other, again)
    assert (await buying.owned(account, WANTED)).trunk_sid == other.sid


async def test_a_number_at_work_is_not_given_up(
    sessions: Sessions, account: TwilioAccount, fake: FakeTwilio
) -> None:
    await buy(sessions, account)
    async with sessions.begin() as s:
        await catalogue.add_number(s, number=WANTED, kind="menu", at=NOW)
    with pytest.raises(buying.NumberAtWork):
        await buying.release(sessions, account, WANTED, actor="tester")
    async with sessions.begin() as s:
        await s.execute(text("UPDATE numbers SET open = false"))
    await buying.release(sessions, account, WANTED, actor="tester")
    assert fake.account.numbers == {}
    assert await states(sessions) == ["released"]
    with pytest.raises(buying.NumberNotAtTwilio):
        await buying.release(sessions, account, WANTED, actor="tester")
    await buy(sessions, account)
    assert sorted(await states(sessions)) == ["bought", "released"]


async def test_a_number_whose_release_broke_off_is_bought_anew_with_a_purchase_of_its_own(
    sessions: Sessions,
    account: TwilioAccount,
    fake: FakeTwilio,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = await buy(sessions, account)

    async def die(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(purchases, "released", die)
    with pytest.raises(ConnectionError):
        await buying.release(sessions, account, WANTED, actor="tester")
    assert fake.account.numbers == {}
    assert await states(sessions) == ["bought"]
    second = await buy(sessions, account)
    assert await buy(sessions, account) == second
    assert fake.account.purchases == [WANTED, WANTED]
    async with sessions() as s:
        kept = {row.state: row.provider_id for row in await purchases.list_purchases(s)}
    assert kept == {"released": first.sid, "bought": second.sid}
    assert sorted(await audited(sessions)) == [
        ("bought", WANTED),
        ("bought", WANTED),
        ("released", WANTED),
    ]


async def test_a_purchase_that_another_closed_meanwhile_is_not_made(
    sessions: Sessions, account: TwilioAccount
) -> None:
    number = await buy(sessions, account)
    async with sessions.begin() as s:
        purchase = await purchases.intend(s, WANTED, provider="twilio", asked_by="x", at=NOW)
        await purchases.released(s, WANTED, number.sid, NOW)
    async with sessions.begin() as s:
        with pytest.raises(PurchaseUnderWay):
            await purchases.take(s, purchase)


async def test_numbers_here_and_there_are_compared_over_all_pages(
    sessions: Sessions, account: TwilioAccount, monkeypatch: pytest.MonkeyPatch, fake: FakeTwilio
) -> None:
    monkeypatch.setattr(numbers, "PAGE", 1)
    for number in (WANTED, OTHER):
        await buy(sessions, account, number)
    async with sessions.begin() as s:
        for number in (OTHER, "+33199001234"):
            await catalogue.add_number(s, number=number, kind="menu", at=NOW)
    async with sessions() as s:
        compared = await buying.compare(s, account)
    assert [(one.e164, one.at_twilio, one.here) for one in compared] == [
        (WANTED, True, False),
        (OTHER, True, True),
        ("+33199001234", False, True),
    ]
    assert len([name for name in names(fake) if name == "ListIncomingPhoneNumber"]) >= 4


@pytest.mark.parametrize("retry_after", [None, "1"])
async def test_busy_is_waited_for(
    account: TwilioAccount, fake: FakeTwilio, retry_after: str | None
) -> None:
    fake.mishaps.append(Mishap("ListIncomingPhoneNumber", "busy", retry_after))
    assert await numbers.list_owned(account) == []
    assert len(fake.asked) == 2


async def test_busy_for_long_is_said_at_once(
    sessions: Sessions, account: TwilioAccount, fake: FakeTwilio
) -> None:
    fake.mishaps.append(Mishap("CreateIncomingPhoneNumber", "busy", "120"))
    with pytest.raises(errors.TwilioBusy, match="120 s"):
        await buy(sessions, account)
    assert fake.account.purchases == []


READ_MISHAPS: list[tuple[Any, type[PrimelineError]]] = [
    ("lost", errors.TwilioAway),
    ("garbage", errors.TwilioOdd),
]


@pytest.mark.parametrize(("kind", "error"), READ_MISHAPS)
async def test_an_answer_that_is_no_answer_is_an_error_in_words(
    account: TwilioAccount,
    fake: FakeTwilio,
    kind: Literal["lost", "garbage"],
    error: type[PrimelineError],
) -> None:
    fake.mishaps.append(Mishap("ListTrunk", kind))
    with pytest.raises(error):
        await trunks.find_trunk(account, None)


async def test_down_is_asked_again_for_what_changes_nothing(
    account: TwilioAccount, fake: FakeTwilio
) -> None:
    down = Mishap("ListTrunk", "down")
    fake.mishaps += [down, down]
    assert await trunks.find_trunk(account, None) is None
    fake.mishaps += [down, down, down]
    with pytest.raises(errors.TwilioAway, match="503"):
        await trunks.find_trunk(account, None)


async def test_without_a_server_or_a_login_it_is_said_so(fake: FakeTwilio) -> None:
    nobody = Settings(
        database_url="postgresql://x/y",
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token=SecretStr("x"),
        twilio_api_url="http://127.0.0.1:1",
    )
    async with open_account(nobody) as account:
        with pytest.raises(errors.TwilioAway):
            await numbers.list_owned(account)
    wrong = settings_for(fake).model_copy(update={"twilio_account_sid": "AC" + "0" * 32})
    async with open_account(wrong) as account:
        with pytest.raises(errors.TwilioDenied):
            await numbers.list_owned(account)
    with pytest.raises(errors.TwilioNotSet, match="PRIMELINE_TWILIO_ACCOUNT_SID"):
        async with open_account(Settings(database_url="postgresql://x/y")):
            pass


async def test_neither_the_token_nor_a_whole_request_is_logged(
    account: TwilioAccount, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await numbers.find(account, WANTED)
    assert AUTH_TOKEN not in caplog.text
    assert WANTED not in caplog.text


@pytest.fixture
def run(
    fake: FakeTwilio, fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    values = settings_for(fake, fresh_database)
    for name, value in {
        "DATABASE_URL": fresh_database,
        "TWILIO_ACCOUNT_SID": values.twilio_account_sid or "",
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_API_URL": fake.url,
        "SIP_ADDRESS": SIP_ADDRESS,
        "PUBLIC_URL": "https://primeline.example.org",
    }.items():
        monkeypatch.setenv(f"PRIMELINE_{name}", value)
    monkeypatch.setenv("COLUMNS", "200")

    async def type_in(*words: str) -> Any:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["twilio", *words])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if "--json" in words else result.stdout

    return type_in


async def test_the_commands_take_a_number_from_search_to_release(
    run: Callable[..., Any], fake: FakeTwilio
) -> None:
    (offer,) = await run("search", "FR", "--contains", "203", "--json")
    assert offer["number"] == WANTED
    bought = await run("buy", WANTED, "--yes", "--json")
    assert bought["trunk"] is None
    attached = await run("attach", WANTED, "--json")
    assert attached["trunk"] in fake.account.trunks
    (origination,) = fake.account.origination[attached["trunk"]]
    assert origination["sip_url"] == SIP_ADDRESS
    assert f"primeline number add {WANTED}" in await run("sync")
    hooked = await run("attach", WANTED, "--webhook", "--json")
    assert hooked["webhook"] == "https://primeline.example.org/v1/twilio/voice"
    await run("release", WANTED, "--yes")
    assert await run("sync", "--json") == []
