"""Secrets are kept so that what is kept doesn't tell them."""

import pytest

from billing.endpoints.digest import ha1_of, new_password
from billing.kit.secrets import SecretBox, SecretKeyMissing, SecretKeyWrong

KEY = "k" * 32


def test_a_secret_is_opened_with_its_key_alone_and_sealed_otherwise_each_time() -> None:
    box = SecretBox(KEY)
    one, other = box.seal("hunter2"), box.seal("hunter2")
    assert one != other
    assert "hunter2" not in one
    assert SecretBox(KEY).open(one) == box.open(other) == "hunter2"
    with pytest.raises(SecretKeyWrong):
        SecretBox("x" * 32).open(one)
    with pytest.raises(SecretKeyWrong):
        box.open(one[:-2])


@pytest.mark.parametrize("key", ["", "short", "k" * 31])
def test_without_a_key_nothing_is_sealed(key: str) -> None:
    with pytest.raises(SecretKeyMissing, match="openssl rand"):
        SecretBox(key)


def test_a_password_is_hashed_for_its_user_as_asterisk_does() -> None:
    assert ha1_of("fred", "mypass") == "2af57f7a1fcda815dff25579def2697c"
    assert ha1_of("ada", "x") != ha1_of("ben", "x")
    assert len({new_password() for _ in range(100)}) == 100
