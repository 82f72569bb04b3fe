"""Many rows in one statement that is always the same, however many they are.

A list given to `insert().values()` makes another statement for each length: SQLAlchemy compiles it
anew every time (half of what such an insert costs) and PostgreSQL never prepares it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.orm import DeclarativeBase


def table_of(row: type[DeclarativeBase]) -> Table:
    """Give a row's own table: a statement on it goes past the ORM, which costs as much again."""
    table = row.__table__
    assert isinstance(table, Table)  # no join
    return table


class RowsInsert:
    """Inserts rows of some columns into a table: `await s.execute(x.statement, x.given(rows))`.

    They are inserted in the order they are given.
    """

    def __init__(self, row: type[DeclarativeBase], *columns: str) -> None:
        table = table_of(row)
        self._columns: Final = columns
        rows = func.unnest(
            *(bindparam(name, type_=ARRAY(table.c[name].type)) for name in columns)
        ).table_valued(*columns)
        self.statement: Insert = insert(table).from_select(
            columns, select(*rows.render_derived().c)
        )

    def given(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
        """The parameters for these rows; each has all columns."""
        return {name: [row[name] for row in rows] for name in self._columns}
