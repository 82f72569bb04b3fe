"""The database is the one source of trunks and phones: what it says counts in Asterisk, live."""

import asyncio
import os
import time

import pytest
from sqlalchemy import text

from billing.endpoints import service, trunks
from billing.endpoints.errors import TrunkInvalid
from billing.endpoints.values import Trunk
from billing.kit.database import Sessions
from billing.kit.secrets import SecretBox
from primeline.asterisk_conf import Lines
from primeline.following import Bell, Follower

CARRIER = Trunk("carrier", trusted=True, region="BE", addresses=("203.0.113.10",))
KEY = "a-key-of-the-tests-that-is-long-enough"


class Asterisk:
    """Takes lines as Asterisk does."""

    def __init__(self) -> None:
        self.lines = Lines()

    async def use(self, lines: Lines) -> bool:
        changed = lines != self.lines
        self.lines = lines
        return changed


async def phone(sessions: Sessions, name: str, number: str | None = None) -> str:
    async with sessions.begin() as s:
        await service.claim(s, name, number=number)
        return await service.give_password(s, name)


async def test_a_trunk_added_changed_and_removed_live_counts_in_asterisk(
    sessions: Sessions,
) -> None:
    told: list[str] = []
    asterisk, follower = Asterisk(), Follower(sessions, KEY, told.append)
    asterisk.lines = await follower.first()
    async with sessions.begin() as s:
        await trunks.add_trunk(s, CARRIER)
    await follower.follow(asterisk.use)
    assert asterisk.lines.trunks == (CARRIER,)
    changed = Trunk("carrier", addresses=("203.0.113.10",))
    async with sessions.begin() as s:
        await trunks.change_trunk(s, changed, expected=frozenset({1}))
    await follower.follow(asterisk.use)
    assert asterisk.lines.trunks == (changed,)
    async with sessions.begin() as s:
        await trunks.remove_trunk(s, "carrier")
    await follower.follow(asterisk.use)
    assert list(asterisk.lines.trunks) == []
    await follower.follow(asterisk.use)
    assert told == [
        "Trunks and phones: new trunk carrier.",
        "Trunks and phones: changed trunk carrier.",
        "Trunks and phones: gone trunk carrier.",
    ]


async def test_a_phone_is_known_with_its_number_once_it_has_a_password(sessions: Sessions) -> None:
    asterisk, told = Asterisk(), list[str]()
    follower = Follower(sessions, KEY, told.append)
    await follower.first()
    await phone(sessions, "ada")
    password = await phone(sessions, "me", "+33639980101")
    async with sessions.begin() as s:
        await service.claim(s, "silent")
    await follower.follow(asterisk.use)
    assert told == ["Trunks and phones: new phone ada, phone me."]
    async with sessions() as s:
        row = (await s.execute(text("SELECT * FROM sip_phones WHERE endpoint = 'me'"))).one()
    assert (row.number, password not in str(row)) == ("+33639980101", True)
    async with sessions.begin() as s:
        await service.release(s, "me")
    await follower.follow(asterisk.use)
    assert told[1:] == ["Trunks and phones: gone phone me."]


async def test_a_password_at_a_carrier_is_opened_with_the_key_and_told_once_if_it_cant_be(
    sessions: Sessions,
) -> None:
    sealed = SecretBox(KEY).seal("carriers-password")
    assert "carriers-password" not in sealed
    out = Trunk(
        "out",
        host="sip.example.com",
        username="us",
        sealed_password=sealed,
        presented_number="+33199000001",
    )
    async with sessions.begin() as s:
        await trunks.add_trunk(s, out)
    assert (await Follower(sessions, KEY, print).first()).passwords == {"out": "carriers-password"}
    told: list[str] = []
    follower = Follower(sessions, "another-key-that-is-also-long-enough", told.append)
    lines = await follower.first()
    await follower.follow(Asterisk().use)
    assert (lines.trunks, lines.passwords) == ((out,), {})
    assert [one for one in told if "can't log in at sip.example.com" in one] == told[:1]


async def test_a_password_that_asterisk_cant_be_told_keeps_no_other_change_away(
    sessions: Sessions,
) -> None:
    out = Trunk(
        "out",
        host="sip.example.com",
        username="us",
        sealed_password=SecretBox(KEY).seal("two\nlines"),
        presented_number="+33199000001",
    )
    async with sessions.begin() as s:
        await trunks.add_trunk(s, out)
        with pytest.raises(TrunkInvalid, match="printable"):
            trunks.with_password(out, "us", "two\nlines", SecretBox(KEY))
    told: list[str] = []
    lines = await Follower(sessions, KEY, told.append).first()
    assert (lines.trunks, dict(lines.passwords), len(told)) == ((out,), {}, 1)


async def test_a_row_that_makes_no_trunk_is_left_out_and_told_once(sessions: Sessions) -> None:
    async with sessions.begin() as s:
        await trunks.add_trunk(s, CARRIER)
        await s.execute(text("UPDATE trunks SET addresses = '{}'"))
    told: list[str] = []
    follower = Follower(sessions, KEY, told.append)
    assert (await follower.first()).trunks == ()
    await follower.follow(Asterisk().use)
    assert len(told) == 1
    assert told[0].endswith("It is left out.")


async def test_what_asterisk_didnt_take_is_tried_again(sessions: Sessions) -> None:
    asterisk, told = Asterisk(), list[str]()
    follower = Follower(sessions, KEY, told.append)
    await follower.first()
    await phone(sessions, "ada")

    async def dead(_lines: Lines) -> bool:
        raise ConnectionError(os.strerror(111))

    await follower.follow(dead)
    assert told == []
    await follower.follow(asterisk.use)
    assert told == ["Trunks and phones: new phone ada."]


async def test_a_change_rings_at_once_and_a_database_that_is_away_doesnt(
    sessions: Sessions, fresh_database: str
) -> None:
    bell = Bell(fresh_database)
    await bell.wait(5)
    waiting = asyncio.create_task(bell.wait(20))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await phone(sessions, "ada")
    await waiting
    assert time.monotonic() - began < 5
    await bell.close()
    lost = Bell("postgresql://127.0.0.1:1/none")
    await lost.wait(0.1)
