"""Answers in the shape that the files ask for: what isn't known stays empty."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from primeline.fake_twilio.specification import Operation

Thing = dict[str, Any]


def blank(schema: Mapping[str, Any]) -> Any:
    """Give the emptiest value that a schema allows."""
    kinds = schema.get("type", "null")
    if "null" in (kinds if isinstance(kinds, list) else [kinds]):
        return None
    if "enum" in schema:
        return schema["enum"][0]
    if kinds == "object":
        return {name: blank(inner) for name, inner in schema.get("properties", {}).items()}
    return {"array": [], "boolean": False, "integer": 0, "number": 0, "string": ""}[kinds]


def filled(schema: Mapping[str, Any], thing: Thing) -> Thing:
    """Give `thing` with every field that the schema has; times as it writes them."""
    made: Thing = blank(schema) | {
        name: value for name, value in thing.items() if name in schema["properties"]
    }
    for name, value in made.items():
        if isinstance(value, datetime):
            rfc_2822 = schema["properties"][name].get("format") == "date-time-rfc-2822"
            made[name] = format_datetime(value) if rfc_2822 else f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return made


def answer(operation: Operation, thing: Thing) -> Thing:
    """Give one thing as the operation answers it."""
    schema = operation.answers[operation.good_status]
    assert schema is not None
    return filled(schema, thing)


def page(
    operation: Operation, things: Sequence[Thing], *, size: int, number: int, url: str
) -> Thing:
    """Give one page of a list, with the way to the next one. `url`: of the list, without query.

    The older API counts beside the list and gives paths; the newer one has it all under "meta".
    """
    schema = operation.answers[operation.good_status]
    assert schema is not None
    properties = schema["properties"]
    key = next(name for name, inner in properties.items() if inner.get("type") == "array")
    shown = things[number * size : (number + 1) * size]
    more = (number + 1) * size < len(things)
    newer = "meta" in properties
    base = url if newer else "/" + url.removeprefix("https://").partition("/")[2]

    def at(index: int) -> str:
        return f"{base}?PageSize={size}&Page={index}"

    suffix = "url" if newer else "uri"
    paging: Thing = {
        f"first_page_{suffix}": at(0),
        f"next_page_{suffix}": at(number + 1) if more else None,
        f"previous_page_{suffix}": at(number - 1) if number else None,
        suffix: at(number),
        "page": number,
        "page_size": size,
    }
    listed = [filled(properties[key]["items"], thing) for thing in shown]
    if newer:
        return {key: listed, "meta": paging | {"key": key}}
    counted = {"start": number * size, "end": number * size + max(0, len(shown) - 1)}
    return {key: listed} | paging | counted


def now() -> datetime:
    """The present, to the second, as Twilio tells it."""
    return datetime.now(UTC).replace(microsecond=0)
