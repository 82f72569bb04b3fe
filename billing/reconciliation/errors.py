"""What can be wrong with statements and their layouts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from billing.kit.errors import PrimelineError

SHOWN_PROBLEMS: Final = 100


class LayoutInvalid(PrimelineError):
    """A layout by which no file could be read."""

    code = "statement-layout-invalid"

    def __init__(self, why: str) -> None:
        super().__init__(f"The layout can't be used: {why}.")


class LayoutUnknown(PrimelineError):
    """No such layout."""

    code = "statement-layout-unknown"

    def __init__(self, name: object) -> None:
        super().__init__(f"There is no statement layout {str(name)!r}.")


class LayoutTaken(PrimelineError):
    """Another layout has that name."""

    code = "statement-layout-taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a statement layout {name!r} already.")


class CarrierUnknown(PrimelineError):
    """No trunk and no premium-rate number names that carrier."""

    code = "carrier-unknown"

    def __init__(self, name: str) -> None:
        super().__init__(f"No trunk and no premium-rate number of ours names a carrier {name!r}.")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a file. `line`: counted from 1; None: the file as a whole."""

    line: int | None
    sentence: str

    def __str__(self) -> str:
        return self.sentence if self.line is None else f"Line {self.line}: {self.sentence}"


class StatementUnreadable(PrimelineError):
    """A file that isn't a whole statement as its layout has it; nothing of it was taken."""

    code = "statement-unreadable"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems[:SHOWN_PROBLEMS])
        self.count = len(problems)
        said = "\n".join(str(one) for one in self.problems)
        more = self.count - len(self.problems)
        rest = f"\nAnd {more} more." if more else ""
        super().__init__(f"The statement can't be read; nothing was taken in.\n{said}{rest}")


class StatementTooLong(PrimelineError):
    """A statement of more lines or calls than are taken in where it was sent."""

    code = "statement-too-long"

    def __init__(self, count: int, most: int) -> None:
        super().__init__(
            f"The statement is about {count} lines or calls, more than the {most} that are taken"
            " here. Take it in by the command `primeline statement import`."
        )


class StatementTaken(PrimelineError):
    """The very same file was imported before."""

    code = "statement-taken"

    def __init__(self, statement_id: UUID, file_name: str, at: datetime) -> None:
        self.statement_id = statement_id
        super().__init__(
            f"This file was imported already, as {file_name!r} on {at:%Y-%m-%d %H:%M} UTC:"
            f" statement {statement_id}."
        )


class StatementUnknown(PrimelineError):
    """No such statement."""

    code = "statement-unknown"

    def __init__(self, statement_id: UUID) -> None:
        super().__init__(f"There is no statement {statement_id}.")


class PeriodInvalid(PrimelineError):
    """A period that is none, or doesn't hold all lines of its statement."""

    code = "statement-period-invalid"

    def __init__(self, why: str) -> None:
        super().__init__(f"The statement's period can't be: {why}.")
