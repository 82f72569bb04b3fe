"""Whether everybody's money is right: each call by four witnesses, each wallet by its sums.

The witnesses of a call are our rows, Asterisk's own record (CEL), both phones, and the price that
the campaign itself set.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from billing.catalogue.rules import outpayment, retail
from billing.catalogue.values import PremiumTerms
from billing.money.values import Money
from billing.tariffs.rules import charge
from billing.tariffs.values import Mode, Tariff

RECORD_MS: Final = 20
"""Our paid time and Asterisk's record may differ by this."""

HEARD_MS: Final = 500
"""A phone may begin to hear so much later than it is joined, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Segment:
    """All paid time of a call under one accepted price."""

    mode: Mode
    billed_ms: int
    billed_seconds: int
    granted_seconds: int


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call that is over.

    `segments` are those with paid time. `interrupted`: its talk was not one paid stretch, so what
    the phones heard is more than what was to be paid.
    `recorded_ms` None: Asterisk died in it, or a leg's end isn't in its record. `heard_ms` None: no
    phone of it is known; 0: the phones never heard each other. `frozen_ms`: how long Asterisk was
    frozen in it, so that its clock ran on while nobody heard anything.
    """

    call_id: str
    settled: bool
    segments: tuple[Segment, ...]
    charged: int
    posted: int
    open_holds: int
    recorded_ms: int | None
    heard_ms: int | None
    frozen_ms: int = 0
    interrupted: bool = False

    @property
    def billed_ms(self) -> int:
        """Our paid time."""
        return sum(one.billed_ms for one in self.segments)

    @property
    def lost_ms(self) -> int:
        """Talk that nobody paid for: the platform's loss."""
        talked_ms = self.recorded_ms if self.interrupted else self.heard_ms
        return max(0, (talked_ms or 0) - sum(one.billed_seconds for one in self.segments) * 1_000)


@dataclass(frozen=True, slots=True)
class PremiumFacts:
    """What is known of an answered call that the carrier bills, as `CallFacts`.

    `metered_ms` is from the answer to the release by our rows, `recorded_ms` by Asterisk's record,
    `up_ms` by the caller's phone.
    """

    call_id: str
    settled: bool
    metered_ms: int
    metered_seconds: int
    retail: int
    outpayment: int
    recorded_ms: int | None
    up_ms: int | None
    frozen_ms: int = 0


@dataclass(frozen=True, slots=True)
class WalletFacts:
    """A caller's wallet: what was put in, what his calls charged, and what his row says."""

    wallet_id: str
    put_in: int
    charged: int
    posted: int
    pending: int


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong, and how many ledger units are."""

    what: str
    whose: str
    amount: int = 0


def wrongs_of_call(call: CallFacts, price: Tariff) -> list[Wrong]:
    """Judge a call; [] means that it is right."""
    wrongs = []

    def wrong(what: str, amount: int = 0) -> None:
        wrongs.append(Wrong(what, f"call {call.call_id}", amount))

    if not call.settled:
        wrong("never settled")
    if call.open_holds:
        wrong("money is still held", call.open_holds)
    if any(one.billed_seconds > one.granted_seconds for one in call.segments):
        wrong("billed more than granted")
    if any(one.billed_seconds * 1_000 > one.billed_ms for one in call.segments):
        wrong("billed more than our own intervals")
    announced = _announced(price, call.segments)
    if call.charged != announced:
        wrong("charged other than announced", abs(call.charged - announced))
    if call.posted != call.charged:
        wrong("not paid exactly once", abs(call.posted - call.charged))
    talked = _overcharged(call, price)
    if talked:
        wrong("charged for time not talked", talked)
    if call.recorded_ms is not None and abs(call.billed_ms - call.recorded_ms) > RECORD_MS:
        wrong(f"paid time {call.billed_ms} ms, by Asterisk's record {call.recorded_ms} ms")
    return wrongs


def _announced(price: Tariff, segments: Iterable[Segment]) -> int:
    return sum(charge(price.by(one.mode), one.billed_seconds).amount for one in segments)


def _overcharged(call: CallFacts, price: Tariff) -> int:
    """Ledger units charged beyond what the phones can have talked."""
    if call.heard_ms is None:
        return 0
    most_ms = call.heard_ms + call.frozen_ms + HEARD_MS if call.heard_ms else call.frozen_ms
    most_seconds = -(-most_ms // 1_000)
    # What an act costs doesn't depend on its length.
    acts = [one for one in call.segments if one.mode == "act"] if most_ms else []
    return max(0, call.charged - charge(price, most_seconds).amount - _announced(price, acts))


def wrongs_of_premium(call: PremiumFacts, terms: PremiumTerms) -> list[Wrong]:
    """Judge a call that the carrier bills; [] means that it is right."""
    wrongs = []

    def wrong(what: str, amount: int = 0) -> None:
        wrongs.append(Wrong(what, f"call {call.call_id}", amount))

    if not call.settled:
        wrong("never settled")
    seconds = -(-call.metered_ms // 1_000)
    if call.metered_seconds != seconds and (seconds, call.metered_seconds) != (0, 1):
        wrong("other seconds than the carrier's meter counts")
    for what, found, expected in (
        ("retail price", call.retail, retail(terms, call.metered_seconds).amount),
        ("outpayment", call.outpayment, outpayment(terms, call.metered_seconds).amount),
    ):
        if found != expected:
            wrong(f"{what} other than by the terms", abs(found - expected))
    if call.recorded_ms is not None and abs(call.metered_ms - call.recorded_ms) > RECORD_MS:
        wrong(f"metered {call.metered_ms} ms, by Asterisk's record {call.recorded_ms} ms")
    if call.up_ms is not None and call.metered_ms > call.up_ms + call.frozen_ms + HEARD_MS:
        wrong(f"metered {call.metered_ms} ms, by the caller's phone {call.up_ms} ms")
    return wrongs


def wrongs_of_wallet(wallet: WalletFacts) -> list[Wrong]:
    """Judge a wallet; [] means that it is right."""
    whose = f"wallet {wallet.wallet_id}"
    wrongs = []
    expected = wallet.put_in - wallet.charged
    if wallet.posted != expected:
        wrongs.append(Wrong("not what was put in less what was charged", whose,
                            abs(wallet.posted - expected)))  # fmt: skip
    if wallet.pending:
        wrongs.append(Wrong("something is still held", whose, abs(wallet.pending)))
    if wallet.posted - wallet.pending < 0:
        wrongs.append(Wrong("below zero", whose, wallet.pending - wallet.posted))
    return wrongs


def shown(wrongs: Sequence[Wrong]) -> list[str]:
    """Say what is wrong, a line each."""
    return [
        f"{wrong.whose}: {wrong.what}"
        + (f" ({Money(wrong.amount, 'EUR')})" if wrong.amount else "")
        for wrong in wrongs
    ]
