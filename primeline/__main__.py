"""`python -m primeline` is `primeline`."""

from primeline.cli import app

app(prog_name="primeline")
