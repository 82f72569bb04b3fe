"""Background jobs and the health page on a real database."""

import json
from collections.abc import MutableMapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api import jobs
from api.app import create_app
from api.redoing import redo
from billing.calls import sweeper
from billing.calls.service import import_cel
from billing.calls.values import CelRow
from billing.kit.clock import to_ms
from billing.kit.database import Sessions
from billing.kit.jobs import USUAL_QUEUE, VOICE_QUEUE, defer
from billing.kit.settings import Settings
from billing.money.values import Money
from billing.tariffs.snapshot import to_json
from dialplan.prompts.store import PromptStore
from dialplan.prompts.testvoice import TestVoice
from dialplan.prompts.values import Phrase
from tests.database.world import NOW, World, eur, tariff_of


def settings_for(url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=url, prompts_dir=tmp_path / "prompts")


async def work(app: Any) -> None:
    async with app.open_async():
        await app.run_worker_async(wait=False, install_signal_handlers=False)


async def test_a_job_is_kept_by_a_commit_and_dropped_by_a_rollback(sessions: Sessions) -> None:
    count = text("SELECT count(*) FROM procrastinate_jobs")
    async with sessions() as s:
        await defer(s, "render-prompts", names=["Ada"])
        await s.rollback()
        assert await s.scalar(count) == 0
        await defer(s, "render-prompts", names=["Ada"])
        await s.commit()
        assert await s.scalar(count) == 1


async def test_a_receipt_does_not_wait_for_sentences_to_be_said(sessions: Sessions) -> None:
    async with sessions.begin() as s:
        await defer(s, "render-prompts", names=["Ada"])
        await defer(s, "send-notification", notification="none")
        found = await s.execute(text("SELECT task_name, queue_name FROM procrastinate_jobs"))
        assert {(task, queue) for task, queue in found} == {
            ("render-prompts", VOICE_QUEUE),
            ("send-notification", USUAL_QUEUE),
        }


async def test_a_job_that_a_dead_worker_was_doing_is_done_by_another(
    sessions: Sessions, fresh_database: str, tmp_path: Path
) -> None:
    settings = settings_for(fresh_database, tmp_path)
    states = text("SELECT task_name, status::text FROM procrastinate_jobs ORDER BY id")
    die = text(
        "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat)"
        " VALUES (now() - make_interval(secs => :ago)) RETURNING id)"
        " UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead"
        " WHERE status = 'todo'"
    )
    async with sessions.begin() as s:
        await defer(s, "send-notification", notification=str(UUID(int=1)))
        await s.execute(die, {"ago": 60})
    app = jobs.make_app(settings, sessions)
    async with app.open_async():
        await redo(app)
    async with sessions.begin() as s:
        assert (await s.execute(states)).all() == [("send-notification", "todo")]
        await s.execute(die, {"ago": 5})
    app = jobs.make_app(settings, sessions)
    async with app.open_async():
        await redo(app)
    async with sessions() as s:
        assert (await s.execute(states)).all() == [("send-notification", "doing")]


async def test_a_job_that_may_wait_once_is_dropped_where_the_next_one_waits(
    sessions: Sessions, fresh_database: str, tmp_path: Path
) -> None:
    app = jobs.make_app(settings_for(fresh_database, tmp_path), sessions)
    async with app.open_async():
        sweep = app.tasks["sweep"]
        await sweep.configure(queueing_lock="sweep").defer_async(timestamp=1)
        async with sessions.begin() as s:
            await s.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
        await sweep.configure(queueing_lock="sweep").defer_async(timestamp=2)
        await redo(app)
    async with sessions() as s:
        left = await s.execute(
            text("SELECT args->>'timestamp', status::text FROM procrastinate_jobs")
        )
        assert left.all() == [("2", "todo")]


async def test_a_saved_price_is_rendered_before_anybody_hears_it(
    world: World, fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voices = {"en": TestVoice("en"), "fr": TestVoice("fr")}
    monkeypatch.setattr(jobs, "voices", lambda _tree: voices)
    settings = settings_for(fresh_database, tmp_path)
    await work(jobs.make_app(settings, world.sessions))
    store = PromptStore(settings.prompts_dir)
    for phrase in (
        Phrase("price", tariff_of()),
        Phrase("expert-name", "Ada"),
        Phrase("amount", eur("0")),
        Phrase("free-call", 300),
    ):
        for language in voices:
            assert store.media(phrase, language)
    async with world.sessions() as s:
        left = await s.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'")
        )
    assert left == 0


def test_a_jobs_arguments_become_phrases() -> None:
    tariff, free = tariff_of(), tariff_of(free_seconds=30)
    wanted = jobs.phrases_of(
        tariffs=[to_json(tariff), to_json(free)],
        amounts=[(12_300, "EUR")],
        names=["Ada"],
        free_seconds=[300],
    )
    assert list(wanted) == [
        Phrase("price", tariff),
        Phrase("price", free),
        # To who has used them up.
        Phrase("price", tariff),
        Phrase("amount", Money(12_300, "EUR")),
        Phrase("expert-name", "Ada"),
        Phrase("free-call", 300),
    ]


async def test_the_sweeper_settles_what_is_proven_over_and_raises_an_alarm_for_the_rest(
    world: World,
) -> None:
    await world.top_up("100.00")
    over, unknown = await world.granted_call(), await world.granted_call(world.other_expert_id)
    end = CelRow("CHAN_END", to_ms(NOW) * 1_000, f"{over}-caller", f"{over}-caller", {})
    async with world.sessions.begin() as s:
        await import_cel(s, [end])
    await jobs.sweep(world.sessions)
    assert (await world.record(over)).summary.state == "ended"
    assert (await world.record(unknown)).summary.ended_at is None
    assert await world.available() == eur("94.00")


async def test_a_call_that_cannot_be_swept_keeps_no_other_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.top_up("100.00")
    broken, over = await world.granted_call(), await world.granted_call(world.other_expert_id)
    ends = [
        CelRow("CHAN_END", to_ms(NOW) * 1_000, f"{call}-caller", f"{call}-caller", {})
        for call in (broken, over)
    ]
    async with world.sessions.begin() as s:
        await import_cel(s, ends)
    real = sweeper.sweep

    async def sweep(
        s: AsyncSession, call_id: UUID, at: datetime, *, media_seconds: int
    ) -> sweeper.Swept:
        if call_id == broken:
            raise LookupError(call_id)
        return await real(s, call_id, at, media_seconds=media_seconds)

    monkeypatch.setattr(sweeper, "sweep", sweep)
    await jobs.sweep(world.sessions)
    assert (await world.record(broken)).summary.ended_at is None
    assert (await world.record(over)).summary.state == "ended"


async def get(app: FastAPI, path: str) -> tuple[int, Any]:
    """Ask an ASGI application without a server: status and JSON."""
    answered: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: MutableMapping[str, Any]) -> None:
        answered.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in answered)
    return answered[0]["status"], json.loads(body)


async def test_health_answers_and_ready_asks_the_database(
    fresh_database: str, tmp_path: Path
) -> None:
    app = create_app(settings_for(fresh_database, tmp_path))
    async with app.router.lifespan_context(app):
        assert await get(app, "/health") == (200, {"status": "ok"})
        assert await get(app, "/ready") == (200, {"status": "ok"})


async def test_without_the_database_it_is_alive_but_not_ready(tmp_path: Path) -> None:
    app = create_app(settings_for("postgresql://127.0.0.1:1/x", tmp_path))
    async with app.router.lifespan_context(app):
        assert await get(app, "/health") == (200, {"status": "ok"})
        assert await get(app, "/ready") == (503, {"status": "database-away"})
