"""What an upheld dispute undoes: pure arithmetic over what a call left in the ledger."""

from collections.abc import Mapping
from uuid import UUID

from billing.disputes.values import Returning
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
