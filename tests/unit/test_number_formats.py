"""How carriers write numbers: a table for each format, both ways, in three countries."""

import pytest

from billing.endpoints.formats import read_number, write_number
from billing.endpoints.values import FormatKind, NumberFormat

FR, UK, US = "+33199000001", "+441632960001", "+12025550123"

READ: dict[FormatKind, list[tuple[str, str, str | None]]] = {
    "any": [
        ("FR", "+33199000001", FR),
        ("FR", "33199000001", FR),
        ("FR", "0033199000001", FR),
        ("FR", "0199000001", FR),
        ("GB", "01632960001", UK),
        ("GB", "441632960001", UK),
        ("US", "2025550123", US),
        ("US", "12025550123", US),
        ("US", "011441632960001", UK),
    ],
    "+e164": [
        ("FR", "+33199000001", FR),
        ("GB", "+441632960001", UK),
        ("US", "+12025550123", US),
        ("FR", "+33 1 99-00.00 (01)", FR),
        ("FR", "33199000001", None),
        ("FR", "0199000001", None),
        ("FR", "+", None),
        ("FR", "+33", None),
        ("FR", "+0199000001", None),
        ("FR", "++33199000001", None),
    ],
    "e164": [
        ("FR", "33199000001", FR),
        ("GB", "441632960001", UK),
        ("US", "12025550123", US),
        ("FR", "+33199000001", FR),
        ("FR", "0199000001", None),
        ("FR", "0033199000001", None),
        ("US", "2025550123", "+2025550123"),
        ("FR", "33", None),
    ],
    "00": [
        ("FR", "0033199000001", FR),
        ("GB", "00441632960001", UK),
        ("US", "0012025550123", US),
        ("FR", "+33199000001", FR),
        ("FR", "33199000001", None),
        ("FR", "0199000001", None),
        ("FR", "00", None),
    ],
    "national": [
        ("FR", "0199000001", FR),
        ("FR", "199000001", FR),
        ("GB", "01632960001", UK),
        ("US", "2025550123", US),
        ("US", "12025550123", US),
        ("FR", "00441632960001", UK),
        ("GB", "0033199000001", FR),
        ("US", "01133199000001", FR),
        ("FR", "+441632960001", UK),
        ("FR", "17", None),
        ("FR", "112", None),
    ],
}
WITHHELD_OR_NONE = [None, "", "  ", "anonymous", "Anonymous", "restricted", "sip:ada", "a&b", "*7"]


@pytest.mark.parametrize(
    ("kind", "region", "given", "e164"), [(kind, *row) for kind in READ for row in READ[kind]]
)
def test_a_number_from_a_carrier_is_read(
    kind: FormatKind, region: str, given: str, e164: str | None
) -> None:
    assert read_number(NumberFormat(kind), given, region) == e164


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("given", WITHHELD_OR_NONE)
def test_what_is_withheld_or_no_number_is_none_in_every_format(
    kind: FormatKind, given: str | None
) -> None:
    assert read_number(NumberFormat(kind), given, "FR") is None


@pytest.mark.parametrize(
    ("format_", "region", "given", "e164"),
    [
        (NumberFormat("national", strip="9"), "US", "92025550123", US),
        (NumberFormat("national", strip="9"), "US", "2025550123", None),
        (NumberFormat("e164", strip="1001"), "FR", "100133199000001", FR),
        (NumberFormat("e164", strip="1001"), "FR", "+33199000001", FR),
        (NumberFormat("national", add="0"), "FR", "199000001", FR),
        (NumberFormat("e164", strip="0", add="33"), "FR", "0199000001", FR),
        (NumberFormat("00", strip="*5", add="00"), "FR", "*533199000001", FR),
    ],
)
def test_a_prefix_is_taken_off_and_another_put_there_before_a_number_is_read(
    format_: NumberFormat, region: str, given: str, e164: str | None
) -> None:
    assert read_number(format_, given, region) == e164


@pytest.mark.parametrize(
    ("kind", "region", "e164", "written"),
    [
        ("+e164", "FR", FR, "+33199000001"),
        ("+e164", "US", UK, "+441632960001"),
        ("e164", "FR", FR, "33199000001"),
        ("e164", "US", US, "12025550123"),
        ("00", "FR", FR, "0033199000001"),
        ("00", "GB", US, "0012025550123"),
        ("national", "FR", FR, "0199000001"),
        ("national", "GB", UK, "01632960001"),
        ("national", "US", US, "2025550123"),
        ("national", "FR", UK, "00441632960001"),
        ("national", "US", FR, "01133199000001"),
        ("national", "US", "+14165550123", "4165550123"),
        ("national", "IT", "+390612345678", "0612345678"),
    ],
)
def test_a_number_is_written_as_the_carrier_wants_it(
    kind: FormatKind, region: str, e164: str, written: str
) -> None:
    format_ = NumberFormat(kind)
    assert write_number(format_, e164, region) == written
    assert read_number(format_, written, region) == e164


@pytest.mark.parametrize(
    ("format_", "region", "e164", "written"),
    [
        (NumberFormat("national", add="9"), "US", US, "92025550123"),
        (NumberFormat("national", strip="0"), "FR", FR, "199000001"),
        (NumberFormat("e164", strip="33", add="0"), "FR", FR, "0199000001"),
        (NumberFormat("e164", add="1001"), "FR", FR, "100133199000001"),
        (NumberFormat("00", add="*31*"), "FR", FR, "*31*0033199000001"),
    ],
)
def test_a_prefix_is_taken_off_and_another_put_there_after_a_number_was_written(
    format_: NumberFormat, region: str, e164: str, written: str
) -> None:
    assert write_number(format_, e164, region) == written
