"""Voucher codes: their check digit, their hash, and who may know the key."""

import pytest

from billing.accounts import codes
from billing.accounts.codes import CODE_DIGITS
from billing.kit.secrets import SecretKeyMissing

KEY = "a key of the tests, long enough to be one"


def test_each_code_made_reads_back_and_no_two_are_alike() -> None:
    made = {codes.generate() for _ in range(500)}
    assert len(made) == 500
    assert all(codes.read(codes.shown(code)) == code for code in made)


def test_every_single_wrong_digit_is_told() -> None:
    code = codes.generate()
    for place in range(CODE_DIGITS):
        for digit in "0123456789":
            other = code[:place] + digit + code[place + 1 :]
            assert (codes.read(other) is None) == (other != code)


def test_the_check_digit_is_luhns() -> None:
    assert codes.read("4539 1488 0343 6467") == "4539148803436467"
    assert codes.read("8273 1232 7352 0569") is None


@pytest.mark.parametrize("given", ["", "1" * 15, "1" * 17, "٤" * 16, "453914880343646x"])
def test_what_is_no_code_is_none(given: str) -> None:
    assert codes.read(given) is None


def test_the_hash_needs_the_key_and_differs_by_key() -> None:
    code = codes.generate()
    assert codes.code_hash(KEY, code) == codes.code_hash(KEY, code)
    assert codes.code_hash(KEY, code) != codes.code_hash(KEY + "!", code)
    assert codes.key_check(KEY) != codes.key_check(KEY + "!")
    for short in ("", "short"):
        with pytest.raises(SecretKeyMissing):
            codes.code_hash(short, code)
        with pytest.raises(SecretKeyMissing):
            codes.key_check(short)
