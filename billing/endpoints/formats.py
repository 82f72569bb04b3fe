"""How carriers write phone numbers, both ways; nothing here knows a particular trunk."""

import re

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat

from billing.endpoints.values import FormatKind, NumberFormat
from billing.kit.phones import ANONYMOUS, to_e164

_SEPARATORS = str.maketrans("", "", " -.()\u00a0")
_DIGITS = re.compile(r"[0-9]+")


def read_number(format_: NumberFormat, given: str | None, region: str) -> str | None:
    """A number that a carrier sent as +E.164; None: withheld, or not in its format.

    A leading plus means the same in every format and goes unstripped. In FR, `national` reads
    `0199001234` as `+33199001234`; `e164` reads `33199001234` so and takes `0199001234` for none.
    """
    text = (given or "").strip()
    if text.lower() in ANONYMOUS:
        return None
    text = text.translate(_SEPARATORS)
    if text.startswith("+"):
        return _e164(text, None) if _DIGITS.fullmatch(text[1:]) else None
    if not text.startswith(format_.strip):
        return None
    text = format_.add + text.removeprefix(format_.strip)
    return _read(format_.kind, text, region) if _DIGITS.fullmatch(text) else None


def write_number(format_: NumberFormat, e164: str, region: str) -> str:
    """A number as a carrier wants it; `any` writes +E.164.

    `+33199001234` is `0199001234` as `national` in FR, and `011331990012…` in US: a number of
    another country gets the prefix that its callers dial.
    """
    match format_.kind:
        case "any" | "+e164":
            text = e164
        case "e164":
            text = e164[1:]
        case "00":
            text = "00" + e164[1:]
        case "national":
            text = _national(phonenumbers.parse(e164), region)
    return format_.add + text.removeprefix(format_.strip)


def _read(kind: FormatKind, text: str, region: str) -> str | None:
    found = None
    match kind:
        case "any":
            found = to_e164(text, region)
        case "national":
            found = _e164(text, region)
        case "e164" if not text.startswith("0"):
            found = _e164("+" + text, None)
        case "00" if text.startswith("00"):
            found = _e164("+" + text[2:], None)
    return found


def _e164(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _national(number: PhoneNumber, region: str) -> str:
    if number.country_code == phonenumbers.country_code_for_region(region):
        text = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    else:
        text = phonenumbers.format_out_of_country_calling_number(number, region)
    return re.sub(r"\D", "", text)
