"""Rules as JSON."""

from datetime import date

from pydantic import Field

from api.schemas.base import Answer, Request, Text
from billing.rulesets.figures import write
from billing.rulesets.service import ListedFigure
from billing.rulesets.values import Kind
from billing.rulesets.values import RuleSet as RuleSetValue

_AREA = "A country's two letters, or EU for what holds in all its countries."
_FROM = "Calls that come in from this day on (UTC) go by it, until a later one begins."
_CURRENCY = "ISO 4217; all its amounts are in it."


class Range(Answer):
    """Numbers of one kind."""

    name: str = Field(description="What the country calls it.", examples=["089"])
    prefix: str = Field(description="How its numbers begin.", examples=["+3389"])
    kind: Kind = Field(
        description="Whether callers pay more than for any other number, or nothing.",
        examples=["surcharge"],
    )


class RuleSet(Answer):
    """The rules of an area from a day on."""

    name: str = Field(description="How a call names it.", examples=["FR-2015-10-01"])
    area: str = Field(description=_AREA, examples=["FR"])
    valid_from: date = Field(description=_FROM, examples=["2015-10-01"])
    currency: str = Field(description=_CURRENCY, examples=["EUR"])
    countries: list[str] = Field(description="Where it holds.", examples=[["FR"]])
    ranges: list[Range] = Field(description="Its numbers that cost more, or nothing.")


class RuleFigure(Answer):
    """One figure of a rule."""

    area: str = Field(description=_AREA, examples=["GB"])
    valid_from: date = Field(description="Of which set it is.", examples=["2025-02-01"])
    rule: str = Field(description="Of which rule it is.", examples=["R10"])
    name: str = Field(description="Its name.", examples=["notice-tell"])
    value: str = Field(
        description="What holds now: an amount, a whole number, `yes` or `no`, or words.",
        examples=["15.00"],
    )
    currency: str = Field(description=_CURRENCY, examples=["GBP"])
    sure: bool = Field(description="Its source states it; others may be set.", examples=[False])
    set_by_operator: bool = Field(
        description="The value is yours, not what Primeline comes with.", examples=[False]
    )
    source: str = Field(
        description="Where it is from.", examples=["Code 15, Annex 1; not verified"]
    )


class RuleFigureSet(Request):
    """A value for a figure that isn't sure."""

    value: Text = Field(
        description="As the figure is shown: an amount in the set's currency, a whole number,"
        " `yes` or `no`, or words with spaces between.",
        examples=["10.00"],
    )


def set_shown(one: RuleSetValue) -> RuleSet:
    """Show a set."""
    return RuleSet(
        name=one.name,
        area=one.area,
        valid_from=one.valid_from,
        currency=one.currency,
        countries=sorted(one.countries),
        ranges=[Range(name=r.name, prefix=r.prefix, kind=r.kind) for r in one.ranges],
    )


def shown(one: ListedFigure) -> RuleFigure:
    """Show a figure."""
    return RuleFigure(
        area=one.area,
        valid_from=one.valid_from,
        rule=one.figure.rule,
        name=one.figure.name,
        value=write(one.figure.value),
        currency=one.currency,
        sure=one.figure.sure,
        set_by_operator=one.figure.set_by_operator,
        source=one.figure.source,
    )
