"""What an upheld dispute undoes: pure arithmetic over what a call left in the ledger."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from billing.disputes.values import Borne, Returning
from billing.money.values import Money


def undoing(left: Mapping[tuple[UUID, str], int], currency: str) -> tuple[Returning, ...]:
    """Bring every account back to where it was before a call.

    `left` is, by account and its kind, what the call's transfers left on it, in ledger units.
    5.04 charged, of it 0.84 tax, 2.94 the expert's and 1.26 the platform's: these three give
    theirs, and the wallet gets 5.04.
    """
    return tuple(
        Returning(account_id, kind, Money(abs(amount), currency), to_account=amount < 0)
        for (account_id, kind), amount in left.items()
        if amount
    )


def borne(back: Sequence[Returning]) -> Borne:
    """Sum up what who paid gets back, and what of it each party gives.

    5.04 to a wallet: 0.84 of it tax, 2.94 the expert's, 1.26 the platform's. Who got more back
    than the call brought him, after a refund at his cost alone, has a part below zero.
    """
    given = {"wallet": 0, "carrier": 0, "tax": 0, "expert": 0, "platform": 0}
    for one in back:
        given[one.kind.partition("-")[0]] += (
            -one.amount.amount if one.to_account else (one.amount.amount)
        )
    return Borne(
        amount=-given["wallet"] - given["carrier"],
        tax=given["tax"],
        expert=given["expert"],
        platform=given["platform"],
    )
