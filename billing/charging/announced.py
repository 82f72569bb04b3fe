"""Prices that a caller has been told before."""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    ColumnExpressionArgument,
    String,
    Uuid,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from billing.charging import sessions
from billing.charging.models import ChargingSession, ClosedSegmentRow, GrantRow
from billing.tariffs.snapshot import PRICES


def _same_price(frozen: ColumnExpressionArgument[Any]) -> ColumnElement[bool]:
    tariff: Any = frozen
    return and_(
        # Frozen before acts were sold, it has none.
        func.coalesce(tariff["mode"].as_string(), "minute") == bindparam("mode", type_=String()),
        *(
            tariff[name].as_string().is_not_distinct_from(bindparam(name, type_=String()))
            for name in PRICES
        ),
    )


_EARLIER: Final = aliased(ChargingSession)
_VERSION: Final = bindparam("version", type_=Uuid())
# Built once: composing it took a tenth of the application's time for a call.
_KNOWN: Final = select(
    exists().where(
        _EARLIER.account_id == bindparam("payer"),
        _EARLIER.expert_id == bindparam("expert"),
        _EARLIER.session_id != bindparam("call"),
        or_(
            and_(
                _EARLIER.tariff_version_id == _VERSION,
                _same_price(_EARLIER.tariff),
                exists().where(
                    GrantRow.session_id == _EARLIER.session_id,
                    GrantRow.segment == _EARLIER.segment,
                ),
            ),
            exists().where(
                ClosedSegmentRow.session_id == _EARLIER.session_id,
                ClosedSegmentRow.tariff_version_id == _VERSION,
                _same_price(ClosedSegmentRow.tariff),
            ),
        ),
    )
)


async def price_known(s: AsyncSession, session: ChargingSession) -> bool:
    """Whether an earlier call of this caller was granted talk at this very price.

    The price of an act and that of a minute are two, though of one version of a tariff, and so are
    the prices of two windows.
    """
    frozen = session.tariff or {}
    prices = {name: frozen.get(name) for name in PRICES}
    known: bool | None = await s.scalar(
        _KNOWN,
        {
            "payer": session.account_id,
            "expert": session.expert_id,
            "call": session.session_id,
            "version": session.tariff_version_id,
            "mode": sessions.tariff_of(session).mode,
        }
        | {name: None if one is None else str(one) for name, one in prices.items()},
    )
    return bool(known)
