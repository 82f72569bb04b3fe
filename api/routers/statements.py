"""Carriers' statements of premium-rate calls."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Path, Query, Response, UploadFile, status

from api.auth import MayMoveMoney, MayRead
from api.deps import Now, Transaction
from api.errors import Problem, referring
from api.idempotency import IdempotencyKey, once
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import statements as schema
from api.schemas.base import Text
from billing.reconciliation import applying, importing, listing
from billing.reconciliation.errors import StatementUnreadable
from billing.reconciliation.listing import Shown

MOST = 2_000
"""Lines or calls of one statement: the sender waits for all of it."""

router = APIRouter(prefix="/statements", tags=["statements"])

StatementId = Annotated[
    UUID, Path(description="A statement's id.", examples=["6a5b4c3d-2e1f-4a0b-9c8d-7e6f5a4b3c2d"])
]
CsvFile = Annotated[
    UploadFile,
    File(
        description="The carrier's CSV file: 4 MiB, 2 000 lines and calls at most.",
        examples=["number;start;…"],
    ),
]
LayoutQuery = Annotated[
    Text, Query(description="By which layout it is read.", examples=["Carrier, calls"])
]
FirstQuery = Annotated[
    date | None,
    Query(description="The period's first day; without it, of the lines.", examples=["2026-11-01"]),
]
LastQuery = Annotated[
    date | None,
    Query(description="The period's last day; without it, of the lines.", examples=["2026-11-30"]),
]

REFUSALS = problems(
    "statement-unreadable",
    "statement-too-long",
    "statement-taken",
    "statement-period-invalid",
    "reference-unknown",
)


@contextmanager
def _reading() -> Iterator[None]:
    """Within it, what is wrong in a file is said line by line."""
    try:
        with referring("layout"):
            yield
    except StatementUnreadable as error:
        told = [
            {"at": "file" if one.line is None else f"file.{one.line}", "sentence": one.sentence}
            for one in error.problems
        ]
        raise Problem(error.code, error.sentence, extra={"errors": told}) from error


@router.post("/preview", summary="Preview a statement", responses=REFUSALS)
async def preview_statement(
    s: Transaction,
    _: MayMoveMoney,
    file: CsvFile,
    layout: LayoutQuery,
    first: FirstQuery = None,
    last: LastQuery = None,
) -> schema.Preview:
    """Show what a statement would confirm and correct, and what differs; writes nothing."""
    content = await file.read()
    with _reading():
        days = schema.days_of(first, last)
        return schema.preview(await importing.preview(s, layout, content, days=days, most=MOST))


@router.post(
    "",
    summary="Import a statement",
    status_code=status.HTTP_201_CREATED,
    responses=REFUSALS,
)
async def import_statement(
    s: Transaction,
    actor: MayMoveMoney,
    at: Now,
    key: IdempotencyKey,
    response: Response,
    file: CsvFile,
    layout: LayoutQuery,
    first: FirstQuery = None,
    last: LastQuery = None,
) -> schema.Statement:
    """Take a statement in, all of it or nothing: what it lists of our calls becomes due."""
    content = await file.read()
    name = file.filename or "statement"

    async def work() -> schema.Statement:
        made = await importing.import_statement(
            s,
            layout,
            content,
            file_name=name,
            by=actor.said,
            at=at,
            days=schema.days_of(first, last),
            most=MOST,
        )
        described = await listing.get_statement(s, made.statement_id)
        detail = {
            "layout": layout,
            "file": described.file_name,
            "applied": made.applied.amount,
            "key": key,
        }
        await actor.record(s, "imported", "statement", made.statement_id, at=at, **detail)
        return schema.shown(described)

    asked = {
        "layout": layout,
        "first": first and first.isoformat(),
        "last": last and last.isoformat(),
        "file": hashlib.sha256(content).hexdigest(),
    }
    with _reading():
        return await once(
            s,
            actor,
            key,
            route="statement",
            request=asked,
            at=at,
            response=response,
            answer=schema.Statement,
            work=work,
        )


@router.get("", summary="List the statements")
async def list_statements(
    s: Transaction,
    _: MayRead,
    paging: Paged,
    carrier: Annotated[
        Text | None, Query(description="Of this carrier alone.", examples=["carrier"])
    ] = None,
) -> Page[schema.Statement]:
    """List statements, the latest import first."""
    after = paging.after(datetime, UUID)
    found = await listing.list_statements(s, limit=paging.limit, after=after, carrier=carrier)
    return page_of(found, schema.shown)


@router.get("/{statement_id}", summary="Show a statement", responses=problems("statement-unknown"))
async def get_statement(statement_id: StatementId, s: Transaction, _: MayRead) -> schema.Statement:
    """Show how a statement stands."""
    return schema.shown(await listing.get_statement(s, statement_id))


@router.get(
    "/{statement_id}/lines",
    summary="List a statement's lines",
    responses=problems("statement-unknown"),
)
async def list_statement_lines(
    statement_id: StatementId,
    s: Transaction,
    _: MayRead,
    paging: Paged,
    outcome: Annotated[
        Shown | None,
        Query(
            description="Only these; `different`: all but what is confirmed, or by rounding only.",
            examples=["different"],
        ),
    ] = None,
) -> Page[schema.Line]:
    """List lines in the file's order, then the calls of ours that aren't in it."""
    found = await listing.list_lines(
        s, statement_id, limit=paging.limit, after=paging.after(int), shown=outcome
    )
    return page_of(found, schema.line)


@router.post(
    "/{statement_id}/apply",
    summary="Apply what waited for disputes",
    responses=problems("statement-unknown"),
)
async def apply_statement(
    statement_id: StatementId, s: Transaction, actor: MayMoveMoney, at: Now, key: IdempotencyKey
) -> schema.Done:
    """Make due what no dispute freezes any more; what was applied stays as it is."""
    done = await applying.apply(s, statement_id, at=at)
    if done.calls:
        detail = {"calls": done.calls, "amount": done.amount, "key": key}
        await actor.record(s, "applied", "statement", statement_id, at=at, **detail)
    return schema.done(done)


@router.post(
    "/{statement_id}/write-off",
    summary="Write off what a statement lacks",
    responses=problems("statement-unknown"),
)
async def write_off_statement(
    statement_id: StatementId, s: Transaction, actor: MayMoveMoney, at: Now, key: IdempotencyKey
) -> schema.Done:
    """Give up what is expected for the calls that aren't in the statement."""
    done = await applying.write_off(s, statement_id, at=at)
    if done.calls:
        detail = {"calls": done.calls, "amount": done.amount, "key": key}
        await actor.record(s, "written-off", "statement", statement_id, at=at, **detail)
    return schema.done(done)


@router.post(
    "/{statement_id}/sign-off",
    summary="Sign a statement's differences off",
    responses=problems("statement-unknown"),
)
async def sign_off_statement(
    statement_id: StatementId, s: Transaction, actor: MayMoveMoney, at: Now
) -> schema.Statement:
    """Note who has seen the differences; the first one stays. It moves no money."""
    if await applying.sign_off(s, statement_id, by=actor.said, at=at):
        await actor.record(s, "signed-off", "statement", statement_id, at=at)
    return schema.shown(await listing.get_statement(s, statement_id))
