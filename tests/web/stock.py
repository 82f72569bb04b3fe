"""One of each thing that a request may name."""

from dataclasses import dataclass
from uuid import UUID

from billing.catalogue import listing
from billing.monitoring.alarms import list_alarms, raise_alarm
from billing.monitoring.values import AlarmKind
from billing.reconciliation.asterisk import nightly, results
from billing.reconciliation.asterisk.service import reconcile
from tests.database.world import World
from tests.web.client import Client, ok

LAYOUT = {
    "name": "sums",
    "carrier": "carrier",
    "kind": "aggregate",
    "columns": {"number": "to", "start": "day", "amount": "pays"},
    "date_formats": ["%Y-%m-%d"],
}
FIRST_FILE = b"to;day;pays\n+33199001235;2026-11-22;1.00\n"


@dataclass
class Stock:
    """Ids by the names that paths use; the world's own where it has one."""

    account_id: UUID
    alarm_id: int
    adjustment_id: str
    batch_id: str
    code: str
    call_id: UUID
    dispute_id: str
    expert_id: UUID
    free_expert_id: UUID
    key_id: str
    layout_id: str
    number_id: UUID
    open_call_id: UUID
    order_id: str
    poor_account_id: str
    reconciliation_id: UUID
    refund_id: str
    statement_id: str
    tariff_id: UUID


async def make_stock(api: Client, world: World) -> Stock:
    """The stock on a fresh world; `free_expert_id` is an expert whom no number leads to."""
    async with world.sessions() as s:
        expert = await listing.get_expert(s, world.expert_id)
    assert expert.tariff_id is not None
    await world.top_up("100.00")
    call_id = await world.paid_call(60)
    disputed_call_id = await world.paid_call(60)
    open_call_id = await world.granted_call()
    order = ok(await api.post(f"/calls/{open_call_id}/orders", json={"kind": "end-call"}), 202)
    (key, *_) = ok(await api.get("/keys"))["items"]
    poor = ok(await api.post("/callers", json={"name": "Poor", "numbers": []}), 201)
    ten = {"amount": "10.00", "currency": "EUR"}
    batch = ok(
        await api.post(
            "/voucher-batches",
            json={"count": 2, "amount": ten},
            headers={"Idempotency-Key": "stock"},
        ),
        201,
    )
    dispute = ok(
        await api.post(
            "/disputes",
            json={"call_id": str(disputed_call_id), "reason": "I was cut off."},
            headers={"Idempotency-Key": "stock"},
        ),
        201,
    )
    refund = ok(
        await api.post(
            "/refunds",
            json={
                "call_id": str(call_id),
                "amount": {"amount": "0.10", "currency": "EUR"},
                "reason": "goodwill",
                "note": "For the noise.",
            },
            headers={"Idempotency-Key": "stock"},
        ),
        201,
    )
    adjustment = ok(
        await api.post(
            f"/callers/{world.account_id}/adjustments",
            json={
                "direction": "credit",
                "amount": ten,
                "reason": "goodwill",
                "note": "For the noise.",
            },
            headers={"Idempotency-Key": "stock"},
        ),
        201,
    )
    layout = ok(await api.post("/statement-layouts", json=LAYOUT), 201)
    statement = ok(
        await api.post(
            "/statements?layout=sums",
            files={"file": ("sums.csv", FIRST_FILE)},
            headers={"Idempotency-Key": "stock"},
        ),
        201,
    )
    async with world.sessions.begin() as s:
        scope = nightly.scope_of(world.now.date(), "UTC")
        # Asterisk's record has none of the stock's calls.
        report = await reconcile(s, scope, at=scope.last)
        reconciliation_id = await results.keep(s, scope, report, by="worker", at=world.now)
        await raise_alarm(s, AlarmKind.RECORD_DIFFERS, "one", "It differs.", at=world.now)
        (alarm,) = await list_alarms(s)
    return Stock(
        account_id=world.account_id,
        alarm_id=alarm.alarm_id,
        adjustment_id=adjustment["adjustment"]["id"],
        batch_id=batch["id"],
        code=batch["codes"][0],
        call_id=call_id,
        dispute_id=dispute["id"],
        expert_id=world.expert_id,
        free_expert_id=world.other_expert_id,
        key_id=key["id"],
        layout_id=layout["id"],
        number_id=world.number_id,
        open_call_id=open_call_id,
        order_id=order["id"],
        poor_account_id=poor["caller"]["id"],
        reconciliation_id=reconciliation_id,
        refund_id=refund["refund"]["id"],
        statement_id=statement["id"],
        tariff_id=expert.tariff_id,
    )
