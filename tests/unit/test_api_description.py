"""The API's description that is checked in is the one the code makes."""

from pathlib import Path

from api.description import description

FILE = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"


def test_the_description_is_current() -> None:
    current = FILE.read_text() == description()
    assert current, "make it anew: python -m api.description > docs/reference/openapi.json"
