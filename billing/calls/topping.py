"""A voucher keyed in the midst of a call: credited to its payer, by the rules of every voucher."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import vouchers
from billing.calls.models import CallRow


async def redeem_voucher(
    s: AsyncSession, call_id: UUID, account_id: UUID, code: str, *, key: str, at: datetime
) -> vouchers.Redeemed | vouchers.VoucherRefusal:
    """Credit a voucher to an account; wrong codes count for the number that the call came from.

    Commit also a refusal. Raises CallerUnknown or SecretKeyMissing.
    """
    number = await s.scalar(select(CallRow.caller_number).where(CallRow.id == call_id))
    return await vouchers.redeem(s, account_id, code, key=key, source=number or "withheld", at=at)
