"""Puts money in, however often the database dies meanwhile, and remembers how much it was."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from billing.accounts import service as accounts
from billing.accounts import vouchers
from billing.accounts.codes import code_hash, read
from billing.accounts.vouchers import VoucherRefusal
from tests.calls.stage import PIN, Stage, euro
from tests.faults import database
from tests.faults.database import patiently

VOUCHERS: Final = 1_000
VOUCHER_CENTS: Final = 50
NUMBERS: Final = 60

KEYED: Final = text(
    "SELECT code_hash FROM vouchers WHERE redeemed_at IS NOT NULL AND code_hash = ANY(:hashes)"
)


@dataclass(frozen=True, slots=True)
class Account:
    """A caller with many numbers, so that each call is known by the number it came from."""

    account_id: UUID
    wallet_id: UUID
    numbers: Sequence[str]
    alone: bool
    """Its number is enough; else its PIN is asked of every call."""


class Bank:
    """What was put into each wallet, in ledger units."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._seed = seed
        self._keys = itertools.count()
        self._codes: list[str] = []
        self._numbers = itertools.count()
        self._keyed: dict[str, Account] = {}
        self.put_in: dict[UUID, int] = defaultdict(int)

    async def open(self) -> None:
        """Have vouchers printed."""
        async with self._stage.sessions.begin() as s:
            batch = await vouchers.add_batch(
                s,
                count=VOUCHERS,
                amount=euro(VOUCHER_CENTS),
                key=self._stage.system.secret_key,
                at=datetime.now(UTC),
            )
        self._codes = list(batch.codes)

    async def account(self, *, alone: bool) -> Account:
        """Open an account with nothing in it."""
        numbers = [f"+3363998{5_000 + next(self._numbers):04d}" for _ in range(NUMBERS)]
        async with self._stage.sessions.begin() as s:
            made = await accounts.add_caller(
                s,
                name="Shared",
                numbers=numbers,
                currency="EUR",
                pin=PIN,
                number_alone_limit=euro(1_000_000) if alone else None,
                at=datetime.now(UTC),
            )
        return Account(made.account_id, made.wallet_id, numbers, alone)

    async def top_up(self, account: Account, cents: int) -> None:
        """Add credit by one key, said again until it was heard."""
        key = f"campaign {self._seed} {next(self._keys)}"

        async def once() -> None:
            async with self._stage.sessions.begin() as s:
                await accounts.top_up(
                    s, account.account_id, euro(cents), idempotency_key=key, at=datetime.now(UTC)
                )

        await patiently(once)
        self.put_in[account.wallet_id] += euro(cents).amount

    async def redeem(self, account: Account) -> None:
        """Redeem a voucher that nobody else has, keyed again until the answer was heard."""
        if not self._codes:
            return
        code = self._codes.pop()

        async def once() -> VoucherRefusal | None:
            async with self._stage.sessions.begin() as s:
                came = await vouchers.redeem(
                    s,
                    account.account_id,
                    code,
                    key=self._stage.system.secret_key,
                    source=code,
                    at=datetime.now(UTC),
                )
            return came if isinstance(came, VoucherRefusal) else None

        refused = await patiently(once)
        # An answer that was lost: the code is used, and by us.
        assert refused in {None, VoucherRefusal.USED}, refused
        self.put_in[account.wallet_id] += euro(VOUCHER_CENTS).amount

    def hand_out(self, account: Account) -> str | None:
        """Give a voucher to be keyed in a call; None: all are used."""
        if not self._codes:
            return None
        code = self._codes.pop()
        hashed = code_hash(self._stage.system.secret_key, read(code) or "")
        self._keyed[hashed] = account
        return code

    async def count_keyed(self) -> None:
        """Count the vouchers handed out that somebody has come to key in full, each once."""
        for row in await database.rows(self._stage, KEYED, hashes=[*self._keyed]):
            account = self._keyed.pop(row.code_hash)
            self.put_in[account.wallet_id] += euro(VOUCHER_CENTS).amount
