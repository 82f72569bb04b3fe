import socket
from itertools import combinations

from primeline.ports import (
    METRICS_PER_SLOT,
    RTP_PORTS_PER_SLOT,
    SLOTS,
    Ports,
    all_free,
    lease_ports,
)

EPHEMERAL_FIRST = 32_768


def every_port(ports: Ports) -> set[int]:
    return {ports.sip, *ports.tcp, *range(ports.rtp_first, ports.rtp_last + 1)}


def test_no_two_slots_share_a_port_and_none_reaches_the_kernels_own_range() -> None:
    slots = [every_port(Ports.of_slot(slot)) for slot in range(SLOTS)]
    assert all(not one & other for one, other in combinations(slots, 2))
    assert max(max(ports) for ports in slots) < EPHEMERAL_FIRST
    assert all(len(ports) == RTP_PORTS_PER_SLOT + 5 + METRICS_PER_SLOT for ports in slots)


def test_two_leases_never_hold_the_same_ports_and_a_released_one_is_given_again() -> None:
    first, second = lease_ports(), lease_ports()
    try:
        assert not every_port(first.ports) & every_port(second.ports)
    finally:
        first.release()
        second.release()


def test_one_port_taken_by_somebody_else_is_enough_to_pass_over_the_whole_slot() -> None:
    lease = lease_ports()
    try:
        assert all_free(lease.ports)
        for port in (lease.ports.sip, lease.ports.rtp_last):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
                taken.bind(("127.0.0.1", port))
                assert not all_free(lease.ports)
    finally:
        lease.release()
