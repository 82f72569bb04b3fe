"""What callers must pay, in plain integers: slow, simple, and sharing no code with Primeline.

Amounts are ledger units (a cent is 100). Nothing here is a hold in a database or a rule of ours: a
dictionary is changed, one step after the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

CENT: Final = 100
GRANT_SECONDS, MINIMUM_TALK_SECONDS = 30, 5

Answer = tuple[str, int, int]
"""What came of a request: (word, seconds granted or billed, ledger units held or charged)."""

REFUSED: Final = ("refused", 0, 0)
BUSY: Final = ("busy", 0, 0)


@dataclass(frozen=True)
class Price:
    """What talk costs, in cents and seconds."""

    per_minute: int
    fee: int = 0
    first: int = 1
    following: int = 1
    free: int = 0
    least: int = 0
    most: int | None = None
    longest: int = 240
    act: int | None = None
    """What a service at one price costs, if one is sold."""
    act_due: int = 10
    act_lasts: int = 60

    def exact(self, used: int, before: "Before") -> int:
        """Add block after block until the talk is covered; the fee once a call. Whole cents."""
        paid = used - max(0, self.free - before.seconds)
        if paid <= 0:
            return 0
        billed = self.first
        while billed < paid:
            billed += self.following
        fee = 0 if before.charged else self.fee
        return (60 * fee + self.per_minute * billed) // 60 * CENT

    def cost(self, used: int, before: "Before") -> int:
        """What the whole call costs, no less than the least and no more than the most, is added."""
        if used <= max(0, self.free - before.seconds):
            return 0
        whole = max(before.exact + self.exact(used, before), self.least * CENT)
        if self.most is not None:
            whole = min(whole, self.most * CENT)
        return max(0, whole - before.charged)

    def left(self, before: "Before") -> int:
        """What the longest talk leaves of the call."""
        return max(0, self.longest - before.seconds)

    def affordable(self, credit: int, before: "Before") -> int:
        """Try one second after the other."""
        longest = self.left(before)
        if credit <= 0:
            return longest if self.cost(longest, before) == 0 else 0
        seconds = 0
        while seconds < longest and self.cost(seconds + 1, before) <= credit:
            seconds += 1
        return seconds


@dataclass(frozen=True)
class Act:
    """A service at one price: all of it once it is due, nothing before, and no fee or least."""

    of: Price

    def exact(self, used: int, _before: "Before") -> int:
        """Give the one price, if it is due."""
        return (self.of.act or 0) * CENT if used >= self.of.act_due else 0

    def cost(self, used: int, before: "Before") -> int:
        """What the whole call costs, no more than the most, is added."""
        if used < self.of.act_due:
            return 0
        whole = before.exact + self.exact(used, before)
        if self.of.most is not None:
            whole = min(whole, self.of.most * CENT)
        return max(0, whole - before.charged)

    def left(self, before: "Before") -> int:
        """What it may last: no longer than the longest talk leaves of the call."""
        return min(self.of.act_lasts, self.of.left(before))

    def affordable(self, credit: int, before: "Before") -> int:
        """All of it or nothing."""
        longest = self.left(before)
        return longest if self.cost(longest, before) <= max(0, credit) else 0


@dataclass(frozen=True)
class Before:
    """What earlier segments of a call billed and charged, and that without the least and most."""

    seconds: int = 0
    charged: int = 0
    exact: int = 0


@dataclass
class Purse:
    """A caller's money and his own limits."""

    call_limit: int | None = None
    day_limit: int | None = None
    month_limit: int | None = None
    posted: int = 0
    pending: int = 0
    paid_in: int = 0
    given: int = 0
    """By adjustments; below zero: taken."""


@dataclass(frozen=True)
class Bounds:
    """The operator's limits, on all calls or on the number: one call, a caller's, everybody's."""

    call: int | None = None
    caller_day: int | None = None
    caller_month: int | None = None
    day: int | None = None


