"""One process acts on an Asterisk: its claim in the database."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from ari_app.ari.client import AriUnreachable
from ari_app.fence import Fence, FencedAri
from ari_app.holder import AsteriskIdTaken, Holder, NotOurs
from billing.kit import claims
from billing.kit.database import Sessions, make_engine, make_sessions
from billing.kit.models import AsteriskClaimRow
from billing.kit.settings import Settings


class OneAsterisk(FencedAri):
    """Global variables of an Asterisk, and nothing else."""

    def __init__(self, fence: Fence, variables: dict[str, str]) -> None:
        super().__init__("http://127.0.0.1:9", "nobody", "", fence)
        self.variables = variables

    async def global_variable(self, name: str) -> str:
        return self.variables.get(name, "")

    async def set_global_variable(self, name: str, value: str) -> None:
        self.variables[name] = value


async def holder_of(sessions: Sessions, asterisk: dict[str, str]) -> tuple[Holder, Fence]:
    fence = Fence(uuid4())
    holder = Holder(OneAsterisk(fence, asterisk), fence, sessions, "asterisk")
    await holder.recognise()
    return holder, fence


def engine_of(url: str, holder: Holder) -> AsyncEngine:
    name = claims.application_name(holder.id)
    engine = make_engine(Settings(database_url=url), application_name=name)
    holder.guard(engine)
    return engine


async def test_a_second_process_of_the_same_asterisk_takes_over(sessions: Sessions) -> None:
    asterisk: dict[str, str] = {}
    first, first_fence = await holder_of(sessions, asterisk)
    await first.take()
    second, second_fence = await holder_of(sessions, asterisk)
    await second.take()
    async with sessions() as s:
        assert await s.scalar(text("SELECT holder FROM asterisk_claims")) == second.id
    async with sessions.begin() as s:
        assert not await claims.renew(s, "asterisk", asterisk=uuid4(), holder=first.id)
    assert not first_fence.lost.is_set()
    assert not second_fence.lost.is_set()


async def test_another_asterisk_of_the_same_name_is_refused_while_the_holder_lives(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = await holder_of(sessions, {})
    await first.take()
    second, _ = await holder_of(sessions, {})

    async def renewed(_seconds: float) -> None:
        async with sessions.begin() as s:
            row = await s.get_one(AsteriskClaimRow, "asterisk")
            assert await claims.renew(s, "asterisk", asterisk=row.asterisk, holder=first.id)

    monkeypatch.setattr("ari_app.holder.asyncio.sleep", renewed)
    with pytest.raises(AsteriskIdTaken, match="PRIMELINE_ASTERISK_ID"):
        await second.take()
    assert not second.claimed.is_set()


@pytest.mark.parametrize("how", ["let go", "lease run out"])
async def test_another_asterisk_has_the_name_of_one_that_is_gone(
    sessions: Sessions, how: str
) -> None:
    first, _ = await holder_of(sessions, {})
    await first.take()
    if how == "let go":
        await first.release()
    else:
        async with sessions.begin() as s:
            ago = text(f"now() - interval '{claims.LEASE.seconds} seconds'")
            await s.execute(update(AsteriskClaimRow).values(renewed_at=ago))
    second, _ = await holder_of(sessions, {})
    await second.take()
    assert second.claimed.is_set()


async def test_who_has_lost_the_claim_writes_nothing_any_more(
    fresh_database: str, sessions: Sessions
) -> None:
    asterisk: dict[str, str] = {}
    first, fence = await holder_of(sessions, asterisk)
    engine = engine_of(fresh_database, first)
    writes = make_sessions(engine)
    with pytest.raises(NotOurs):
        async with writes() as s:
            await s.execute(text("SELECT 1"))
    await first.take()
    async with writes() as busy:
        await busy.execute(text("DELETE FROM installation"))
        second, _ = await holder_of(sessions, asterisk)
        await second.take()
        await second.end_the_one_before()
        # It was in the midst of a transaction as it lost the claim.
        with pytest.raises(DBAPIError):
            await busy.commit()
    with pytest.raises(NotOurs):
        async with writes() as s:
            await s.execute(text("SELECT 1"))
    assert fence.lost.is_set()
    async with sessions() as s:
        assert await s.scalar(text("SELECT count(*) FROM installation")) == 1
    await engine.dispose()


async def test_a_database_that_is_away_leaves_the_claim_for_later() -> None:
    settings = Settings(database_url="postgresql://nobody@127.0.0.1:1/none")
    engine = make_engine(settings)
    holder, fence = await holder_of(make_sessions(engine), {})
    await holder.take()
    await holder.release()
    assert not holder.claimed.is_set()
    assert not fence.lost.is_set()
    await engine.dispose()


async def test_a_request_of_a_process_that_lost_asterisk_is_not_made() -> None:
    fence = Fence(UUID(int=1))
    fence.told(str(UUID(int=1)))
    fence.told("")
    assert not fence.lost.is_set()
    fence.told(str(UUID(int=2)))
    async with FencedAri("http://127.0.0.1:1", "nobody", "", fence) as ari:
        with pytest.raises(AriUnreachable, match="another process"):
            await ari.hang_up("1.1")


async def test_a_process_that_stood_still_asks_who_holds_asterisk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock_ms = 10_000
    monkeypatch.setattr("ari_app.fence.steady_ms", lambda: clock_ms)
    fence = Fence(UUID(int=1))
    fence.shown()
    assert not fence.doubt
    clock_ms += 1_001
    assert fence.doubt
    # Its own ticks don't clear it: only an answer does.
    assert fence.doubt
    fence.told(str(UUID(int=1)))
    assert not fence.doubt
