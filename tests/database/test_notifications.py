"""Messages queued with what causes them and sent once; receipts for those who want them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, text

from api import jobs
from api.adapters.twilio.messages import TwilioSms
from billing.accounts import service as accounts
from billing.calls import service as calls
from billing.calls.followup import FollowUp
from billing.calls.receipts import queue_receipt, receipt_text
from billing.calls.values import EndReason, Interval
from billing.kit.clock import to_ms
from billing.kit.database import Sessions
from billing.kit.settings import Settings
from billing.notifications import service
from billing.notifications.models import Notification
from billing.notifications.service import NotSent
from billing.notifications.values import Message, NotSendable, Sender
from dialplan.prompts.testvoice import TestVoice
from primeline.fake_twilio.server import FakeTwilio, Mishap
from tests.database.world import CALLER, NOW, World, eur
from tests.twilio import fake_twilio, settings_for

GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)


FRENCH_END = "Crédit restant : 1 238,80 €."


@dataclass
class Recorder:
    """A sender that does what it is told and remembers."""

    sent: list[Message] = field(default_factory=list)
    known: dict[str, list[str]] = field(default_factory=dict)
    error: Exception | None = None
    asked: int = 0

    async def find(self, message: Message) -> list[str]:
        self.asked += 1
        return self.known.get(message.text, [])

    async def send(self, message: Message) -> str:
        if self.error is not None:
            raise self.error
        self.sent.append(message)
        return f"id-{len(self.sent)}"


async def queue(sessions: Sessions, key: str = "one", body: str = "hello") -> UUID:
    async with sessions.begin() as s:
        await service.queue(s, key=key, to_e164="+33639980200", text=body, at=NOW)
        found = await s.scalar(select(Notification.id).where(Notification.key == key))
    assert found is not None
    return found


async def row(sessions: Sessions, notification_id: UUID) -> Notification:
    async with sessions() as s:
        return await s.get_one(Notification, notification_id)


async def job_count(sessions: Sessions, name: str) -> int:
    async with sessions() as s:
        count = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :name")
        return int(await s.scalar(count, {"name": name}) or 0)


async def test_a_message_is_queued_once_for_its_key_and_only_by_a_commit(
    sessions: Sessions,
) -> None:
    async with sessions() as s:
        await service.queue(s, key="one", to_e164="+33639980200", text="lost", at=NOW)
        await s.rollback()
    assert await job_count(sessions, "send-notification") == 0
    first = await queue(sessions)
    assert await queue(sessions, body="other words") == first
    assert await job_count(sessions, "send-notification") == 1
    assert (await row(sessions, first)).text == "hello"


async def test_a_message_is_sent_once_whatever_the_job_does(sessions: Sessions) -> None:
    notification, sender = await queue(sessions), Recorder()
    for _ in range(3):
        await jobs.send(sessions, sender, notification)
    assert [message.text for message in sender.sent] == ["hello"]
    kept = await row(sessions, notification)
    assert (kept.state, kept.provider_id, kept.tries) == ("sent", "id-1", 1)


async def test_a_message_whose_answer_was_lost_is_looked_up_and_not_sent_again(
    sessions: Sessions,
) -> None:
    notification, sender = await queue(sessions), Recorder(error=NotSent("no answer"))
    with pytest.raises(NotSent):
        await jobs.send(sessions, sender, notification)
    assert (await row(sessions, notification)).state == "queued"
    sender.error, sender.known = None, {"hello": ["SM1"]}
    await jobs.send(sessions, sender, notification)
    assert sender.sent == []
    kept = await row(sessions, notification)
    assert (kept.state, kept.provider_id, kept.tries) == ("sent", "SM1", 2)


async def test_a_message_refused_for_good_fails_at_once_and_one_refused_often_at_last(
    sessions: Sessions,
) -> None:
    refused = await queue(sessions)
    await jobs.send(sessions, Recorder(error=NotSendable("no such phone")), refused)
    kept = await row(sessions, refused)
    assert (kept.state, kept.failure, kept.tries) == ("failed", "no such phone", 1)
    away, sender = await queue(sessions, "two"), Recorder(error=NotSent("away"))
    for _ in range(service.TRIES - 1):
        with pytest.raises(NotSent):
            await jobs.send(sessions, sender, away)
    await jobs.send(sessions, sender, away)
    assert (await row(sessions, away)).state == "failed"


@pytest.fixture
async def fake() -> AsyncIterator[FakeTwilio]:
    async with fake_twilio() as one:
        yield one


def sms(fake: FakeTwilio) -> Sender:
    return TwilioSms(settings_for(fake, twilio_sms_from="+33639980202"))


MESSAGE = Message(UUID(int=1), "+33639980200", "hello", datetime.now(UTC))


async def test_twilio_sends_a_text_and_finds_it_again(fake: FakeTwilio) -> None:
    sender = sms(fake)
    assert await sender.find(MESSAGE) == []
    sent = await sender.send(MESSAGE)
    (message,) = fake.account.messages
    assert (message["sid"], message["to"], message["body"]) == (sent, "+33639980200", "hello")
    assert await sender.find(MESSAGE) == [sent]


async def test_what_twilio_refuses_in_words_is_refused_for_good(fake: FakeTwilio) -> None:
    with pytest.raises(NotSendable, match="To"):
        await sms(fake).send(Message(UUID(int=1), "0639980200", "hello", NOW))
    assert fake.account.messages == []


async def test_an_sms_whose_answer_is_lost_reaches_the_phone_once(
    fake: FakeTwilio, sessions: Sessions
) -> None:
    notification, sender = await queue(sessions), sms(fake)
    fake.mishaps.append(Mishap("CreateMessage", "cut"))
    with pytest.raises(NotSent):
        await jobs.send(sessions, sender, notification)
    async with sessions.begin() as s:
        await s.execute(text("UPDATE notifications SET queued_at = now()"))
    await jobs.send(sessions, sender, notification)
    assert len(fake.account.messages) == 1
    assert (await row(sessions, notification)).state == "sent"


async def test_two_messages_of_the_same_words_both_reach_the_phone_whichever_answer_is_lost(
    fake: FakeTwilio, sessions: Sessions
) -> None:
    first, second = await queue(sessions), await queue(sessions, "two")
    sender = sms(fake)
    fake.mishaps.append(Mishap("CreateMessage", "down"))
    with pytest.raises(NotSent):
        await jobs.send(sessions, sender, first)
    fake.mishaps.append(Mishap("CreateMessage", "cut"))
    with pytest.raises(NotSent):
        await jobs.send(sessions, sender, second)
    assert len(fake.account.messages) == 1
    async with sessions.begin() as s:
        await s.execute(text("UPDATE notifications SET queued_at = now()"))
    for one in (first, second):
        await jobs.send(sessions, sender, one)
    ids = {(await row(sessions, one)).provider_id for one in (first, second)}
    assert ids == {message["sid"] for message in fake.account.messages}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en",
            "Primeline: your call to +33199001234 cost €1.20 for 60 s. Credit left: €1,238.80.",
        ),
        ("fr", "Primeline : votre appel au +33199001234 : 1,20 € pour 60 s. " + FRENCH_END),
    ],
)
def test_a_receipt_says_it_all_in_one_sms(language: str, expected: str) -> None:
    said = receipt_text(
        language,
        number="+33199001234",
        charge=eur("1.20"),
        seconds=60,
        available=eur("1238.80"),
    )
    assert said == expected
    assert set(said) <= set(GSM)
    assert len(said) + said.count("€") <= 160


@pytest.mark.parametrize(
    ("setting", "chosen", "sent"),
    [(False, None, 0), (True, None, 1), (False, True, 1), (True, False, 0)],
)
async def test_a_charged_call_brings_a_receipt_to_whoever_wants_one(
    world: World,
    fake: FakeTwilio,
    fresh_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    setting: bool,
    chosen: bool | None,
    sent: int,
) -> None:
    voices = {"en": TestVoice("en")}
    monkeypatch.setattr(jobs, "voices", lambda _tree: voices)
    await world.top_up("10.00")
    async with world.sessions.begin() as s:
        await accounts.set_receipts(s, world.account_id, chosen)
    await world.paid_call(60)
    settings: Settings = settings_for(
        fake,
        fresh_database,
        twilio_sms_from="+33639980202",
        receipts_by_sms=setting,
        prompts_dir=tmp_path,
    )
    app = jobs.make_app(settings, world.sessions)
    async with app.open_async():
        for _ in range(2):
            await app.run_worker_async(wait=False, install_signal_handlers=False)
    assert len(fake.account.messages) == sent
    if sent:
        (message,) = fake.account.messages
        assert message["to"] == CALLER
        assert "€1.20 for 60 s" in message["body"]
        assert "€8.80" in message["body"]


@pytest.mark.parametrize(
    ("silent", "by_default", "chosen", "jobs_put_off"),
    [
        (False, False, None, []),
        (False, True, False, []),
        (True, False, None, ["render-prompts"]),
        (False, True, None, ["call-charged"]),
        (True, False, True, ["call-charged"]),
    ],
)
async def test_a_settlement_puts_off_only_what_is_needed(
    world: World, silent: bool, by_default: bool, chosen: bool | None, jobs_put_off: list[str]
) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    start = to_ms(NOW)
    async with world.sessions.begin() as s:
        await accounts.set_receipts(s, world.account_id, chosen)
        await s.execute(text("DELETE FROM procrastinate_jobs"))
        settled = await calls.settle(
            s,
            call_id,
            intervals=[Interval(start, start + 60_000)],
            reason=EndReason.CALLER_HUNG_UP,
            no_payer=None,
            at=NOW,
            follow_up=FollowUp(lambda _: silent, by_default),
        )
        found = (await s.execute(text("SELECT task_name, args FROM procrastinate_jobs"))).all()
    assert settled.split is not None
    assert settled.split.charge == eur("1.20")
    assert [name for name, _ in found] == jobs_put_off
    for _, arguments in found:
        amounts = [[eur("1.20").amount, "EUR"], [eur("8.80").amount, "EUR"]]
        assert arguments["amounts"] == (amounts if silent else [])


async def test_a_landline_gets_no_receipt(world: World) -> None:
    await world.top_up("10.00")
    async with world.sessions.begin() as s:
        await s.execute(text("UPDATE caller_numbers SET e164 = '+33142868200'"))
    call_id = await world.paid_call(60)
    async with world.sessions.begin() as s:
        assert not await queue_receipt(s, call_id, wanted_by_default=True, at=NOW)
