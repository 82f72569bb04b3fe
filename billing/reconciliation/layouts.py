"""Layouts of statements as they are kept: set, listed, found."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import phonenumbers
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.models import PremiumTermsRow
from billing.endpoints.models import TrunkRow
from billing.endpoints.values import FORMAT_KINDS, NumberFormat
from billing.kit import versions
from billing.kit.snapshots import check_fields
from billing.kit.versions import Expected
from billing.kit.zones import check_zone
from billing.money.values import MINOR_PER_MAJOR, UnknownCurrency
from billing.reconciliation.errors import (
    CarrierUnknown,
    LayoutInvalid,
    LayoutTaken,
    LayoutUnknown,
)
from billing.reconciliation.models import LayoutRow
from billing.reconciliation.values import AGGREGATE, OPTIONAL, PER_CALL, KnownLayout, Layout

DELIMITERS: Final = (";", ",", "\t", "|")
ENCODINGS: Final = ("utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "utf-16")
LONGEST_NAME: Final = 100
MOST_FORMATS: Final = 5
MOST_SKIPPED: Final = 100
MOST_TOLERANCE_SECONDS: Final = 600
MOST_TOLERANCE_AMOUNT: Final = 100_000
MOST_COLUMNS: Final = 500

_FIELDS: Final = tuple(field.name for field in fields(Layout))
_DIRECTIVES: Final = frozenset("YymdHIpMSfz%")
_SAMPLE: Final = datetime(2026, 11, 22, 13, 14, tzinfo=UTC)


def to_json(layout: Layout) -> dict[str, Any]:
    """Freeze a layout."""
    values = asdict(layout)
    return values | {"columns": dict(layout.columns), "date_formats": list(layout.date_formats)}


def from_json(data: object) -> Layout:
    """Thaw a layout; UnreadableSnapshot for a missing or unknown field."""
    values = dict(check_fields("statement layout", data, _FIELDS))
    values["date_formats"] = tuple(values["date_formats"])
    values["numbers"] = NumberFormat(**values["numbers"])
    return Layout(**values)


async def add(s: AsyncSession, layout: Layout) -> KnownLayout:
    """Keep a new layout; raises LayoutInvalid, LayoutTaken or CarrierUnknown."""
    await _check(s, layout)
    row = LayoutRow(
        id=uuid4(), version=1, name=layout.name, carrier=layout.carrier, layout=to_json(layout)
    )
    s.add(row)
    await versions.flush(s, LayoutTaken(layout.name))
    return _known(row)


async def change(
    s: AsyncSession, layout_id: UUID, values: Mapping[str, Any], *, expected: Expected = None
) -> tuple[KnownLayout, dict[str, Any]]:
    """Change fields of a layout; gives it with what really changed, `{name: {from, to}}`.

    Statements that were read by it keep what they were read by. Raises LayoutUnknown,
    LayoutInvalid, LayoutTaken, CarrierUnknown or VersionConflict.
    """
    row = await s.scalar(
        select(LayoutRow)
        .where(LayoutRow.id == layout_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise LayoutUnknown(layout_id)
    versions.require(row, expected, subject="statement-layout", subject_id=row.id)
    layout = replace(from_json(row.layout), **values)
    await _check(s, layout)
    before, after = row.layout, to_json(layout)
    changed = {
        name: {"from": before[name], "to": after[name]}
        for name in _FIELDS
        if before[name] != after[name]
    }
    versions.change(row, {"name": layout.name, "carrier": layout.carrier, "layout": after})
    await versions.flush(s, LayoutTaken(layout.name))
    return _known(row), changed


async def list_layouts(s: AsyncSession) -> list[KnownLayout]:
    """List all layouts by name."""
    rows = await s.scalars(select(LayoutRow).order_by(LayoutRow.name))
    return [_known(row) for row in rows]


async def find(s: AsyncSession, name: str) -> KnownLayout:
    """Find a layout by name; raises LayoutUnknown."""
    row = await s.scalar(select(LayoutRow).where(LayoutRow.name == name))
    if row is None:
        raise LayoutUnknown(name)
    return _known(row)


async def get(s: AsyncSession, layout_id: UUID) -> KnownLayout:
    """Give a layout; raises LayoutUnknown."""
    row = await s.get(LayoutRow, layout_id, populate_existing=True)
    if row is None:
        raise LayoutUnknown(layout_id)
    return _known(row)


def _known(row: LayoutRow) -> KnownLayout:
    return KnownLayout(row.id, row.version, from_json(row.layout))


async def _check(s: AsyncSession, layout: Layout) -> None:
    check(layout)
    known = await s.scalar(
        select(1).where(
            or_(
                select(TrunkRow.id).where(TrunkRow.name == layout.carrier).exists(),
                select(PremiumTermsRow.id)
                .where(PremiumTermsRow.carrier == layout.carrier)
                .exists(),
            )
        )
    )
    if known is None:
        raise CarrierUnknown(layout.carrier)


def check(layout: Layout) -> None:
    """Raise LayoutInvalid, UnknownCurrency or TimeZoneUnknown unless files can be read by it."""
    if not 1 <= len(layout.name.strip()) <= LONGEST_NAME or not layout.name.isprintable():
        raise LayoutInvalid(f"its name must have 1 to {LONGEST_NAME} visible characters")
    if layout.currency not in MINOR_PER_MAJOR:
        raise UnknownCurrency(layout.currency)
    check_zone(layout.time_zone)
    if layout.region not in phonenumbers.SUPPORTED_REGIONS:
        raise LayoutInvalid(f"{layout.region!r} is no country (two letters, such as FR)")
    if layout.numbers.kind not in FORMAT_KINDS:
        raise LayoutInvalid(f"numbers are written as one of {', '.join(FORMAT_KINDS)}")
    for name, value, choices in (
        ("kind", layout.kind, ("per-call", "aggregate")),
        ("delimiter", layout.delimiter, DELIMITERS),
        ("encoding", layout.encoding, ENCODINGS),
        ("decimal mark", layout.decimal_mark, (".", ",")),
        ("period", layout.period, ("day", "month")),
        ("bearer of what isn't paid", layout.non_payment, ("platform", "shared")),
    ):
        if value not in choices:
            said = ", ".join(repr(one) for one in choices)
            raise LayoutInvalid(f"the {name} is one of {said}, not {value!r}")
    for name, number, most in (
        ("skipped lines", layout.skip_lines, MOST_SKIPPED),
        ("tolerance in seconds", layout.tolerance_seconds, MOST_TOLERANCE_SECONDS),
        ("tolerance in ledger units", layout.tolerance_amount, MOST_TOLERANCE_AMOUNT),
    ):
        if not 0 <= number <= most:
            raise LayoutInvalid(f"the {name} must be 0 to {most}, not {number}")
    _check_columns(layout)
    _check_dates(layout)


def _check_columns(layout: Layout) -> None:
    needed = PER_CALL if layout.kind == "per-call" else AGGREGATE
    if lacking := sorted(needed - set(layout.columns)):
        raise LayoutInvalid(f"it names no column for {', '.join(lacking)}")
    if foreign := sorted(set(layout.columns) - needed - OPTIONAL):
        raise LayoutInvalid(f"there is nothing called {', '.join(foreign)} in a statement")
    heads = [head.strip().casefold() for head in layout.columns.values()]
    if not all(heads) or len(set(heads)) != len(heads):
        raise LayoutInvalid("two of its columns are one, or a column has no name")
    for head in heads:
        if len(head) > LONGEST_NAME:
            raise LayoutInvalid(f"a column's name has more than {LONGEST_NAME} characters")
        is_place = head.isascii() and head.isdecimal() and 1 <= int(head) <= MOST_COLUMNS
        if not layout.has_head and not is_place:
            raise LayoutInvalid(
                f"a file without a head has columns by number, 1 to {MOST_COLUMNS}, not {head!r}"
            )


def _check_dates(layout: Layout) -> None:
    if not 1 <= len(layout.date_formats) <= MOST_FORMATS:
        raise LayoutInvalid(f"it needs 1 to {MOST_FORMATS} date formats")
    for form in layout.date_formats:
        directives = {form[place + 1 : place + 2] for place in _percents(form)}
        if len(form) > LONGEST_NAME or not directives <= _DIRECTIVES:
            known = " ".join(f"%{one}" for one in sorted(_DIRECTIVES))
            raise LayoutInvalid(f"the date format {form!r} has more than {known}")
        try:
            read = datetime.strptime(_SAMPLE.strftime(form), form)  # noqa: DTZ007  (a trial)
        except ValueError:
            read = datetime(1, 1, 1)  # noqa: DTZ001  (the same)
        wanted = _SAMPLE.replace(tzinfo=None)
        same = read.replace(tzinfo=None)
        if layout.kind == "aggregate":
            wanted, same = wanted.replace(hour=0, minute=0), same.replace(hour=0, minute=0)
            if layout.period == "month":
                wanted, same = wanted.replace(day=1), same.replace(day=1)
        if same.replace(second=0, microsecond=0) != wanted:
            what = "day and time" if layout.kind == "per-call" else layout.period
            raise LayoutInvalid(f"the date format {form!r} doesn't tell the {what}")


def _percents(form: str) -> list[int]:
    """Where directives begin: after %%, the second % is none."""
    places, place = [], form.find("%")
    while place != -1:
        places.append(place)
        place = form.find("%", place + 2)
    return places
