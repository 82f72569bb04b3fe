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

    def cost(self, used: int) -> int:
        """Add block after block until the talk is covered."""
        paid = used - self.free
        if paid <= 0:
            return 0
        billed = self.first
        while billed < paid:
            billed += self.following
        cents = max((60 * self.fee + self.per_minute * billed) // 60, self.least)
        return CENT * (cents if self.most is None else min(cents, self.most))

    def affordable(self, credit: int) -> int:
        """Try one second after the other."""
        if credit <= 0:
            return self.longest if self.cost(self.longest) == 0 else 0
        seconds = 0
        while seconds < self.longest and self.cost(seconds + 1) <= credit:
            seconds += 1
        return seconds


@dataclass
class Purse:
    """A caller's money, and what he spent and holds in each period (`day 3`, `month 0`)."""

    call_limit: int | None = None
    day_limit: int | None = None
    month_limit: int | None = None
    posted: int = 0
    pending: int = 0
    spent: dict[str, int] = field(default_factory=dict)

    def periods(self, day: int) -> Iterator[tuple[str, int]]:
        """Give the limits that a call of that day counts under."""
        if self.day_limit is not None:
            yield f"day {day}", self.day_limit
        if self.month_limit is not None:
            yield f"month {day // 10}", self.month_limit

    def free(self, day: int) -> int:
        """Give what may be held by a call of that day, but for its own limit."""
        left = [limit - self.spent.get(name, 0) for name, limit in self.periods(day)]
        return min([self.posted - self.pending, *left])


@dataclass
class Talk:
    """A call: whose, since which day, and what was quoted, granted and charged."""

    purse: int
    day: int
    expert: int | None = None
    price: Price | None = None
    state: str = "opened"
    granted: int = 0
    used: int = 0
    held: int = 0
    requests: int = 0
    charged: int = 0

    @property
    def quoted(self) -> Price:
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

    def _credit(self, talk: Talk) -> int:
        purse = self.purses[talk.purse]
        free = purse.free(talk.day)
        if purse.call_limit is not None:
            free = min(free, purse.call_limit - talk.held)
        return talk.held + max(0, free)

    def _worth_ringing(self, price: Price, seconds: int) -> bool:
        return seconds >= min(max(MINIMUM_TALK_SECONDS, price.first), price.longest)

    def quote(self, number: int, expert: int) -> Answer:
        """Freeze a price; what the whole credit buys."""
        talk, price = self.talks[number], self.prices[expert]
        talk.expert, talk.price, talk.state = expert, price, "quoted"
        seconds = price.affordable(self._credit(talk))
        return ("quoted", seconds, 0) if self._worth_ringing(price, seconds) else REFUSED

    def initial(self, number: int) -> Answer:
        """Take the expert and hold the first grant, both or neither."""
        talk = self.talks[number]
        price, expert = talk.quoted, talk.expert
        assert expert is not None
        if expert in self.taken:
            return BUSY
        if not self._worth_ringing(price, price.affordable(self._credit(talk))):
            return REFUSED
        self.taken[expert], talk.state = number, "granted"
        return self._grant(talk)

    def update(self, number: int, used: int) -> Answer:
        """Lengthen the grant as far as credit goes."""
        self.talks[number].used = used
        return self._grant(self.talks[number])

    def _grant(self, talk: Talk) -> Answer:
        price, purse = talk.quoted, self.purses[talk.purse]
        wanted = min(talk.used + GRANT_SECONDS, price.affordable(self._credit(talk)), price.longest)
        talk.granted = max(talk.granted, wanted)
        more = price.cost(talk.granted) - talk.held
        talk.held += more
        purse.pending += more
        self._count(talk, more)
        talk.requests += 1
        return ("granted", talk.granted, talk.held)

    def _count(self, talk: Talk, amount: int) -> None:
        purse = self.purses[talk.purse]
        for name, _ in purse.periods(talk.day):
            purse.spent[name] = purse.spent.get(name, 0) + amount

    def let_go(self, number: int) -> Answer:
        """Give the hold back before any talk; the price stands."""
        talk = self.talks[number]
        self._free(talk, charged=0)
        talk.state = "quoted"
        return ("let go", 0, 0)

    def settle(self, number: int, seconds: int) -> Answer:
        """Charge what was talked and granted, give the rest back."""
        talk = self.talks[number]
        billed = min(seconds, talk.granted)
        talk.charged = talk.quoted.cost(billed) if talk.state == "granted" else 0
        self._free(talk, charged=talk.charged)
        talk.state = "settled"
        return ("settled", billed, talk.charged)

    def _free(self, talk: Talk, *, charged: int) -> None:
        purse = self.purses[talk.purse]
        purse.pending -= talk.held
        purse.posted -= charged
        self._count(talk, charged - talk.held)
        if talk.state == "granted" and talk.expert is not None:
            del self.taken[talk.expert]
        talk.held = talk.granted = talk.used = 0

    def credit(self, purse: int, amount: int) -> None:
        """Add money."""
        self.purses[purse].posted += amount
