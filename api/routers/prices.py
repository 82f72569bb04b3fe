"""What a call would cost, asked without calling."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import MayRead
from api.deps import Now, Transaction
from api.problems import problems
from api.schemas import prices as schema
from api.schemas.base import Language, Text, amount_of
from api.schemas.experts import Extension
from api.schemas.prices import AmountText
from billing.charging import enquiry
from billing.money.text import parse
from dialplan.prompts.sentences import transcript
from dialplan.prompts.values import Phrase

router = APIRouter(prefix="/price", tags=["calls"])


@router.get(
    "",
    summary="Ask what a call would cost now",
    responses=problems("number-unknown", "expert-unknown", "price-unknown", "number-invalid"),
)
async def ask_price(
    s: Transaction,
    _: MayRead,
    at: Now,
    number: Annotated[Text, Query(description="The number of ours.", examples=["+33199001234"])],
    extension: Annotated[
        Extension | None,
        Query(
            description="The expert's; not needed for a number that leads to one expert.",
            examples=["11"],
        ),
    ] = None,
    amount: Annotated[
        AmountText | None,
        Query(
            description="How much there is to spend, in the price's currency.", examples=["10.00"]
        ),
    ] = None,
    language: Annotated[
        Language, Query(description="Of the announced sentence.", examples=["en"])
    ] = "en",
) -> schema.PriceEnquiry:
    """Say what a call to an expert by a number would cost if it were made now, and what it buys."""
    asked = await enquiry.enquire(s, number=number, extension=extension, at=at)
    tariff = asked.tariff
    buys = None if amount is None else asked.buys(parse(amount, tariff.currency))
    return schema.PriceEnquiry(
        at=at,
        number=asked.number,
        extension=asked.extension,
        expert=asked.expert,
        billed_by=asked.billed_by,
        tariff=asked.name,
        version_id=asked.version_id,
        valid_from=asked.valid_from,
        window=asked.window,
        price=schema.price_of(tariff),
        announced=transcript(Phrase("price", tariff), language),
        affordable_seconds=buys,
        costs=[schema.Cost(seconds=one, charge=amount_of(cost)) for one, cost in asked.costs()],
    )
