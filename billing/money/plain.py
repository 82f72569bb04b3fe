"""Values as JSON knows them, for records and for programs."""

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from billing.money.text import to_decimal_string
from billing.money.values import Money


def plain(value: Any) -> Any:
    """Give a value as JSON knows it: money as a decimal string of four places beside currency."""
    if isinstance(value, Money):
        return {"amount": to_decimal_string(value), "currency": value.currency}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, StrEnum | UUID | Path):
        return str(value)
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return sorted(map(plain, value)) if isinstance(value, frozenset) else value
