"""Rows of callers: accounts, the numbers they call from, PINs tried, spending within limits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.kit.database import Base
from billing.ledger.models import LedgerAccount
from billing.pins.models import Strangers


class CallerAccount(Base):
    """Somebody who calls and pays from a wallet. Limits are ledger units; null: none."""

    __tablename__ = "caller_accounts"
    __table_args__ = (
        CheckConstraint(
            "number_alone_limit >= 0 AND call_limit >= 0 AND day_limit >= 0 AND month_limit >= 0",
            name="limits",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    language: Mapped[str | None]
    currency: Mapped[str] = mapped_column(String(3))
    wallet_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerAccount.id), unique=True)
    pin_hash: Mapped[str] = mapped_column(comment="argon2id; the PIN itself is kept nowhere")
    time_zone: Mapped[str] = mapped_column(comment="whose days and months its limits count by")
    number_alone_limit: Mapped[int | None] = mapped_column(
        comment="spent a day without a PIN from a trusted trunk; null: a PIN always"
    )
    call_limit: Mapped[int | None]
    day_limit: Mapped[int | None]
    month_limit: Mapped[int | None]
    receipts: Mapped[bool | None] = mapped_column(
        comment="whether an SMS tells of each charged call; null: as the operator's setting says"
    )
    terms_accepted_at: Mapped[datetime | None] = mapped_column(
        comment="without it nothing is charged on toll-free numbers (rule R19)"
    )
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None] = mapped_column(comment="his calls keep naming him")
    version: Mapped[int] = mapped_column(server_default=text("1"))


class CallerNumber(Base):
    """A number that its account calls from."""

    __tablename__ = "caller_numbers"

    e164: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(CallerAccount.id), index=True)


class PinState(Strangers, Base):
    """Wrong PINs of an account from sources that it doesn't know."""

    __tablename__ = "pin_states"
    __table_args__ = (CheckConstraint("failures >= 0 AND lockouts >= 0", name="counts"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey(CallerAccount.id), primary_key=True)


class Spending(Base):
    """What was spent and is held within one period of one limit, whoever set it."""

    __tablename__ = "spendings"
    __table_args__ = (
        CheckConstraint(
            "scope IN ('caller', 'caller-by-operator', 'caller-on-number', 'number', 'operator')",
            name="scope",
        ),
        CheckConstraint("period IN ('day', 'month', 'number-alone')", name="period"),
        CheckConstraint("posted >= 0 AND pending >= 0", name="amounts"),
        CheckConstraint("posted + pending <= limit_amount", name="limit"),
    )

    scope: Mapped[str] = mapped_column(primary_key=True, comment="whose calls count together")
    owner: Mapped[str] = mapped_column(
        primary_key=True, comment="what the scope is about: account, number, currency"
    )
    period: Mapped[str] = mapped_column(primary_key=True)
    began_on: Mapped[str] = mapped_column(
        primary_key=True, comment="2026-11-22 or 2026-11, in the time zone of the limit"
    )
    limit_amount: Mapped[int] = mapped_column(comment="as of the last hold under it")
    posted: Mapped[int] = mapped_column(server_default=text("0"))
    pending: Mapped[int] = mapped_column(server_default=text("0"))


class VoucherBatch(Base):
    """Vouchers made together: all of one amount, valid alike."""

    __tablename__ = "voucher_batches"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("count > 0", name="count"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    count: Mapped[int]
    amount: Mapped[int] = mapped_column(comment="of each voucher, in ledger units")
    currency: Mapped[str] = mapped_column(String(3))
    note: Mapped[str | None]
    key_check: Mapped[str] = mapped_column(comment="tells the key its codes are hashed with")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]


class Voucher(Base):
    """A voucher that is redeemed once, by whoever keys its code."""

    __tablename__ = "vouchers"
    __table_args__ = (
        CheckConstraint("(redeemed_at IS NULL) = (redeemed_by IS NULL)", name="redeemed"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey(VoucherBatch.id), index=True)
    code_hash: Mapped[str] = mapped_column(unique=True, comment="keyed; the code is kept nowhere")
    redeemed_at: Mapped[datetime | None]
    redeemed_by: Mapped[UUID | None] = mapped_column(ForeignKey(CallerAccount.id), index=True)


class VoucherTries(Base):
    """Codes keyed in vain by one account or from one source, since a moment."""

    __tablename__ = "voucher_tries"
    __table_args__ = (CheckConstraint("failures >= 0", name="failures"),)

    subject: Mapped[str] = mapped_column(primary_key=True, comment="account:… or source:…")
    failures: Mapped[int]
    since: Mapped[datetime]
