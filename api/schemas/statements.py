"""Carriers' statements as JSON."""

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import Amount, Answer, Id, Moment, amount_of
from billing.reconciliation import importing, listing, values
from billing.reconciliation.applying import Applied
from billing.reconciliation.comparing import Days

_ID: Final = "6a5b4c3d-2e1f-4a0b-9c8d-7e6f5a4b3c2d"
_NUMBER: Final = "+33899001234"
_AT: Final = "2026-11-22T12:00:00Z"
_SHARE: Final = {"amount": "0.5522", "currency": "EUR"}
_SUM: Final = {"amount": "1234.56", "currency": "EUR"}

OutcomeName = Literal["confirmed", "corrected", "unknown", "repeated", "missing"]
LayoutName = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Outcomes(Answer):
    """How many lines came to what, and how many calls of ours the statement doesn't have."""

    confirmed: int = Field(description="Our call, our amount.", examples=[980])
    corrected: int = Field(description="Our call or calls, another amount.", examples=[12])
    unknown: int = Field(description="No call of ours.", examples=[1])
    repeated: int = Field(description="A call that an earlier statement had.", examples=[0])
    missing: int = Field(description="Calls of ours that aren't in it.", examples=[3])


class Statement(Answer):
    """A statement that was imported, and how it stands."""

    id: Id = Field(description="The statement's id.", examples=[_ID])
    layout: str = Field(description="By which layout it was read.", examples=["Carrier, calls"])
    carrier: str = Field(description="The trunk's name.", examples=["carrier"])
    kind: str = Field(description="`per-call` or `aggregate`.", examples=["per-call"])
    file_name: str = Field(description="As it was sent.", examples=["november.csv"])
    from_at: Moment = Field(description="The period's begin.", examples=["2026-10-31T23:00:00Z"])
    until: Moment = Field(
        description="The period's end, not included.", examples=["2026-11-30T23:00:00Z"]
    )
    imported_at: Moment = Field(description="When.", examples=["2026-12-02T09:00:00Z"])
    imported_by: str = Field(description="By whom.", examples=["key:office"])
    signed_off_at: Moment | None = Field(
        description="When somebody signed the differences off; null: nobody did.",
        examples=["2026-12-02T10:00:00Z"],
    )
    signed_off_by: str | None = Field(description="Who did.", examples=["key:office"])
    lines: int = Field(description="How many lines the file has.", examples=[993])
    outcomes: Outcomes = Field(description="What they came to.")
    amount: Amount = Field(description="The sum of the file.", examples=[_SUM])
    matched: Amount = Field(description="What of it is for calls of ours.", examples=[_SUM])
    applied: Amount = Field(
        description="What of that has become due; the rest waits for disputes.", examples=[_SUM]
    )
    missing_open: Amount = Field(
        description="Expected for calls that aren't in it, and not written off.", examples=[_SHARE]
    )
    written_off: Amount = Field(description="Given up of them.", examples=[_SHARE])


class Line(Answer):
    """A line of a statement, or a call of ours that the statement doesn't have."""

    position: int = Field(description="Its place in the list.", examples=[17])
    file_line: int | None = Field(
        description="Its line in the file; null: a call that isn't in it.", examples=[18]
    )
    number: str = Field(description="The called number.", examples=[_NUMBER])
    caller: str | None = Field(description="As the carrier has him.", examples=["0639XXXXXX"])
    starts_at: Moment = Field(description="Answer, or the sum's begin.", examples=[_AT])
    ends_at: Moment | None = Field(description="The sum's end, not included.", examples=[_AT])
    seconds: int | None = Field(description="The carrier's duration.", examples=[61])
    calls: int | None = Field(description="How many calls the carrier sums up.", examples=[12])
    carrier_id: str | None = Field(description="The carrier's call id.", examples=["A-1"])
    amount: Amount = Field(description="What the carrier lists.", examples=[_SHARE])
    expected: Amount = Field(description="What we expected.", examples=[_SHARE])
    outcome: Literal["confirmed", "corrected", "unknown", "repeated", "missing", "disputed"] = (
        Field(
            description="What it comes to; `disputed`: a dispute keeps it from being applied.",
            examples=["confirmed"],
        )
    )
    within_tolerance: bool = Field(description="Differs by rounding only.", examples=[True])
    our_calls: int = Field(description="How many calls of ours it is about.", examples=[1])
    call_id: Id | None = Field(description="Our call, if it is one.", examples=[_ID])
    closed_at: Moment | None = Field(
        description="When its money moved, or was written off.", examples=[_AT]
    )


