"""Rows inserted by one statement are what single inserts would have made, in their order."""

from typing import Any

import pytest
from sqlalchemy import Select, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from billing.accounts.models import Spending
from billing.calls.models import TimelineRow
from billing.calls.settling import TIMELINE
from billing.kit.ids import new_call_id
from billing.kit.rows import RowsInsert, table_of
from tests.database.world import World

COLUMNS = ("at_ms", "what", "detail")
LINES: list[dict[str, Any]] = [
    {"at_ms": 0, "what": "received", "detail": {}},
    {"at_ms": 9_000_000_000_000, "what": "it's {\"a\", 'b'}\\", "detail": {"a": [1, None, 'é"']}},
    {"at_ms": -1, "what": "", "detail": {"NULL": None, "deep": {"b": True, "list": [[], {}]}}},
    {"at_ms": 5, "what": "NULL", "detail": {"number": 1.5, "text": "line\nline, {comma}"}},
]


def written(row: type[TimelineRow]) -> Select[Any]:
    return select(row.at_ms, row.what, row.detail).order_by(row.id)


async def test_they_are_as_if_inserted_one_by_one_and_in_order(world: World) -> None:
    at_once, one_by_one = await world.receive(), await world.receive()
    async with world.sessions.begin() as s:
        rows = [line | {"call_id": at_once} for line in LINES]
        await s.execute(TIMELINE.statement, TIMELINE.given(rows))
        for line in LINES:
            await s.execute(insert(TimelineRow).values(line | {"call_id": one_by_one}))
    async with world.sessions() as s:
        ours, theirs = [
            [tuple(row) for row in await s.execute(written(TimelineRow).filter_by(call_id=call))][
                -len(LINES) :
            ]
            for call in (at_once, one_by_one)
        ]
    assert ours == theirs == [tuple(line[name] for name in COLUMNS) for line in LINES]


async def test_an_empty_list_inserts_nothing(world: World) -> None:
    async with world.sessions.begin() as s:
        before = (await s.execute(written(TimelineRow))).all()
        await s.execute(TIMELINE.statement, TIMELINE.given([]))
        assert (await s.execute(written(TimelineRow))).all() == before


async def test_a_row_that_may_not_be_takes_all_others_with_it(world: World) -> None:
    known, unknown = await world.receive(), new_call_id()
    async with world.sessions() as s:
        before = (await s.execute(written(TimelineRow))).all()
    rows = [line | {"call_id": call} for call in (known, unknown) for line in LINES]
    with pytest.raises(IntegrityError):
        async with world.sessions.begin() as s:
            await s.execute(TIMELINE.statement, TIMELINE.given(rows))
    async with world.sessions() as s:
        assert (await s.execute(written(TimelineRow))).all() == before


def test_a_row_that_lacks_a_column_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(KeyError, match="detail"):
        RowsInsert(TimelineRow, *COLUMNS).given([LINES[0], {"at_ms": 1, "what": "x"}])


def test_columns_that_were_not_asked_for_are_left_out() -> None:
    given = RowsInsert(TimelineRow, "what").given(LINES)
    assert given == {"what": [line["what"] for line in LINES]}


@pytest.mark.parametrize("row", [TimelineRow, Spending])
def test_each_column_is_an_array_of_its_own_type(row: type[TimelineRow] | type[Spending]) -> None:
    names = [column.name for column in table_of(row).c if not column.identity]
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    compiled = RowsInsert(row, *names).statement.compile(dialect=dialect)
    for name in names:
        type_ = table_of(row).c[name].type
        bound = compiled.binds[name].type
        assert isinstance(bound, postgresql.ARRAY)
        assert type(bound.item_type) is type(type_)
