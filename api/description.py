"""`python -m api.description > docs/reference/openapi.json`: the API's description as a file."""

import json
import sys

from api.app import create_app
from billing.kit.settings import Settings

NO_DATABASE = "postgresql://nobody@localhost/none"
"""Nothing is asked of it: the description comes from the code alone."""


def description() -> str:
    """Write the description as it stands in the file."""
    made = create_app(Settings(database_url=NO_DATABASE)).openapi()
    return json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(description())
