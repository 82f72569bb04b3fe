"""The bodies of the background jobs; `billing` defers them by name."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import procrastinate
import structlog
from sqlalchemy.engine import make_url

from api import messages
from api import worker_metrics as metrics
from api.adapters.twilio.messages import TwilioSms
from billing.calls import cel_trimming, sweeper
from billing.calls.receipts import queue_receipt
from billing.calls.recovery import MEDIA_SECONDS
from billing.catalogue import service as catalogue
from billing.kit import audit
from billing.kit.clock import now
from billing.kit.database import Sessions
from billing.kit.jobs import VOICE_QUEUE, defer
from billing.kit.settings import Settings
from billing.money.values import Money
from billing.monitoring import security, states
from billing.notifications import service as notifications
from billing.notifications.values import Sender
from billing.reconciliation.asterisk import nightly, results
from billing.tariffs import snapshot
from dialplan.prompts.catalogue import LANGUAGES
from dialplan.prompts.needed import amount_phrases
from dialplan.prompts.programs import best_voice
from dialplan.prompts.store import PromptStore
from dialplan.prompts.values import Phrase
from dialplan.prompts.voices import NoVoice, Voice

log = structlog.get_logger(__name__)

TRIES = 5
SECONDS_BETWEEN_TRIES = 10


def phrases_of(
    *,
    tariffs: Sequence[dict[str, Any]] = (),
    amounts: Sequence[tuple[int, str]] = (),
    names: Sequence[str] = (),
    free_seconds: Sequence[int] = (),
    currencies: Sequence[str] = (),
) -> Iterator[Phrase]:
    """Give the phrases that a job's arguments ask for: JSON on the left, values on the right."""
    for frozen in tariffs:
        tariff = snapshot.from_json(frozen)
        yield Phrase("price", tariff)
        if tariff.free_seconds:
            yield Phrase("price", tariff.after_paid_talk)
        if tariff.price_per_act is not None:
            yield Phrase("price", tariff.by("act"))
    for amount, currency in amounts:
        yield Phrase("amount", Money(amount, currency))
    for name in names:
        yield Phrase("expert-name", name)
    for seconds in free_seconds:
        yield Phrase("free-call", seconds)
    for currency in currencies:
        yield from amount_phrases(currency)


def voices(tree: Path | None) -> dict[str, Voice]:
    """Find the best voice for each language; one without a voice is left out, with a warning."""
    found: dict[str, Voice] = {}
    for language in LANGUAGES:
        try:
            found[language] = best_voice(language, tree)
        except NoVoice as error:
            log.warning("no voice", language=language, error=error.sentence)
    return found


async def sweep(sessions: Sessions, media_seconds: int = MEDIA_SECONDS) -> None:
    """Settle silent calls that are proven over, each in its own transaction."""
    at = now()
    async with sessions() as s:
        found = await sweeper.silent(s, at)
    for call_id in found:
        try:
            async with sessions.begin() as s:
                swept = await sweeper.sweep(s, call_id, at, media_seconds=media_seconds)
        except Exception:
            # One call that can't be swept must not keep all later ones back.
            log.exception("not swept", call_id=str(call_id))
            continue
        if swept.settled:
            log.warning("silent call settled", call_id=call_id, sentence=swept.sentence)
        elif swept.alarm:
            log.error("silent call", call_id=call_id, sentence=swept.sentence)


async def presences_ended(sessions: Sessions) -> None:
    """Set those experts away whose hour on line has passed, and write it down."""
    at = now()
    async with sessions.begin() as s:
        for expert_id, version in (await catalogue.end_presences(s, at)).items():
            await audit.record(
                s,
                actor="worker",
                action="presence-set",
                subject="expert",
                subject_id=expert_id,
                detail={
                    "version": version,
                    "changed": {"presence": {"from": "available", "to": "away"}},
                    "because": "the hour he set has passed",
                },
                at=at,
            )


async def reconcile_days(sessions: Sessions, time_zone: str) -> None:
    """Compare yesterday with Asterisk's record, and each day that differed, one after another."""
    at = now()
    last = nightly.yesterday(at, time_zone)
    async with sessions.begin() as s:
        days = await nightly.open_days(s, at=at)
    for day in [*(one for one in days if one != last), last]:
        async with sessions.begin() as s:
            report = await nightly.compare_day(s, day, time_zone, at=at)
        say = log.error if report.wrong else log.info
        say("day reconciled", day=f"{day}", compared=report.compared, unexplained=report.wrong)
    metrics.reconciled(report)


async def trim_record(sessions: Sessions, days: int) -> int:
    """Drop what Asterisk's record has of more than `days` ago; each batch in its own transaction.

    Old comparisons with it go, too. Gives how many lines went.
    """
    async with sessions.begin() as s:
        await cel_trimming.keep_from(s, now(), days)
        await results.trim(s, now())
    dropped = 0
    while True:
        async with sessions.begin() as s:
            batch = await cel_trimming.drop_batch(s)
        dropped += batch
        if not batch:
            log.info("record trimmed", lines=dropped)
            return dropped