@dataclass
class Talk:
    """A call: whose, since which day, and what was quoted, granted and charged."""

    purse: int
    day: int
    expert: int | None = None
    price: Price | Act | None = None
    state: str = "opened"
    granted: int = 0
    used: int = 0
    held: int = 0
    requests: int = 0
    before: Before = Before()
    closed: bool = False
    most: int | None = None
    counted: dict[str, int] = field(default_factory=dict)
    """The limits of periods that it counts under, as its first segment's last quote found them."""
    refunded: int = 0

    @property
    def quoted(self) -> Price | Act:
        """What was quoted last."""
        assert self.price is not None
        return self.price


@dataclass
class Reference:
    """Everybody's money."""

    purses: list[Purse]
    prices: list[Price]
    talks: list[Talk] = field(default_factory=list)
    taken: dict[int, int] = field(default_factory=dict)
    """Experts in a call, and in which."""
    bounds: tuple[Bounds, Bounds] = (Bounds(), Bounds())
    spent: dict[str, int] = field(default_factory=dict)
    """What is charged and held under each limit of a period (`0 day 3`, `all on 1 day 3`)."""

    def _periods(self, talk: Talk) -> Iterator[tuple[str, int | None]]:
        who, purse = talk.purse, self.purses[talk.purse]
        day, month = f"day {talk.day}", f"month {talk.day // 10}"
        yield f"{who} {day}", purse.day_limit
        yield f"{who} {month}", purse.month_limit
        for where, bounds in enumerate(self.bounds):
            yield f"{who} on {where} {day}", bounds.caller_day
            yield f"{who} on {where} {month}", bounds.caller_month
            yield f"all on {where} {day}", bounds.day

    def _freeze(self, talk: Talk) -> None:
        calls = [self.purses[talk.purse].call_limit, *(bounds.call for bounds in self.bounds)]
        talk.most = min((one for one in calls if one is not None), default=None)
        talk.counted = {name: most for name, most in self._periods(talk) if most is not None}

    def _credit(self, talk: Talk) -> int:
        purse = self.purses[talk.purse]
        left = [most - self.spent.get(name, 0) for name, most in talk.counted.items()]
        if talk.most is not None:
            left.append(talk.most - talk.held - talk.before.charged)
        return talk.held + max(0, min([purse.posted - purse.pending, *left]))

    def _worth_it(self, talk: Talk, seconds: int) -> bool:
        left = talk.quoted.left(talk.before)
        if isinstance(talk.quoted, Act):
            return left > 0 and seconds > 0
        return left > 0 and seconds >= min(max(MINIMUM_TALK_SECONDS, talk.quoted.first), left)

    def quote(self, number: int, expert: int, *, act: bool = False) -> Answer:
        """Freeze a price, by the minute or of a service; what the whole credit buys."""
        talk, minutes = self.talks[number], self.prices[expert]
        if act and minutes.act is None:
            talk.state = "opened"
            return REFUSED
        price = Act(minutes) if act else minutes
        talk.expert, talk.price, talk.state = expert, price, "quoted"
        if not talk.closed:
            self._freeze(talk)
        seconds = price.affordable(self._credit(talk), talk.before)
        return ("quoted", seconds, 0) if self._worth_it(talk, seconds) else REFUSED

    def initial(self, number: int) -> Answer:
        """Take the expert and hold the first grant, both or neither."""
        talk = self.talks[number]
        price, expert = talk.quoted, talk.expert
        assert expert is not None
        if self.taken.get(expert, number) != number:
            return BUSY
        if not self._worth_it(talk, price.affordable(self._credit(talk), talk.before)):
            return REFUSED
        self.taken[expert], talk.state = number, "granted"
        return self._grant(talk)

    def update(self, number: int, used: int) -> Answer:
        """Lengthen the grant as far as credit goes."""
        self.talks[number].used = used
        return self._grant(self.talks[number])

    def _grant(self, talk: Talk) -> Answer:
        price, purse = talk.quoted, self.purses[talk.purse]
        affordable = price.affordable(self._credit(talk), talk.before)
        seconds = GRANT_SECONDS
        if isinstance(price, Act):
            # All of its price is held before it begins.
            seconds = max(seconds, price.of.act_due)
        talk.granted = max(talk.granted, min(talk.used + seconds, affordable))
        more = price.cost(talk.granted, talk.before) - talk.held
        talk.held += more
        purse.pending += more
        self._count(talk, more)
        talk.requests += 1
        return ("granted", talk.granted, talk.held)

    def _count(self, talk: Talk, amount: int) -> None:
        for name in talk.counted:
            self.spent[name] = self.spent.get(name, 0) + amount

    def let_go(self, number: int) -> Answer:
        """Give the hold back before any talk; the price stands."""
        talk = self.talks[number]
        self._resolve(talk, charged=0)
        self._free(number)
        talk.state = "quoted"
        return ("let go", 0, 0)

    def close_segment(self, number: int, seconds: int) -> Answer:
        """Charge a segment; the call goes on, with its expert."""
        talk = self.talks[number]
        self._charge(talk, seconds)
        talk.state, talk.closed = "opened", True
        return ("closed", 0, 0)

    def settle(self, number: int, seconds: int) -> Answer:
        """Charge what was talked and granted, give the rest back; the whole call's sums."""
        talk = self.talks[number]
        if talk.state == "granted":
            self._charge(talk, seconds)
        self._free(number)
        talk.state = "settled"
        return ("settled", talk.before.seconds, talk.before.charged)

    def _charge(self, talk: Talk, seconds: int) -> None:
        billed = min(seconds, talk.granted)
        before = talk.before
        charged = talk.quoted.cost(billed, before)
        self._resolve(talk, charged=charged)
        paid = before.charged + charged
        exact = before.exact + talk.quoted.exact(billed, before)
        talk.before = Before(before.seconds + billed, paid, min(exact, paid))

    def _resolve(self, talk: Talk, *, charged: int) -> None:
        purse = self.purses[talk.purse]
        purse.pending -= talk.held
        purse.posted -= charged
        self._count(talk, charged - talk.held)
        talk.held = talk.granted = talk.used = 0

    def _free(self, number: int) -> None:
        self.taken = {expert: call for expert, call in self.taken.items() if call != number}

    def credit(self, purse: int, amount: int, *, paid_in: bool = False) -> None:
        """Add money; only what was paid in is ever paid back."""
        self.purses[purse].posted += amount
        self.purses[purse].paid_in += amount if paid_in else 0

    # Money goes back, and is moved by hand.

    def refund(self, number: int, amount: int | None) -> Answer:
        """Give back a part of what a call cost, or all that is left of it; what is left then."""
        talk = self.talks[number]
        left = talk.before.charged - talk.refunded
        wanted = left if amount is None else amount
        if not 0 < wanted <= left:
            return REFUSED
        talk.refunded += wanted
        self.purses[talk.purse].posted += wanted
        self._count(talk, -wanted)
        return ("refunded", left - wanted, wanted)

    def adjust(self, purse: int, amount: int) -> Answer:
        """Give or take by hand, never what is held."""
        of = self.purses[purse]
        if of.posted - of.pending + min(0, amount) < 0:
            return REFUSED
        of.posted += amount
        of.given += amount
        return ("adjusted", of.posted - of.pending, amount)

    def pay_back(self, purse: int, amount: int | None) -> Answer:
        """Pay out what was paid in, isn't held, and wasn't taken by hand."""
        of = self.purses[purse]
        most = max(0, min(of.posted - of.pending, of.paid_in + min(0, of.given)))
        wanted = most if amount is None else amount
        if not 0 < wanted <= most:
            return REFUSED
        of.posted -= wanted
        of.paid_in -= wanted
        return ("paid back", of.posted - of.pending, wanted)