class Difference(Answer):
    """A line that isn't as expected, or a call of ours that the file doesn't have."""

    file_line: int | None = Field(
        description="Its line in the file; null: a call that isn't in it.", examples=[18]
    )
    number: str = Field(description="The called number.", examples=[_NUMBER])
    outcome: OutcomeName = Field(description="What it comes to.", examples=["corrected"])
    amount: Amount | None = Field(description="What the carrier lists.", examples=[_SHARE])
    expected: Amount = Field(description="What we expected.", examples=[_SHARE])
    our_calls: int = Field(description="How many calls of ours it is about.", examples=[1])


class Preview(Answer):
    """What an import would come to."""

    outcomes: Outcomes = Field(description="What the lines come to.")
    different: list[Difference] = Field(
        description="What isn't confirmed, or by rounding only; 1,000 at most."
    )


class Done(Answer):
    """What was applied or written off."""

    calls: int = Field(description="How many calls of ours.", examples=[3])
    amount: Amount = Field(description="What became due, or was given up.", examples=[_SHARE])
    disputed: int = Field(description="Calls left because of a dispute.", examples=[0])


SHOWN_DIFFERENCES: Final = 1_000


def days_of(first: date | None, last: date | None) -> Days | None:
    """Give the period; None: that of the lines. One of the two alone is read as one day."""
    if first is None and last is None:
        return None
    begin = first or last
    end = last or first
    assert begin is not None
    assert end is not None
    return begin, end


def outcomes_of(counted: dict[str, int]) -> Outcomes:
    """Show counts by outcome."""
    return Outcomes.model_validate(counted)


def shown(one: values.Statement) -> Statement:
    """Show a statement."""
    return Statement(
        id=one.statement_id,
        layout=one.layout,
        carrier=one.carrier,
        kind=one.kind,
        file_name=one.file_name,
        from_at=one.from_at,
        until=one.until,
        imported_at=one.imported_at,
        imported_by=one.imported_by,
        signed_off_at=one.signed_off_at,
        signed_off_by=one.signed_off_by,
        lines=one.lines,
        outcomes=outcomes_of(dict(one.outcomes)),
        amount=amount_of(one.amount),
        matched=amount_of(one.matched),
        applied=amount_of(one.applied),
        missing_open=amount_of(one.missing_open),
        written_off=amount_of(one.written_off),
    )


def line(one: listing.ListedLine) -> Line:
    """Show a line."""
    return Line.model_validate(
        {
            "position": one.position,
            "file_line": one.file_line,
            "number": one.number,
            "caller": one.caller,
            "starts_at": one.starts_at,
            "ends_at": one.ends_at,
            "seconds": one.seconds,
            "calls": one.calls,
            "carrier_id": one.carrier_id,
            "amount": amount_of(one.amount),
            "expected": amount_of(one.expected),
            "outcome": one.shown_outcome,
            "within_tolerance": one.within,
            "our_calls": one.our_calls,
            "call_id": one.call_id,
            "closed_at": one.closed_at,
        }
    )


def preview(compared: values.Comparison) -> Preview:
    """Show what an import would come to."""
    different = [
        Difference.model_validate(
            {
                "file_line": judged.line.position,
                "number": judged.line.number,
                "outcome": str(judged.outcome),
                "amount": amount_of(judged.line.amount),
                "expected": amount_of(judged.expected),
                "our_calls": len(judged.parts),
            }
        )
        for judged in compared.lines
        if judged.outcome is not values.Outcome.CONFIRMED and not judged.within
    ] + [
        Difference(
            file_line=None,
            number=call.number,
            outcome="missing",
            amount=None,
            expected=amount_of(call.outpayment),
            our_calls=1,
        )
        for call in compared.missing
    ]
    return Preview(
        outcomes=outcomes_of(importing.outcomes(compared)),
        different=different[:SHOWN_DIFFERENCES],
    )


def done(applied: Applied) -> Done:
    """Show what was done."""
    return Done(calls=applied.calls, amount=amount_of(applied.amount), disputed=applied.waiting)
