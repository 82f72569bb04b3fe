"""`primeline number`: our phone numbers and what they are for."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import listing, service
from billing.catalogue.errors import NumberUnknown
from billing.catalogue.listing import NumberListed
from billing.charging.limits import SpendingLimits, list_limits
from billing.kit.clock import now
from billing.kit.phones import DEFAULT_REGION, require_e164
from billing.tariffs import service as tariffs
from primeline.commands.common import (
    JsonOption,
    RegionOption,
    audited,
    show_list,
    show_one,
    transact,
)
from primeline.commands.limits import limit_values

app = typer.Typer(no_args_is_help=True, help="Our phone numbers.")


class Kind(StrEnum):
    """What a number does."""

    MENU = "menu"
    DIRECT = "direct"
    ACCOUNT_LINE = "account-line"
    EXPERT_LINE = "expert-line"


class WithoutPayer(StrEnum):
    """What happens where nobody can be charged."""

    REFUSE = "refuse"
    FREE = "free"


@app.command()
def add(
    number: Annotated[str, typer.Argument(help="Like +33 1 99 00 12 34")],
    kind: Annotated[
        Kind, typer.Option(help="A menu of experts, one expert's own, or a line for self-service")
    ] = Kind.MENU,
    expert: Annotated[
        str | None, typer.Option(help="For a direct number: the expert's extension")
    ] = None,
    language: Annotated[str, typer.Option(help="en or fr")] = "en",
    tariff: Annotated[
        str | None, typer.Option(help="A tariff that wins over the experts' own")
    ] = None,
    without_payer: Annotated[
        WithoutPayer, typer.Option(help="When nobody can be charged")
    ] = WithoutPayer.REFUSE,
    free_limit: Annotated[int, typer.Option(help="Seconds of a talk that nobody pays")] = 300,
    begins_free: Annotated[
        bool, typer.Option("--begins-free", help="Known callers begin free, too")
    ] = False,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Put a number to work."""

    async def work(s: AsyncSession) -> dict[str, Any]:
        number_id = await service.add_number(
            s,
            number=number,
            kind=kind.value,
            language=language,
            without_payer=without_payer.value,
            free_limit_seconds=free_limit,
            begins_free=begins_free,
            expert_id=await service.expert_by_extension(s, expert) if expert else None,
            tariff_id=await tariffs.by_name(s, tariff) if tariff else None,
            region=region,
            at=now(),
        )
        values = number_values(await _one(s, require_e164(number, region)))
        await audited(s, "added", "number", number_id, **values)
        return values

    show_one(transact(work), as_json=as_json)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List our numbers."""

    async def work(s: AsyncSession) -> list[NumberListed]:
        return await listing.list_numbers(s)

    show_list([number_values(one) for one in transact(work)], title="Numbers", as_json=as_json)


@app.command()
def show(number: str, region: RegionOption = DEFAULT_REGION, as_json: JsonOption = False) -> None:
    """Show one of our numbers."""

    async def work(s: AsyncSession) -> tuple[NumberListed, list[SpendingLimits]]:
        found = await _one(s, require_e164(number, region))
        return found, await list_limits(s, at=now(), number_id=found.number_id)

    found, limits = transact(work)
    lines = [limit_values(one) for one in limits]
    if as_json:
        show_one(number_values(found) | {"limits": lines}, as_json=True)
        return
    show_one(number_values(found), as_json=False)
    if lines:
        show_list(lines, title="Limits", as_json=False)


async def _one(s: AsyncSession, e164: str) -> NumberListed:
    found = await listing.list_numbers(s, e164)
    if not found:
        raise NumberUnknown(e164)
    return found[0]


def number_values(number: NumberListed) -> dict[str, Any]:
    """Give a number as commands show it."""
    return {
        "number": number.e164,
        "kind": number.kind,
        "expert": number.expert,
        "language": number.language,
        "tariff": number.tariff,
        "without_payer": number.without_payer,
        "free_limit_seconds": number.free_limit_seconds,
        "begins_free": number.begins_free,
        "open": number.open,
        "id": number.number_id,
    }
