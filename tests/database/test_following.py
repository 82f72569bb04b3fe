"""lines.toml is the one source for trunks: what it says counts, live, in database and Asterisk."""

import os
from pathlib import Path

import pytest
from sqlalchemy import text

from billing.catalogue import service as catalogue
from billing.kit.database import Sessions
from primeline.asterisk_conf import Lines
from primeline.following import Follower
from primeline.lines import LINES_FILE, LinesInvalid

CARRIER = '[[trunk]]\nname = "carrier"\ntrusted = true\nregion = "BE"\n'


class Asterisk:
    """Takes lines as Asterisk does."""

    def __init__(self) -> None:
        self.lines = Lines()

    async def use(self, lines: Lines) -> bool:
        changed = lines != self.lines
        self.lines = lines
        return changed


async def trunks(sessions: Sessions) -> list[tuple[str, bool, str]]:
    async with sessions() as s:
        rows = await s.execute(text("SELECT name, trusted, region FROM trunks ORDER BY name"))
        return [tuple(row) for row in rows]


async def phone(sessions: Sessions, name: str, number: str | None = None) -> None:
    async with sessions.begin() as s:
        await catalogue.claim_phone(s, name, number=number)


async def test_a_trunk_added_changed_and_removed_live_counts_everywhere(
    sessions: Sessions, tmp_path: Path
) -> None:
    told: list[str] = []
    asterisk, file = Asterisk(), tmp_path / LINES_FILE
    follower = Follower(tmp_path, sessions, told.append)
    asterisk.lines = await follower.first()
    file.write_text(CARRIER)
    await follower.follow(asterisk.use)
    assert await trunks(sessions) == [("carrier", True, "BE")]
    assert [one.trusted for one in asterisk.lines.trunks] == [True]
    file.write_text(CARRIER.replace("true", "false"))
    await follower.follow(asterisk.use)
    assert await trunks(sessions) == [("carrier", False, "BE")]
    assert [one.trusted for one in asterisk.lines.trunks] == [False]
    file.write_text("")
    await follower.follow(asterisk.use)
    assert await trunks(sessions) == []
    assert asterisk.lines.trunks == ()
    await follower.follow(asterisk.use)
    assert told == [
        "Trunks and phones: new trunk carrier.",
        "Trunks and phones: changed trunk carrier.",
        "Trunks and phones: gone trunk carrier.",
    ]
    async with sessions() as s:
        query = text("SELECT action, subject_id, detail FROM audit_entries ORDER BY id")
        audited = [tuple(row) for row in await s.execute(query)]
    assert audited == [
        ("set", "carrier", {"trusted": True, "region": "BE"}),
        ("set", "carrier", {"trusted": False, "region": "BE"}),
        ("removed", "carrier", {}),
    ]


async def test_a_trunk_that_only_the_database_knows_is_forgotten_at_the_start(
    sessions: Sessions, tmp_path: Path
) -> None:
    async with sessions.begin() as s:
        await catalogue.set_trunk(s, name="old", trusted=True)
    assert (await Follower(tmp_path, sessions, print).first()).trunks == ()
    assert await trunks(sessions) == []


async def test_phones_of_experts_and_callers_are_known_with_their_numbers(
    sessions: Sessions, tmp_path: Path
) -> None:
    asterisk, told = Asterisk(), list[str]()
    follower = Follower(tmp_path, sessions, told.append)
    await follower.first()
    await phone(sessions, "ada")
    await phone(sessions, "me", "+33639980101")
    await follower.follow(asterisk.use)
    assert told == ["Trunks and phones: new phone ada, phone me."]
    assert [(one.endpoint, one.number) for one in asterisk.lines.phones] == [
        ("ada", None),
        ("me", "+33639980101"),
    ]


@pytest.mark.parametrize(
    "mistake",
    [
        "[[trunk]\n",
        CARRIER + 'password = "x"\n',
        CARRIER.replace("carrier", "ada"),
    ],
    ids=["no TOML", "a password too short", "the name of a phone"],
)
async def test_a_mistake_is_told_once_for_each_text_and_changes_no_trunk(
    sessions: Sessions, tmp_path: Path, mistake: str
) -> None:
    asterisk, told = Asterisk(), list[str]()
    file = tmp_path / LINES_FILE
    file.write_text(CARRIER)
    await phone(sessions, "ada")
    follower = Follower(tmp_path, sessions, told.append)
    asterisk.lines = await follower.first()
    file.write_text(mistake)
    for _ in range(3):
        await follower.follow(asterisk.use)
    assert len(told) == 1
    assert told[0].startswith("Trunks and phones stay as they were: ")
    assert await trunks(sessions) == [("carrier", True, "BE")]
    file.write_text(mistake + "\n")
    await follower.follow(asterisk.use)
    assert len(told) == 2
    # A phone that a command adds meanwhile works all the same.
    await phone(sessions, "ben")
    await follower.follow(asterisk.use)
    assert told[2:] == ["Trunks and phones: new phone ben."]
    assert [one.name for one in asterisk.lines.trunks] == ["carrier"]


async def test_a_mistake_at_the_start_is_an_error(sessions: Sessions, tmp_path: Path) -> None:
    (tmp_path / LINES_FILE).write_text("[[trunk]\n")
    with pytest.raises(LinesInvalid):
        await Follower(tmp_path, sessions, print).first()


async def test_what_asterisk_didnt_take_is_tried_again(sessions: Sessions, tmp_path: Path) -> None:
    asterisk, told = Asterisk(), list[str]()
    follower = Follower(tmp_path, sessions, told.append)
    await follower.first()
    await phone(sessions, "ada")

    async def dead(_lines: Lines) -> bool:
        raise ConnectionError(os.strerror(111))

    await follower.follow(dead)
    assert told == []
    await follower.follow(asterisk.use)
    assert told == ["Trunks and phones: new phone ada."]
