"""Revenue, balances and what the books' check found, as JSON."""

from datetime import date

from pydantic import Field

from api.schemas.base import Amount, Answer, Id, Moment, amount_of, optional_amount
from api.schemas.prices import AMOUNTS
from billing.calls.overview import Overview
from billing.calls.revenue import By, RevenueReport
from billing.calls.revenue import RevenueLine as LineValue


class Expected(Answer):
    """What premium-rate calls bring, as we expect it of the carriers."""

    calls: int = Field(description="Premium-rate calls among them.", examples=[3])
    metered_seconds: int = Field(description="Seconds on the carriers' meters.", examples=[420])
    retail: Amount | None = Field(
        description="What callers pay their phone companies.", examples=AMOUNTS
    )
    outpayment: Amount | None = Field(
        description="What the carriers are expected to pay us.", examples=AMOUNTS
    )
    expert: Amount | None = Field(description="The experts' parts of it.", examples=AMOUNTS)
    platform: Amount | None = Field(description="The platform's part of it.", examples=AMOUNTS)


class RevenueLine(Answer):
    """Calls of one key and currency."""

    key: str | None = Field(
        description="The day, number, extension or category; null: the calls have none.",
        examples=["2026-11-22"],
    )
    currency: str | None = Field(
        description="Null: no price was quoted, so nobody was to pay.", examples=["EUR"]
    )
    calls: int = Field(description="All calls that ended.", examples=[17])
    paid_calls: int = Field(description="Those that cost something.", examples=[12])
    billed_seconds: int = Field(description="Seconds charged for.", examples=[3_024])
    gross: Amount | None = Field(description="What callers paid, tax included.", examples=AMOUNTS)
    tax: Amount | None = Field(description="The tax in it.", examples=AMOUNTS)
    expert: Amount | None = Field(description="The experts' parts.", examples=AMOUNTS)
    platform: Amount | None = Field(description="The platform's part.", examples=AMOUNTS)
    refunded: Amount | None = Field(
        description="What went back to callers, by refunds or upheld disputes; nothing of it is in"
        " the amounts beside it.",
        examples=AMOUNTS,
    )
    expected: Expected = Field(description="Premium-rate calls, which the carriers bill.")
    unpaid: dict[str, int] = Field(
        description="Calls that earned nothing, by reason.",
        examples=[{"caller-hung-up": 3, "expert-no-answer": 2}],
    )
    expert_id: Id | None = Field(
        description="By expert: whose line it is, as an extension may have had several; else null.",
        examples=["01a1e7a0-7a51-7c11-8d1c-4f6f6a2b9c11"],
    )
    expert_name: str | None = Field(description="By expert: the name.", examples=["Ada"])


def _line(line: LineValue) -> RevenueLine:
    return RevenueLine(
        key=line.key,
        currency=line.currency,
        calls=line.calls,
        paid_calls=line.paid_calls,
        billed_seconds=line.billed_seconds,
        gross=optional_amount(line.gross),
        tax=optional_amount(line.tax),
        expert=optional_amount(line.expert),
        platform=optional_amount(line.platform),
        refunded=optional_amount(line.refunded),
        expected=Expected(
            calls=line.expected.calls,
            metered_seconds=line.expected.metered_seconds,
            retail=optional_amount(line.expected.retail),
            outpayment=optional_amount(line.expected.outpayment),
            expert=optional_amount(line.expected.expert),
            platform=optional_amount(line.expected.platform),
        ),
        unpaid=dict(line.unpaid),
        expert_id=line.expert_id,
        expert_name=line.expert_name,
    )


class Revenue(Answer):
    """What calls earned."""

    by: By = Field(description="What there is a line for.", examples=["day"])
    first: date = Field(description="The first day.", examples=["2026-11-01"])
    last: date = Field(description="The last day, which counts.", examples=["2026-11-30"])
    time_zone: str = Field(description="Whose days these are.", examples=["Europe/Paris"])
    lines: list[RevenueLine] = Field(description="In the order of their keys.")
    totals: list[RevenueLine] = Field(description="The same, summed for each currency.")


def revenue(report: RevenueReport) -> Revenue:
    """Show a report."""
    return Revenue(
        by=report.by,
        first=report.first,
        last=report.last,
        time_zone=report.time_zone,
        lines=[_line(line) for line in report.lines],
        totals=[_line(line) for line in report.totals],
    )


class Wallets(Answer):
    """All callers' credit in one currency."""

    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    wallets: int = Field(description="How many.", examples=[120])
    posted: Amount = Field(description="What is theirs: we hold it for them.")
    held: Amount = Field(description="What running calls have set aside of it.")


class KindBalance(Answer):
    """All ledger accounts of one kind and currency."""

    kind: str = Field(description="What the accounts are for.", examples=["expert-payable"])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    accounts: int = Field(description="How many.", examples=[7])
    balance: Amount = Field(
        description="Credits minus debits: above zero we owe it, below zero it is owed to us."
    )


class Balances(Answer):
    """Whose money is where."""

    at: Moment = Field(description="When this was read.", examples=["2026-11-22T12:00:00Z"])
    wallets: list[Wallets] = Field(description="Callers' credit by currency.")
    accounts: list[KindBalance] = Field(description="The ledger by kind and currency.")


def balances(overview: Overview, at: Moment) -> Balances:
    """Show the balances."""
    return Balances(
        at=at,
        wallets=[
            Wallets(
                currency=one.currency,
                wallets=one.wallets,
                posted=amount_of(one.posted),
                held=amount_of(one.held),
            )
            for one in overview.wallets
        ],
        accounts=[
            KindBalance(
                kind=one.kind,
                currency=one.currency,
                accounts=one.accounts,
                balance=amount_of(one.balance),
            )
            for one in overview.kinds
        ],
    )


class Finding(Answer):
    """One thing that is wrong in the books."""

    check: str = Field(description="Which check found it.", examples=["wallet-posted"])
    row: str = Field(description="Where.", examples=["wallet 0b6f…"])
    sentence: str = Field(description="What is wrong.", examples=["Its transfers say 10.0000 EUR."])


class BooksCheck(Answer):
    """What the check of the books found."""

    at: Moment = Field(description="When it began.", examples=["2026-11-22T12:00:00Z"])
    ok: bool = Field(description="Whether everything is right.", examples=[True])
    findings: list[Finding] = Field(description="What isn't; at most 1000.")
