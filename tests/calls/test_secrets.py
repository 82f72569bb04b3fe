"""What nobody may find afterwards: a PIN, whole or digit by digit, and whole callers' numbers."""

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from primeline.phones import Phone
from tests.calls.stage import CARRIER, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

DIGITS = 8
WINDOW = 60
"""Records of one call in which the digits are looked for: a PIN is keyed in a few seconds, and
over many records any digits come by in order."""

_TIMES = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.+Z]+|\b\d{10,16}(\.\d+)?\b|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
"""Times, channel ids and UUIDs: digits that every record has and that say nothing of keys."""


def random_pin() -> str:
    """Digits that come neither in order of the keypad nor twice in a row."""
    pin = str(secrets.randbelow(9) + 1)
    while len(pin) < DIGITS:
        digit = str(secrets.randbelow(10))
        if digit != pin[-1]:
            pin += digit
    return pin


def holds_whole(records: Iterable[str], pin: str) -> list[str]:
    """The records with the PIN in them, also with anything between its digits but digits."""
    spread = re.compile(r"(?<!\d)" + r"[^\dA-Za-z]{0,8}".join(pin) + r"(?!\d)")
    return [record for record in records if pin in record or spread.search(_TIMES.sub(" ", record))]


def single_digits(record: str) -> set[str]:
    """The digits that stand alone in a record, as a key in a log line would."""
    return set(re.findall(r"(?<![\w.-])\d(?![\w.:-])", _TIMES.sub(" ", record)))


def holds_in_order(records: Sequence[str], pin: str, window: int = WINDOW) -> Sequence[str] | None:
    """The stretch of records that hold the PIN's digits alone, one a record and in order."""
    alone = [single_digits(record) for record in records]
    for first in range(len(records)):
        if pin[0] not in alone[first]:
            continue
        found = 1
        for place in range(first + 1, min(first + window, len(records))):
            if found < len(pin) and pin[found] in alone[place]:
                found += 1
        if found == len(pin):
            return records[first : first + window]
    return None


def files_written(stage: Stage) -> dict[str, list[str]]:
    """The lines of every file that this system has written but the database's own."""
    run = stage.system.config.directory
    wanted = [
        path
        for path in run.rglob("*")
        if path.is_file()
        and "postgres" not in path.relative_to(run).parts
        and path.parent.name not in {"conf", "lib"}
    ]
    return {str(path.relative_to(run)): _lines(path) for path in wanted}


def _lines(path: Path) -> list[str]:
    return path.read_bytes().decode(errors="replace").splitlines()


TABLES = """
    SELECT format('%I.%I', table_schema, table_name) AS name,
           coalesce(string_agg(format('coalesce(%I::text, %L)', column_name, ''), ' || '' | '' || ')
               FILTER (WHERE data_type IN ('text', 'character varying', 'json', 'jsonb', 'ARRAY'))
               , quote_literal('')) AS texts
    FROM information_schema.columns JOIN information_schema.tables
        USING (table_schema, table_name)
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'
    GROUP BY 1
"""
"""Each table, and an expression of all in it that can hold a person's words."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as a whole, by which it is found, and the texts in it, which are searched."""

    whole: str
    texts: str


async def rows_stored(stage: Stage) -> dict[str, list[Row]]:
    """Every row of every table, in the order in which they were written."""
    stored = {}
    async with stage.sessions() as s:
        for name, texts in (await s.execute(text(TABLES))).all():
            query = f"SELECT row_to_json(t)::text, {texts} FROM {name} t ORDER BY ctid"  # noqa: S608
            stored[name] = [Row(*row) for row in await s.execute(text(query))]
    return stored


def by_call(records: Iterable[str], names: Sequence[str]) -> list[str]:
    """The records of one call, by whichever of its names they carry."""
    return [record for record in records if any(name in record for name in names)]


