"""What is said in a call, as data: the machine names phrases, the prompt store finds sounds."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Phrase:
    """A catalogue id and, for sentences with a value in them, that value.

    Values by id: `price` a Tariff; `credit-buys` and `credit-buys-caller` seconds (int);
    `free-call` seconds; `amount` Money; `expert-name`, `provider` and
    `service` a str; `unit` a currency; `hours`,
    `minutes`, `seconds`, `day`, `month`, `hundreds` and `thousands` so many (int). All other
    phrases have None.
    """

    id: str
    value: Any = None
