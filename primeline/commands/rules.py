"""`primeline rules`: what the law asks of premium-rate numbers, figure by figure."""

from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.clock import now
from billing.rulesets import service
from billing.rulesets.errors import FigureUnknown
from billing.rulesets.figures import write
from billing.rulesets.service import FigureChange, ListedFigure
from primeline.commands.common import JsonOption, audited, show_list, show_one, transact

app = typer.Typer(no_args_is_help=True, help="Rules by country: caps, messages, notices.")

AreaArgument = Annotated[str, typer.Argument(help="FR, GB, US or EU")]
FigureArgument = Annotated[str, typer.Argument(help="As the list names it: maximum-seconds")]


@app.command("list")
def list_(
    area: Annotated[str | None, typer.Option(help="One country's alone, or EU")] = None,
    unsure: Annotated[bool, typer.Option("--unsure", help="Those you may set alone")] = False,
    as_json: JsonOption = False,
) -> None:
    """List all figures with their rules."""

    async def work(s: AsyncSession) -> list[ListedFigure]:
        return await service.list_figures(s, area)

    rows = [_values(one) for one in transact(work) if not (unsure and one.figure.sure)]
    if not as_json:
        rows = [{name: row[name] for name in row if name != "source"} for row in rows]
    show_list(rows, title="Rules", as_json=as_json)


@app.command()
def show(area: AreaArgument, name: FigureArgument, as_json: JsonOption = False) -> None:
    """Show one figure with its source, of each set that has it."""

    async def work(s: AsyncSession) -> list[ListedFigure]:
        found = [one for one in await service.list_figures(s, area) if one.figure.name == name]
        if not found:
            raise FigureUnknown(area, name)
        return found

    for one in transact(work):
        show_one(_values(one), as_json=as_json)


@app.command("set")
def set_(
    area: AreaArgument,
    name: FigureArgument,
    value: Annotated[str, typer.Argument(help="12.50, 1800, yes, or words")],
    as_json: JsonOption = False,
) -> None:
    """Set an unsure figure, for calls and numbers from now on."""

    async def work(s: AsyncSession) -> FigureChange:
        change = await service.set_figure(s, area, name, value, at=now())
        await _note(s, "set", area, name, change)
        return change

    _show_change(area, name, transact(work), as_json=as_json)


@app.command()
def reset(area: AreaArgument, name: FigureArgument, as_json: JsonOption = False) -> None:
    """Give a figure the value back that Primeline comes with."""

    async def work(s: AsyncSession) -> FigureChange:
        change = await service.reset_figure(s, area, name, at=now())
        await _note(s, "reset", area, name, change)
        return change

    _show_change(area, name, transact(work), as_json=as_json)


async def _note(s: AsyncSession, action: str, area: str, name: str, change: FigureChange) -> None:
    if change.changed:
        values = {"from": write(change.before), "to": write(change.after)}
        await audited(
            s,
            action,
            service.SUBJECT,
            service.subject_id(area, name),
            version=change.version,
            changed={"value": values},
        )


def _show_change(area: str, name: str, change: FigureChange, *, as_json: bool) -> None:
    before, after = write(change.before), write(change.after)
    show_one({"area": area, "figure": name, "before": before, "value": after}, as_json=as_json)


def _values(one: ListedFigure) -> dict[str, Any]:
    figure = one.figure
    return {
        "rule": figure.rule,
        "area": one.area,
        "from": one.valid_from.isoformat(),
        "figure": figure.name,
        "value": write(figure.value),
        "sure": figure.sure,
        "set_by_operator": figure.set_by_operator,
        "source": figure.source,
    }
