"""What the worker has to do once a call is charged: most often nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import CallerAccount
from billing.kit.jobs import defer
from billing.money.values import Money

_WANTED = select(CallerAccount.receipts).where(CallerAccount.id == bindparam("account"))


def unknown(_amount: Money) -> bool:
    """Answer for who has no sounds at hand."""
    return True


@dataclass(frozen=True, slots=True)
class FollowUp:
    """How a settlement tells whether a job is needed: one costs more than the settlement itself."""

    silent: Callable[[Money], bool] = unknown
    """Whether an amount can't be said yet."""
    receipts_by_default: bool = True
    """Whether callers who have not chosen get a receipt."""

    async def defer(
        self, s: AsyncSession, call_id: UUID, account_id: UUID, amounts: Sequence[Money]
    ) -> None:
        """Put off what is needed, in the transaction of the settlement."""
        missing = [[one.amount, one.currency] for one in amounts if self.silent(one)]
        if await self._receipt(s, account_id):
            await defer(s, "call-charged", call=str(call_id), amounts=missing)
        elif missing:
            await defer(s, "render-prompts", amounts=missing)

    async def _receipt(self, s: AsyncSession, account_id: UUID) -> bool:
        wanted: bool | None = await s.scalar(_WANTED, {"account": account_id})
        return self.receipts_by_default if wanted is None else wanted


UNKNOWING: Final = FollowUp()
"""For who knows neither sounds nor settings: the worker looks."""
