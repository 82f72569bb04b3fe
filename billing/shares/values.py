"""Who gets what part of a charge."""

from dataclasses import dataclass
from typing import Literal

from billing.money.values import Money


@dataclass(frozen=True, slots=True)
class ShareRule:
    """The expert's part in basis points (7 000 is 70 %) of the charge, without tax if `net`."""

    expert_basis_points: int = 7_000
    basis: Literal["net", "gross"] = "net"


@dataclass(frozen=True, slots=True)
class Split:
    """A charge taken apart: `tax + expert + platform == charge`, in ledger units."""

    charge: Money
    tax: Money
    expert: Money
    platform: Money
