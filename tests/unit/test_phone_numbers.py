"""Phone numbers: one form, whatever a carrier writes."""

import pytest

from billing.kit.phones import NumberInvalid, require_e164, to_e164


@pytest.mark.parametrize(
    ("given", "region", "e164"),
    [
        ("+33 1 99 00 12 34", "FR", "+33199001234"),
        ("0199001234", "FR", "+33199001234"),
        ("0033199001234", "FR", "+33199001234"),
        ("33199001234", "FR", "+33199001234"),
        ("01632 960123", "GB", "+441632960123"),
        ("+441632960123", "FR", "+441632960123"),
        ("2025550123", "US", "+12025550123"),
        ("anonymous", "FR", None),
        ("Anonymous", "FR", None),
        ("", "FR", None),
        (None, "FR", None),
        ("sip:alice", "FR", None),
        ("112", "FR", None),
        ("0199001234' OR 1=1", "FR", None),
    ],
)
def test_numbers_in_any_form_are_the_same_e164(
    given: str | None, region: str, e164: str | None
) -> None:
    assert to_e164(given, region) == e164


def test_what_is_no_number_is_refused_in_words() -> None:
    with pytest.raises(NumberInvalid, match="is no phone number"):
        require_e164("tomorrow")
