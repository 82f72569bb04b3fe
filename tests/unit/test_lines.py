from pathlib import Path

import pytest

from billing.endpoints.service import KnownPhone
from primeline.asterisk_conf import Lines, PhoneEndpoint, Trunk
from primeline.lines import (
    LINES_FILE,
    PASSWORDS_FILE,
    LinesInvalid,
    Passwords,
    all_lines,
    changes,
)
from primeline.lines import read_own_lines as read


def lines(directory: Path) -> Lines:
    passwords = Passwords(directory)
    phones = [KnownPhone("ada-1", None), KnownPhone("cleo", "+33639980001")]
    return all_lines(read(directory, passwords), passwords, phones)


def test_the_first_start_writes_an_example_and_gives_each_phone_a_password_it_keeps(
    tmp_path: Path,
) -> None:
    first, second = lines(tmp_path), lines(tmp_path)
    assert first == second
    assert [(phone.endpoint, phone.number) for phone in first.phones] == [
        ("ada-1", None),
        ("cleo", "+33639980001"),
    ]
    assert first.trunks == ()
    assert len(first.phones[0].password) >= 15
    assert (tmp_path / LINES_FILE).read_text().startswith("#")
    assert (tmp_path / PASSWORDS_FILE).stat().st_mode & 0o077 == 0


def test_the_operators_file_wins_over_the_database(tmp_path: Path) -> None:
    (tmp_path / LINES_FILE).write_text(
        '[[trunk]]\nname = "carrier"\naddresses = ["203.0.113.10"]\nregion = "BE"\n'
        '[[phone]]\nendpoint = "caller-1"\nnumber = "+33639980101"\n'
    )
    found = lines(tmp_path)
    assert found.trunks[0].addresses == ("203.0.113.10",)
    assert found.trunks[0].username is None
    assert not found.trunks[0].trusted
    assert [(one.endpoint, one.number) for one in found.phones] == [
        ("caller-1", "+33639980101"),
        ("ada-1", None),
        ("cleo", "+33639980001"),
    ]
    assert read(tmp_path, Passwords(tmp_path)).trunks[0].region == "BE"


@pytest.mark.parametrize(
    "text",
    [
        "[[trunk]\n",
        "[[trunk]]\ntrusted = true\n",
        '[[phone]]\nendpoint = "a"\ncolour = "red"\n',
        '[[line]]\nname = "a"\n',
        'trunk = "a"\n',
        '[[trunk]]\nname = "a"\ntrusted = "no"\n',
        '[[trunk]]\nname = "a"\naddresses = "203.0.113.10"\n',
        '[[trunk]]\nname = "a"\nregion = "France"\n',
        '[[phone]]\nendpoint = "a"\nnumber = 33639980101\n',
    ],
)
def test_a_mistake_in_the_file_is_said_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / LINES_FILE).write_text(text)
    with pytest.raises(LinesInvalid, match=LINES_FILE):
        lines(tmp_path)


def test_passwords_asked_for_by_two_at_once_are_the_same(tmp_path: Path) -> None:
    one, other = Passwords(tmp_path), Passwords(tmp_path)
    assert one.of("ada") == other.of("ada")
    assert one.of("ben") == other.of("ben") == Passwords(tmp_path).of("ben")


def test_what_changed_is_said_by_name() -> None:
    old = Lines(trunks=(Trunk("one"), Trunk("two")), phones=(PhoneEndpoint("ada", "password"),))
    new = Lines(
        trunks=(Trunk("two", trusted=True),),
        phones=(PhoneEndpoint("ada", "password"), PhoneEndpoint("ben", "password")),
    )
    assert changes(old, new) == "new phone ben; changed trunk two; gone trunk one"
    assert changes(new, new) == ""
