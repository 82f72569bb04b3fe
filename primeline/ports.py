"""Free ports for one instance, chosen so that instances beside each other never meet."""

import socket
from dataclasses import dataclass
from typing import Final, Self

from billing.kit.errors import PrimelineError

SLOTS: Final = 40
"""How many instances fit side by side on one machine."""

RTP_PORTS_PER_SLOT: Final = 400
"""RTP and RTCP of 200 legs. All slots stay below the kernel's own ephemeral range (32 768)."""

FIRST_SIP: Final = 5060
FIRST_ARI: Final = 8088
FIRST_API: Final = 8188
FIRST_AGI: Final = 4573
FIRST_AMI: Final = 5238
FIRST_METRICS: Final = 9500
METRICS_PER_SLOT: Final = 8
"""One for each part that has figures to tell."""

FIRST_RTP: Final = 10_000


class NoFreePorts(PrimelineError):
    """Every slot is in use."""

    code = "no-free-ports"

    def __init__(self) -> None:
        super().__init__(
            f"All {SLOTS} sets of ports from SIP {FIRST_SIP} and RTP {FIRST_RTP} on are taken."
        )


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one instance; `rtp_last` is included, `metrics` is the first of several."""

    sip: int
    ari: int
    api: int
    agi: int
    ami: int
    metrics: int
    rtp_first: int
    rtp_last: int

    @property
    def tcp(self) -> tuple[int, ...]:
        """All ports on loopback that speak TCP."""
        metrics = range(self.metrics, self.metrics + METRICS_PER_SLOT)
        return (self.ari, self.api, self.agi, self.ami, *metrics)

    @classmethod
    def of_slot(cls, slot: int) -> Self:
        """Slot 0 holds the preferred ports."""
        rtp_first = FIRST_RTP + slot * RTP_PORTS_PER_SLOT
        return cls(
            sip=FIRST_SIP + 2 * slot,
            ari=FIRST_ARI + slot,
            api=FIRST_API + slot,
            agi=FIRST_AGI + slot,
            ami=FIRST_AMI + slot,
            metrics=FIRST_METRICS + METRICS_PER_SLOT * slot,
            rtp_first=rtp_first,
            rtp_last=rtp_first + RTP_PORTS_PER_SLOT - 1,
        )


class PortLease:
    """A set of ports nobody else on this machine gets from us while the lease is held.

    The lease is a name in the kernel's abstract socket space: it ends with the process at the
    latest, and it can't be left behind.
    """

    def __init__(self, ports: Ports, guard: socket.socket) -> None:
        self.ports = ports
        self._guard = guard

    def release(self) -> None:
        """Let others have the ports."""
        self._guard.close()


def lease_ports(bind_host: str = "127.0.0.1") -> PortLease:
    """Take the first slot whose ports are all free; raises `NoFreePorts`."""
    for slot in range(SLOTS):
        guard = _guard(slot)
        if guard is None:
            continue
        ports = Ports.of_slot(slot)
        if all_free(ports, bind_host):
            return PortLease(ports, guard)
        guard.close()
    raise NoFreePorts


def _guard(slot: int) -> socket.socket | None:
    guard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        guard.bind(f"\0primeline-ports-{slot}")
    except OSError:
        guard.close()
        return None
    return guard


def all_free(ports: Ports, bind_host: str = "127.0.0.1") -> bool:
    """Whether nobody at all listens on any of the ports."""
    udp = [ports.sip, *range(ports.rtp_first, ports.rtp_last + 1)]
    return all(_is_free(bind_host, port, socket.SOCK_DGRAM) for port in udp) and all(
        _is_free("127.0.0.1", port, socket.SOCK_STREAM) for port in ports.tcp
    )


def _is_free(host: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            # As the servers themselves do: a connection in TIME_WAIT is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
