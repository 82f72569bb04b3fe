"""Vouchers, in batches."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response, status

from api.auth import MayMoveMoney, MayRead
from api.deps import Now, Transaction
from api.idempotency import IdempotencyKey, once
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import vouchers as schema
from billing.accounts import vouchers
from billing.kit.pages import Slice

router = APIRouter(prefix="/voucher-batches", tags=["vouchers"])

BatchId = Annotated[
    UUID, Path(description="A batch's id.", examples=["6a5b4c3d-2e1f-4a0b-9c8d-7e6f5a4b3c2d"])
]


@router.get("", summary="List the batches of vouchers", responses=problems("secret-key-missing"))
async def list_batches(
    s: Transaction, _: MayRead, paging: Paged, request: Request
) -> Page[schema.Batch]:
    """List batches, the latest first. Codes are kept nowhere."""
    batches = await vouchers.list_batches(s, key=_key(request))
    place = paging.after(UUID)
    start = 0
    if place is not None:
        ids = [one.batch_id for one in batches]
        start = ids.index(place[0]) + 1 if place[0] in ids else len(ids)
    shown = tuple(batches[start : start + paging.limit])
    after = (shown[-1].batch_id,) if start + len(shown) < len(batches) else None
    return page_of(Slice(shown, after), schema.shown)


@router.post(
    "",
    summary="Make vouchers",
    status_code=status.HTTP_201_CREATED,
    responses=problems("voucher-batch-invalid", "amount-invalid", "secret-key-missing"),
)
async def make_vouchers(
    body: schema.BatchNew,
    s: Transaction,
    actor: MayMoveMoney,
    at: Now,
    key: IdempotencyKey,
    request: Request,
    response: Response,
) -> schema.BatchMade:
    """Make a batch of vouchers; the first answer alone shows their codes."""
    codes: list[str] = []

    async def work() -> schema.BatchMade:
        made = await vouchers.add_batch(
            s,
            count=body.count,
            amount=body.amount.money(),
            key=_key(request),
            at=at,
            expires_at=body.expires_at,
            note=body.note,
        )
        codes.extend(made.codes)
        detail = body.model_dump(mode="json")
        await actor.record(s, "added", "voucher-batch", made.batch_id, at=at, **detail)
        return schema.BatchMade(id=made.batch_id, count=body.count, codes=None)

    # The answer is kept for those who ask again, so it is kept without the codes.
    kept = await once(
        s,
        actor,
        key,
        route="voucher-batch",
        request=body.model_dump(mode="json"),
        at=at,
        response=response,
        answer=schema.BatchMade,
        work=work,
    )
    return kept.model_copy(update={"codes": codes}) if codes else kept


@router.post(
    "/{batch_id}/void",
    summary="Make a batch worthless",
    responses=problems("voucher-batch-unknown"),
)
async def void_batch(
    batch_id: BatchId, s: Transaction, actor: MayMoveMoney, at: Now, key: IdempotencyKey
) -> schema.Voided:
    """Make what was not redeemed of a batch worthless; voiding again changes nothing."""
    done = await vouchers.void_batch(s, batch_id, at=at)
    if done.changed:
        detail = {"left": done.left, "key": key}
        await actor.record(s, "voided", "voucher-batch", batch_id, at=at, **detail)
    return schema.Voided(left=done.left)


def _key(request: Request) -> str:
    key: str = request.app.state.settings.secret_key.get_secret_value()
    return key
