"""What a person at the terminal sees of the demo."""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

WHO = {"caller": "caller hears", "expert": "expert hears", "both": "both hear"}


class Screen:
    """Prints the story line by line, each with the seconds since its chapter began."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._began = time.monotonic()

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self.console.print()
        self.console.rule(f"[bold]{title}", align="left")
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        """Something happens."""
        self._line("·", text)

    def heard(self, side: str, id_: str, words: str) -> None:
        """Somebody hears something."""
        colour = {"caller": "cyan", "expert": "magenta"}.get(side, "yellow")
        said = "a tone" if id_ == "tone" else f"“{words}”"
        self._line("♪", f"[{colour}]{WHO[side]:<13}[/] {said}")

    def key(self, who: str, keys: str, why: str) -> None:
        """Somebody presses keys."""
        self._line("⌨", f"[bold]{who} keys {keys}[/]{f'  ({why})' if why else ''}")

    def meter(self, seconds: int, cost: str) -> None:
        """The running cost."""
        self._line("⏱", f"[green]{seconds:>3} s   {cost}[/]")

    def sms(self, who: str, text: str) -> None:
        """Somebody gets an SMS."""
        self._line("✉", f"[bold]{who} gets an SMS[/]  “{text}”")

    def copy(self, text: str) -> None:
        """Print a line to copy as it is: neither folded nor coloured."""
        self.console.print(text, soft_wrap=True, markup=False)

    def table(self, title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        """Rows under a title."""
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2))
        for column in columns:
            table.add_column(column, justify="right" if column in {"amount", "second"} else "left")
        for row in rows:
            table.add_row(*row)
        self.console.print()
        self.console.print(table)

    def say(self, text: str = "") -> None:
        """Free text."""
        self.console.print(text)

    def _line(self, mark: str, text: str) -> None:
        passed = time.monotonic() - self._began
        began = f"{passed:6.1f} s  {mark} "
        # What doesn't fit goes on below its beginning.
        folded = Text.from_markup(text).wrap(self.console, self.console.width - len(began))
        for line in folded:
            self.console.print(Text(began) + line, no_wrap=True)
            began = " " * len(began)
