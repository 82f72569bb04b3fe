"""Phone numbers as E.164, whatever form a carrier or a person gives them in."""

import phonenumbers

from billing.kit.errors import PrimelineError

DEFAULT_REGION = "FR"
"""The country of numbers without a country code where no trunk says otherwise."""

ANONYMOUS = frozenset({"anonymous", "unknown", "restricted", "unavailable", "private", "withheld"})


class NumberInvalid(PrimelineError):
    """What was given is no phone number."""

    code = "number-invalid"

    def __init__(self, given: str) -> None:
        super().__init__(f"{given!r} is no phone number; write it like +33 1 99 00 12 34.")


def to_e164(given: str | None, region: str = DEFAULT_REGION) -> str | None:
    """`given` as +E.164, or None where it is anonymous or no number.

    A national number is read in `region` (ISO 3166); digits that are none there are tried with a
    leading plus, since some trunks leave it out. `01 99 00 12 34` in FR is `+33199001234`.
    """
    text = (given or "").strip()
    if not text or text.lower() in ANONYMOUS:
        return None
    tries: list[tuple[str, str | None]] = [(text, region)]
    if not text.startswith("+"):
        tries.append(("+" + text.removeprefix("00"), None))
    for candidate, candidate_region in tries:
        try:
            number = phonenumbers.parse(candidate, candidate_region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def require_e164(given: str, region: str = DEFAULT_REGION) -> str:
    """As `to_e164`, but raises NumberInvalid."""
    number = to_e164(given, region)
    if number is None:
        raise NumberInvalid(given)
    return number


def country_of(e164: str) -> str | None:
    """Give the country of a number by its prefix (ISO 3166), None where it has none.

    Toll-free numbers that countries share, such as +1 800, count as the largest one's.
    """
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(number)
    if region is None and number.country_code is not None:
        region = phonenumbers.region_code_for_country_code(number.country_code)
    return None if region in {"001", "ZZ"} else region
