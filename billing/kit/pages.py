"""Long lists page by page, in an order that stays: each page goes on after the last one's end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")

After = tuple[Any, ...]
"""The values of the sort keys of the last row that was seen."""


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """Some rows in order; `after` leads to the next ones, None: there are none."""

    items: tuple[T, ...]
    after: After | None


async def take(
    s: AsyncSession,
    query: Select[*tuple[Any, ...]],
    keys: Sequence[Any],
    *,
    limit: int,
    after: After | None,
    descending: bool = False,
) -> Slice[Any]:
    """Read at most `limit` rows of `query` in the order of `keys`, which together are unique."""
    if after is not None:
        here = tuple_(*keys)
        query = query.where(here < after if descending else here > after)
    order = [key.desc() if descending else key for key in keys]
    # The keys come along, so that a page's end is known whatever the query selects.
    rows = (await s.execute(query.add_columns(*keys).order_by(*order).limit(limit + 1))).all()
    shown = rows[:limit]
    width = len(keys)
    end = tuple(shown[-1][-width:]) if len(rows) > limit else None
    return Slice(tuple(row[0] if len(row) == width + 1 else row[:-width] for row in shown), end)
