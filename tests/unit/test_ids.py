from uuid import RFC_4122, UUID

import pytest

from billing.kit.ids import new_call_id, transfer_id

CALL = UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")


def test_a_call_id_is_the_example_of_rfc_9562() -> None:
    random_bits = 0xCC3 << 62 | 0x18C4DC0C0C07398F

    assert new_call_id(unix_ms=0x017F22E279B0, random_bits=random_bits) == CALL


def test_a_call_id_is_a_version_7_uuid_of_now() -> None:
    made = new_call_id()

    assert made.version == 7
    assert made.variant == RFC_4122
    assert made != new_call_id()


def test_a_later_call_id_sorts_later() -> None:
    earlier = new_call_id(unix_ms=1_000, random_bits=(1 << 74) - 1)
    later = new_call_id(unix_ms=1_001, random_bits=0)

    assert earlier < later
    assert str(earlier) < str(later)


@pytest.mark.parametrize(("unix_ms", "random_bits"), [(-1, 0), (1 << 48, 0), (0, -1), (0, 1 << 74)])
def test_a_call_id_refuses_what_does_not_fit(unix_ms: int, random_bits: int) -> None:
    with pytest.raises(ValueError, match="UUIDv7"):
        new_call_id(unix_ms=unix_ms, random_bits=random_bits)


def test_the_same_step_of_a_call_has_the_same_id_for_ever() -> None:
    assert transfer_id(CALL, "hold", 2) == UUID("37df0de4-4930-5e79-a5d9-b0558c058a98")
    assert transfer_id(CALL, "hold", 2).version == 5


def test_other_steps_and_other_calls_have_other_ids() -> None:
    other_call = new_call_id()
    ids = {
        transfer_id(CALL, "hold", 1),
        transfer_id(CALL, "hold", 2),
        transfer_id(CALL, "hold", 12),
        transfer_id(CALL, "hold", 1, 2),
        transfer_id(CALL, "post", 1),
        transfer_id(other_call, "hold", 1),
    }

    assert len(ids) == 6


@pytest.mark.parametrize("step", [(), ("",), ("hold:1",)])
def test_a_step_without_a_clear_name_is_refused(step: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="step"):
        transfer_id(CALL, *step)
