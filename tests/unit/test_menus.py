from functools import reduce

import pytest

from dialplan.menus import Digits, press


def keyed(keys: list[str] | str, max_length: int = 4) -> Digits:
    return reduce(press, keys, Digits(max_length))


@pytest.mark.parametrize(
    ("keys", "value", "done"),
    [
        ("", "", False),
        ("12", "12", False),
        ("12#", "12", True),
        ("1234", "1234", True),
        ("12345", "1234", True),
        ("#", "", True),
        ("#1", "", True),
        ("99*12#", "12", True),
        ("*", "", False),
        ("1A2B3C4D", "1234", True),
        (["1", "", "12", "\u0661", "²", " ", "2"], "12", False),
        ("0007", "0007", True),
    ],
)
def test_keys_are_collected(keys: list[str] | str, value: str, done: bool) -> None:
    digits = keyed(keys)
    assert (digits.value, digits.done) == (value, done)


def test_the_end_before_any_digit_is_none_where_a_digit_is_wanted() -> None:
    digits = reduce(press, "##12#", Digits(4, ends_empty=False))
    assert (digits.value, digits.done) == ("12", True)


def test_nothing_changes_after_the_end() -> None:
    ended = keyed("12#")
    assert all(press(ended, key) is ended for key in "0#*A")


def test_a_pin_is_not_in_the_text_form() -> None:
    assert "73" not in repr(keyed("7373")) + str(keyed("73"))


def test_room_for_no_digit_is_refused() -> None:
    with pytest.raises(ValueError, match="max_length"):
        Digits(0)
