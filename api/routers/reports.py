"""Revenue, balances, and the check of the books."""

import asyncio
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request

from api.auth import MayRead
from api.deps import Now, Transaction, sessions_of
from api.errors import Problem
from api.problems import problems
from api.schemas import reports as schema
from api.schemas.base import Text
from billing.calls import books
from billing.calls.overview import overview
from billing.calls.revenue import By, report

router = APIRouter(tags=["reports"])

CHECK_SECONDS: Final = 25
FINDINGS: Final = 1_000

_checking = asyncio.Lock()


@router.get(
    "/revenue",
    summary="Report revenue",
    responses=problems("period-invalid", "time-zone-unknown"),
)
async def get_revenue(
    s: Transaction,
    _: MayRead,
    first: Annotated[date, Query(description="The first day.", examples=["2026-11-01"])],
    last: Annotated[
        date, Query(description="The last day, which counts.", examples=["2026-11-30"])
    ],
    by: Annotated[By, Query(description="What there is a line for.", examples=["day"])] = By.DAY,
    time_zone: Annotated[
        Text, Query(description="Whose days these are.", examples=["Europe/Paris"])
    ] = "UTC",
) -> schema.Revenue:
    """Sum up the calls settled in a period. The sums are those of the ledger."""
    return schema.revenue(await report(s, by=by, first=first, last=last, time_zone=time_zone))


@router.get("/books/balances", summary="Show whose money is where")
async def get_balances(s: Transaction, _: MayRead, at: Now) -> schema.Balances:
    """Sum up the ledger: held for callers, owed to experts, expected and due from carriers."""
    return schema.balances(await overview(s), at)


@router.get(
    "/books/check",
    summary="Check the books",
    responses=problems("books-check-too-long", "books-check-runs"),
)
async def check_books(request: Request, _: MayRead, at: Now) -> schema.BooksCheck:
    """Prove from the rows that everybody's money is right, as `primeline books check` does."""
    if _checking.locked():
        raise Problem("books-check-runs", "The books are being checked just now; try again later.")
    async with _checking:
        try:
            async with asyncio.timeout(CHECK_SECONDS), sessions_of(request)() as s:
                found = await books.check(s, within_ms=CHECK_SECONDS * 1_000)
        except TimeoutError:
            raise Problem(
                "books-check-too-long",
                f"The check took more than {CHECK_SECONDS} seconds; use primeline books check.",
            ) from None
    return schema.BooksCheck(
        at=at,
        ok=not found,
        findings=[
            schema.Finding(check=one.check, row=one.row, sentence=one.sentence)
            for one in found[:FINDINGS]
        ],
    )
