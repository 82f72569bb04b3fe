"""Whole numbers as words, since voices read digits each in its own way."""

from typing import Final

from billing.kit.errors import PrimelineError

GREATEST: Final = 999_999
"""The greatest number with words."""


class UnsayableValue(PrimelineError):
    """A value for which there is no right sentence."""

    code = "unsayable-value"

    def __init__(self, kind: str, value: object) -> None:
        super().__init__(f"There is no sentence of the kind {kind!r} for {value!r}.")


_ENGLISH: Final = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
_ENGLISH_TENS: Final = (
    "",
    "",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
)
_FRENCH: Final = (
    "zéro",
    "un",
    "deux",
    "trois",
    "quatre",
    "cinq",
    "six",
    "sept",
    "huit",
    "neuf",
    "dix",
    "onze",
    "douze",
    "treize",
    "quatorze",
    "quinze",
    "seize",
    "dix-sept",
    "dix-huit",
    "dix-neuf",
)
_FRENCH_TENS: Final = ("", "", "vingt", "trente", "quarante", "cinquante", "soixante", "soixante")


def number_words(number: int, language: str, *, feminine: bool = False) -> str:
    """Say a number from 0 to 999 999: 81 in French is "quatre-vingt-un".

    `feminine` is the gender of the French noun that follows ("vingt et une minutes"); English
    has none. Raises UnsayableValue.
    """
    if not 0 <= number <= GREATEST:
        raise UnsayableValue("number", number)
    if language == "en":
        return _english(number)
    words = _french(number)
    if feminine and (words == "un" or words.endswith((" un", "-un"))):
        return f"{words}e"
    return words


def _english(number: int) -> str:
    if number < 20:  # noqa: PLR2004 - the table's length
        return _ENGLISH[number]
    if number < 100:  # noqa: PLR2004
        tens, ones = divmod(number, 10)
        return _ENGLISH_TENS[tens] + (f"-{_ENGLISH[ones]}" if ones else "")
    if number < 1_000:  # noqa: PLR2004
        hundreds, rest = divmod(number, 100)
        return f"{_ENGLISH[hundreds]} hundred" + (f" and {_english(rest)}" if rest else "")
    thousands, rest = divmod(number, 1_000)
    joint = " and " if rest < 100 else " "  # noqa: PLR2004
    return f"{_english(thousands)} thousand" + (f"{joint}{_english(rest)}" if rest else "")


def _french(number: int) -> str:
    if number < 100:  # noqa: PLR2004
        return _french_below_hundred(number)
    if number < 1_000:  # noqa: PLR2004
        hundreds, rest = divmod(number, 100)
        head = "cent" if hundreds == 1 else f"{_FRENCH[hundreds]} cent"
        if rest:
            return f"{head} {_french_below_hundred(rest)}"
        return head if hundreds == 1 else f"{head}s"
    thousands, rest = divmod(number, 1_000)
    # "Vingts" and "cents" lose their s before "mille": quatre-vingt mille, deux cent mille.
    count = _french(thousands)
    count = count.removesuffix("s") if count.endswith(("vingts", "cents")) else count
    head = "mille" if thousands == 1 else f"{count} mille"
    return f"{head} {_french(rest)}" if rest else head


def _french_below_hundred(number: int) -> str:
    if number < 20:  # noqa: PLR2004
        return _FRENCH[number]
    if number >= 80:  # noqa: PLR2004 - no "et" from here on
        rest = number - 80
        return f"quatre-vingt-{_FRENCH[rest]}" if rest else "quatre-vingts"
    tens, ones = divmod(number, 10)
    if tens == 7:  # noqa: PLR2004 - sixty and ten to nineteen
        ones += 10
    if not ones:
        return _FRENCH_TENS[tens]
    joint = " et " if ones in {1, 11} else "-"
    return f"{_FRENCH_TENS[tens]}{joint}{_FRENCH[ones]}"
