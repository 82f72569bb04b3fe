"""The states of a call and the names of its legs."""

from enum import StrEnum


class State(StrEnum):
    """Where a call stands. Each state's wait is a field of `Limits`."""

    RECEIVED = "received"
    """The number is being looked up; nobody has answered."""
    IDENTIFYING = "identifying"
    """The caller keys his PIN."""
    CHOOSING = "choosing"
    """The caller keys an expert's extension."""
    QUOTING = "quoting"
    """The caller hears the price and may consent by key."""
    HOLDING = "holding"
    """The expert is being reserved and the first grant held."""
    RINGING = "ringing"
    """The expert's phones ring, one after the other; free."""
    OFFERING = "offering"
    """The expert hears who pays, and may accept by key."""
    ANNOUNCING = "announcing"
    """Premium rate only: the caller hears price and tone, before he is answered."""
    TALKING_FREE = "talking free"
    """Both are bridged; nobody pays."""
    TALKING_PAID = "talking paid"
    """The start tone, then both are bridged and metered."""
    CONSENTING = "consenting"
    """The free talk stands still: the caller alone hears a price, and may accept it by key."""
    FREEING = "freeing"
    """Both are told that nobody pays from now on, or that nobody does as before."""
    TOPPING_UP = "topping up"
    """The paid talk and its meter stand still: the caller keys a voucher."""
    ON_HOLD = "on hold"
    """The expert holds the line for long: the paid talk and its meter stand still."""
    STOPPING = "stopping"
    """The talk's bridge is being taken down; at premium rate, both are being hung up."""
    SETTLING = "settling"
    """The call's money is being written, in one transaction."""
    AFTERCARE = "aftercare"
    """Both are told how it ended and what it cost."""
    GOODBYE = "goodbye"
    """The caller is told why there is no talk."""
    ENDING = "ending"
    """What is still up is being hung up."""
    OVER = "over"
    """Nothing is left of the call in Asterisk."""


class Leg(StrEnum):
    """One of the two sides of a call."""

    CALLER = "caller"
    EXPERT = "expert"


BOTH = (Leg.EXPERT, Leg.CALLER)
"""Both legs, in the order they join a bridge."""