async def send(sessions: Sessions, sender: Sender, notification_id: UUID) -> None:
    """Send a message, each try counted before it is made: a crash in between is known after."""
    async with sessions.begin() as s:
        tries = await notifications.try_once(s, notification_id)
    if tries is not None:
        async with sessions.begin() as s:
            await notifications.send(s, sender, notification_id, now())


class _Prompts:
    """The prompt store with its voices, looked for once they are needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store: PromptStore | None = None

    async def store(self) -> PromptStore:
        if self._store is None:
            found = await asyncio.to_thread(voices, self._settings.tree)
            self._store = PromptStore(self._settings.prompts_dir, found)
        return self._store


def _add_messages(
    app: procrastinate.App,
    settings: Settings,
    sessions: Sessions,
    prompts: _Prompts,
    retry: procrastinate.RetryStrategy,
) -> None:
    limits = settings.limits

    @app.task(name="check-message", retry=retry)
    async def check_message(number: str) -> None:
        await messages.check_message(sessions, await prompts.store(), limits, number, now())

    @app.periodic(cron="23 3 * * *")
    @app.task(name="check-messages", queue=VOICE_QUEUE, queueing_lock="check-messages", retry=retry)
    async def check_messages(timestamp: int) -> None:  # noqa: ARG001  (procrastinate gives it)
        await messages.check_messages(sessions, await prompts.store(), limits, now())


def _add_trimming(
    app: procrastinate.App,
    settings: Settings,
    sessions: Sessions,
    retry: procrastinate.RetryStrategy,
) -> None:
    @app.periodic(cron="23 5 * * *")
    @app.task(name="trim-record", queueing_lock="trim-record", retry=retry)
    async def trim_cel(timestamp: int) -> None:  # noqa: ARG001  (procrastinate gives it)
        await trim_record(sessions, settings.record_days)

    @app.periodic(cron="17 * * * *")
    @app.task(name="trim-monitoring", queueing_lock="trim-monitoring")
    async def trim_monitoring(timestamp: int) -> None:  # noqa: ARG001  (procrastinate gives it)
        async with sessions.begin() as s:
            await security.trim(s, now())


def make_app(settings: Settings, sessions: Sessions) -> procrastinate.App:
    """Make the application with the bodies of all jobs."""
    url = make_url(settings.database_url).set(drivername="postgresql")
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=url.render_as_string(hide_password=False), min_size=1, max_size=4
        )
    )
    retry = procrastinate.RetryStrategy(max_attempts=TRIES, wait=SECONDS_BETWEEN_TRIES)
    # A service that is away is given longer each time: some three hours in all.
    later = procrastinate.RetryStrategy(max_attempts=notifications.TRIES, exponential_wait=10)
    prompts = _Prompts(settings)
    _add_messages(app, settings, sessions, prompts, retry)

    @app.task(name="send-notification", retry=later)
    async def send_notification(notification: str) -> None:
        await send(sessions, TwilioSms(settings), UUID(notification))

    @app.task(name="call-charged", retry=retry)
    async def call_charged(call: str, amounts: Sequence[tuple[int, str]]) -> None:
        async with sessions.begin() as s:
            await queue_receipt(s, UUID(call), wanted_by_default=settings.receipts_by_sms, at=now())
            if amounts:
                await defer(s, "render-prompts", amounts=amounts)

    @app.task(name="render-prompts", retry=retry)
    async def render_prompts(**wanted: Any) -> None:
        kept = await prompts.store()
        await asyncio.to_thread(kept.ensure, list(phrases_of(**wanted)), list(kept.voices))

    @app.periodic(cron="* * * * *")
    @app.task(name="end-presences", queueing_lock="end-presences")
    async def end_presences(timestamp: int) -> None:  # noqa: ARG001  (procrastinate gives it)
        await presences_ended(sessions)

    @app.periodic(cron="* * * * *")
    @app.task(name="sweep", queueing_lock="sweep")
    async def sweep_calls(timestamp: int) -> None:  # noqa: ARG001  (procrastinate gives it)
        await sweep(sessions, settings.limits.media_seconds)

    @app.periodic(cron="* * * * *")
    @app.task(name="watch-monitor", queueing_lock="watch-monitor")
    async def watch_monitor(timestamp: int) -> None:  # noqa: ARG001  (procrastinate gives it)
        async with sessions.begin() as s:
            await states.watch_monitors(s, now())

    @app.periodic(cron="41 4 * * *")
    @app.task(name="reconcile", queueing_lock="reconcile", retry=retry)
    async def reconcile(timestamp: int) -> None:  # noqa: ARG001  (procrastinate gives it)
        await reconcile_days(sessions, settings.time_zone)

    _add_trimming(app, settings, sessions, retry)
    return app
