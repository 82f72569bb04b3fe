"""`primeline voucher`: batches of vouchers, made, listed, made worthless."""

import csv
import sys
from datetime import UTC, datetime, time
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import codes, vouchers
from billing.accounts.vouchers import BatchListed, NewBatch
from billing.kit.clock import now
from billing.money.text import parse, to_decimal_string
from primeline.commands.common import JsonOption, audited, show_list, show_one, transact
from primeline.running import find_key

app = typer.Typer(no_args_is_help=True, help="Vouchers.")


@app.command()
def batch(
    count: Annotated[int, typer.Option(help="How many")],
    amount: Annotated[str, typer.Option(help="What each is worth: 10.00")],
    currency: Annotated[str, typer.Option(help="EUR, GBP, USD or CHF")] = "EUR",
    expires: Annotated[
        datetime | None,
        typer.Option(help="The last day they are worth something (UTC)", formats=["%Y-%m-%d"]),
    ] = None,
    note: Annotated[str | None, typer.Option(help="What they are for")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make vouchers and print their codes, this once, as CSV or JSON."""
    money = parse(amount, currency)
    until = expires and datetime.combine(expires.date(), time.max, UTC)

    async def work(s: AsyncSession) -> NewBatch:
        made = await vouchers.add_batch(
            s,
            count=count,
            amount=money,
            key=find_key(),
            at=now(),
            expires_at=until,
            note=note,
        )
        detail = {"count": count, "amount": money, "expires_at": until, "note": note}
        await audited(s, "added", "voucher-batch", made.batch_id, **detail)
        return made

    made = transact(work)
    if as_json:
        values = {"batch": made.batch_id, "amount": money, "expires_at": until}
        show_one(values | {"codes": [codes.shown(code) for code in made.codes]}, as_json=True)
        return
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(("code", "amount", "currency", "batch"))
    for code in made.codes:
        worth = to_decimal_string(money, places=2)
        rows.writerow((codes.shown(code), worth, currency, made.batch_id))


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List all batches, the latest first."""

    async def work(s: AsyncSession) -> list[BatchListed]:
        return await vouchers.list_batches(s, key=find_key())

    rows = [_values(one) for one in transact(work)]
    show_list(rows, title="Vouchers", as_json=as_json)


@app.command()
def void(
    batch: Annotated[UUID, typer.Argument(help="The batch's id")], as_json: JsonOption = False
) -> None:
    """Make what is left of a batch worthless. What was redeemed stays."""

    async def work(s: AsyncSession) -> int:
        done = await vouchers.void_batch(s, batch, at=now())
        if done.changed:
            await audited(s, "voided", "voucher-batch", batch, left=done.left)
        return done.left

    show_one({"voided": transact(work)}, as_json=as_json)


def _values(batch: BatchListed) -> dict[str, Any]:
    return {
        "batch": str(batch.batch_id),
        "vouchers": batch.count,
        "redeemed": batch.redeemed,
        "amount": batch.amount,
        "note": batch.note,
        "created_at": batch.created_at,
        "expires_at": batch.expires_at,
        "voided_at": batch.voided_at,
        "key_fits": batch.key_fits,
    }