async def test_a_keyed_pin_is_nowhere_afterwards(stage: Stage) -> None:
    pin = random_pin()
    caller, expert = await stage.caller(alone=False, pin=pin), await stage.expert()
    call = await stage.dial(caller, await stage.number(expert=expert))
    await stage.hears(call, "enter-pin")
    await call.press(f"{pin}#", hold_ms=60, gap_ms=60)
    await stage.hears(call, "press-1-to-accept")
    await call.hang_up()
    record = await stage.ended(caller)
    call_id = record.summary.call_id
    async with stage.sessions() as s:
        query = text("SELECT caller_channel FROM calls WHERE id = :id")
        channel = (await s.execute(query, {"id": call_id})).scalar_one()

    names = [str(call_id), channel]
    files, tables = files_written(stage), await rows_stored(stage)
    # The search looks where the call has left its traces.
    assert by_call(files["ari_app.log"], names)
    run = stage.system.config.directory
    assert by_call(files[str(stage.system.instance.cel_file.relative_to(run))], names)
    assert "asterisk/log/security.log" in files
    for table in ("calls", "timeline_entries", "cel_records"):
        assert by_call([row.whole for row in tables[f"public.{table}"]], names), table
    for name, records in files.items():
        assert holds_whole(records, pin) == [], name
        assert holds_in_order(records, pin) is None, name
        assert holds_in_order(by_call(records, names), pin) is None, name
    for name, rows in tables.items():
        assert holds_whole([row.whole for row in rows], pin) == [], name
        mine = [row.texts for row in rows if by_call([row.whole], names)]
        assert holds_in_order(mine, pin) is None, name


async def test_a_whole_callers_number_is_in_no_log_and_not_in_asterisks_record(
    stage: Stage,
) -> None:
    caller, expert = await stage.caller(), await stage.expert()
    stranger = stage.stranger()
    number = await stage.number(expert=expert)
    for who, said in ((caller, "press-1-to-accept"), (stranger, "caller-unknown")):
        call = await stage.dial(who, number)
        await stage.hears(call, said)
        await call.hang_up()
        await stage.ended(who)
    # Nor where a call is refused before it is one: without a password, and without any account.
    for account in (CARRIER, "nobody"):
        async with Phone(account, "not-the-password", server=stage.server) as phone:
            call = await phone.call(number, caller_number=caller.number)
            await call.wait_ended()
            assert call.code in {401, 403}
    for name, records in files_written(stage).items():
        for who in (caller.number, stranger):
            national = who.removeprefix("+33")
            assert [record for record in records if national in record] == [], name


# The search itself can find.

PIN = "70413952"


def _log(*details: Mapping[str, object]) -> list[str]:
    return [
        json.dumps(
            {
                "event": "key",
                **detail,
                "call_id": "01a20542-8c58-700f-af71-909303568b19",
                "timestamp": f"2026-11-22T21:56:{place:02d}.142940Z",
            }
        )
        for place, detail in enumerate(details)
    ]


async def test_the_search_finds_a_pin_that_was_written_digit_by_digit() -> None:
    between = _log({"state": "identifying", "count": 12})
    doctored = [line for digit in PIN for line in (*_log({"pressed": digit, "ms": 120}), *between)]
    assert holds_in_order(doctored, PIN)
    as_numbers = _log(*({"pressed": int(digit)} for digit in PIN))
    assert holds_in_order(as_numbers, PIN)
    in_csv = [f'"DTMF_END","1795383330.166442","1795383329.14","{digit}"' for digit in PIN]
    assert holds_in_order(in_csv, PIN)


async def test_the_search_finds_a_pin_that_was_written_whole() -> None:
    for form in (PIN, f"digits={PIN}#", ",".join(PIN), " ".join(PIN), json.dumps(list(PIN))):
        assert holds_whole(_log({"keyed": form}), PIN), form


async def test_the_search_finds_nothing_in_a_log_without_the_pin() -> None:
    clean = _log(*({"state": "identifying", "keys": 1, "tries": place} for place in range(8)))
    assert holds_in_order(clean, PIN) is None
    assert holds_whole(clean, PIN) == []
    backwards = _log(*({"pressed": digit} for digit in reversed(PIN)))
    assert holds_in_order(backwards, PIN) is None
