"""The base of every error a person may read."""

from typing import ClassVar


class PrimelineError(Exception):
    """An error with a stable `code` and a sentence fit for a person.

    Subclasses set `code` (kebab-case, never changed once released) and build the sentence from
    typed arguments.
    """

    code: ClassVar[str] = "primeline-error"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
