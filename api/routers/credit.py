"""Callers' credit: topped up, by vouchers too, and explained."""

from fastapi import APIRouter, Request, Response, status

from api.auth import MayMoveMoney, MayRead
from api.deps import Now, Transaction, sessions_of
from api.errors import Problem
from api.idempotency import IdempotencyKey, once, own
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.routers.callers import CallerId
from api.schemas import callers as schema
from api.schemas.base import Answer
from billing.accounts import codes, listing, service, vouchers
from billing.accounts.vouchers import VoucherRefusal
from billing.ledger import service as ledger
from billing.ledger.makers import makers_of

router = APIRouter(prefix="/callers", tags=["callers"])


class _Outcome(Answer):
    """What came of a voucher: one of the two."""

    redeemed: schema.Redeemed | None = None
    refused: VoucherRefusal | None = None


@router.post(
    "/{caller_id}/top-ups",
    summary="Add to a caller's credit",
    status_code=status.HTTP_201_CREATED,
    responses=problems("caller-unknown", "amount-invalid", "currency-mismatch"),
)
async def top_up(
    caller_id: CallerId,
    body: schema.TopUpNew,
    s: Transaction,
    actor: MayMoveMoney,
    at: Now,
    key: IdempotencyKey,
    response: Response,
) -> schema.TopUp:
    """Add credit, once for each Idempotency-Key. A call that goes on is lengthened by it."""
    money = body.amount.money()

    async def work() -> schema.TopUp:
        await listing.get_caller(s, caller_id)
        done = await service.top_up(s, caller_id, money, idempotency_key=own(actor, key), at=at)
        detail = {"amount": money, "key": key, "transfer": done.transfer_id}
        await actor.record(s, "topped-up", "caller", caller_id, at=at, **detail)
        return schema.top_up_shown(done)

    return await once(
        s,
        actor,
        key,
        route="top-up",
        request={"caller": str(caller_id), "amount": money.amount, "currency": money.currency},
        at=at,
        response=response,
        answer=schema.TopUp,
        work=work,
    )


@router.post(
    "/{caller_id}/vouchers",
    summary="Redeem a voucher for a caller",
    status_code=status.HTTP_201_CREATED,
    responses=problems("caller-unknown", "secret-key-missing", *VoucherRefusal),
)
async def redeem_voucher(
    caller_id: CallerId,
    body: schema.VoucherKeyed,
    request: Request,
    actor: MayMoveMoney,
    at: Now,
    key: IdempotencyKey,
    response: Response,
) -> schema.Redeemed:
    """Add a voucher's worth to his credit, once. Five wrong codes and none is looked at for long.

    A refused code counts as a try, so what was refused stays refused under its Idempotency-Key.
    """
    secret: str = request.app.state.settings.secret_key.get_secret_value()
    # Neither the code nor anything it could be guessed from is kept.
    code = codes.code_hash(secret, codes.read(body.code) or body.code)

    # A transaction of its own: a refusal is committed with its try.
    async with sessions_of(request).begin() as s:

        async def work() -> _Outcome:
            await listing.get_caller(s, caller_id)
            # Counted for the caller alone: one's wrong codes must not shut out a till's others.
            source = f"{actor.said} {caller_id}"
            done = await vouchers.redeem(s, caller_id, body.code, key=secret, source=source, at=at)
            if isinstance(done, VoucherRefusal):
                return _Outcome(refused=done)
            detail = {"voucher": done.voucher_id, "amount": done.amount, "key": key}
            await actor.record(s, "voucher-redeemed", "caller", caller_id, at=at, **detail)
            return _Outcome(redeemed=schema.redeemed_shown(done))

        found = await once(
            s,
            actor,
            key,
            route="voucher",
            request={"caller": str(caller_id), "code": code},
            at=at,
            response=response,
            answer=_Outcome,
            work=work,
        )
    if found.redeemed is None:
        assert found.refused is not None  # an outcome has one of the two
        raise Problem(found.refused, found.refused.sentence)
    return found.redeemed


@router.get(
    "/{caller_id}/ledger",
    summary="Explain a caller's balance",
    responses=problems("caller-unknown"),
)
async def explain_balance(
    caller_id: CallerId, s: Transaction, _: MayRead, paging: Paged
) -> Page[schema.Line]:
    """Explain his balance line by line, oldest first; holds are shown, and change nothing."""
    caller = await listing.get_caller(s, caller_id)
    found = await ledger.explain_page(
        s, caller.wallet_id, limit=paging.limit, after=paging.after(int)
    )
    makers = await makers_of(s, caller.wallet_id, found.items)
    return page_of(found, lambda one: schema.line_shown(one, makers.get(one.line.position)))
