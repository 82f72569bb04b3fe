"""A price list that can't be loaded."""

from collections.abc import Sequence

from billing.kit.errors import PrimelineError
from billing.pricelists.values import Problem


class PriceListRefused(PrimelineError):
    """Something in a price list is wrong, so nothing of it is loaded; `problems` are all of it."""

    code = "price-list-refused"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        counted = "1 thing is" if count == 1 else f"{count} things are"
        told = "\n".join(str(one) for one in self.problems)
        super().__init__(f"{counted} wrong with the price list, so none of it is used.\n{told}")
