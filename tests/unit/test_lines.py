from billing.endpoints.values import KnownPhone, Trunk
from primeline.asterisk_conf import Lines
from primeline.lines import changes

ADDRESS = ("203.0.113.10",)


def test_what_changed_is_said_by_name() -> None:
    ada, ben = KnownPhone("ada", ha1="0" * 32), KnownPhone("ben", ha1="0" * 32)
    one, two = Trunk("one", addresses=ADDRESS), Trunk("two", addresses=ADDRESS)
    old = Lines(trunks=(one, two), phones=(ada, KnownPhone("cleo")), passwords={"two": "a"})
    new = Lines(trunks=(two,), phones=(ada, ben), passwords={"two": "b"})
    assert changes(old, new) == "new phone ben; changed trunk two; gone trunk one"
    assert changes(new, new) == ""
