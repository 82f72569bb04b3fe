"""Lists in pages: `limit` and an opaque `cursor`."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, NoReturn, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import ConfigDict, Field

from api.errors import Problem
from api.schemas.base import Answer
from billing.kit.pages import After, Slice

T = TypeVar("T")
V = TypeVar("V")

USUAL: Final = 50
MOST: Final = 200
LONGEST_CURSOR: Final = 500
_LARGEST_INTEGER: Final = 2**63 - 1


class Page(Answer, Generic[T]):
    """One page of a list."""

    model_config = ConfigDict(json_schema_extra={"description": "One page of a list."})

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Name the page of numbers `PageOfNumber`."""
        return f"PageOf{params[0].__name__}"

    items: list[T] = Field(description="The things on this page, in the list's order.")
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null: this is the last one.",
        examples=["WyJBZGEiXQ"],
    )


@dataclass(frozen=True, slots=True)
class Paging:
    """What a request asks for."""

    limit: int
    cursor: str | None

    def after(self, *kinds: type) -> After | None:
        """Read the cursor, whose values must be of these kinds; raises the problem it is."""
        return None if self.cursor is None else _read(self.cursor, kinds)


def _paging(
    limit: Annotated[
        int, Query(ge=1, le=MOST, description="How many things at most.", examples=[USUAL])
    ] = USUAL,
    cursor: Annotated[
        str | None,
        Query(
            max_length=LONGEST_CURSOR,
            description="`next_cursor` of the page before; without it, the first page.",
            examples=["WyJBZGEiXQ"],
        ),
    ] = None,
) -> Paging:
    return Paging(limit, cursor)


Paged = Annotated[Paging, Depends(_paging)]


def page_of(found: Slice[V], show: Callable[[V], T]) -> Page[T]:
    """Make the answer of a list."""
    cursor = None if found.after is None else _write(found.after)
    return Page(items=[show(one) for one in found.items], next_cursor=cursor)


def _write(after: After) -> str:
    values = [one.isoformat() if isinstance(one, datetime) else one for one in after]
    text = json.dumps([str(one) if isinstance(one, UUID) else one for one in values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, kinds: Sequence[type]) -> After:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(values, list) or len(values) != len(kinds):
            return _refuse()
        return tuple(_value(one, kind) for one, kind in zip(values, kinds, strict=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return _refuse()


def _refuse() -> NoReturn:
    raise Problem(
        "cursor-invalid", "The cursor is none that this list gave out; begin without one."
    )


def _value(value: Any, kind: type) -> Any:
    if kind in (datetime, UUID) and not isinstance(value, str):
        # What is no text may fail there in ways of its own.
        raise ValueError(value)
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment
    if kind is UUID:
        return UUID(value)
    if type(value) is not kind:
        raise ValueError(value)
    if isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        raise ValueError(value)
    if isinstance(value, str):
        value.encode()
        if "\0" in value:
            raise ValueError(value)
    return value
