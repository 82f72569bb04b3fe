"""The call application with a hold that reads, then writes: W3 must catch it. Never for calls."""

import sys

from ari_app.__main__ import main
from billing.ledger import service as ledger
from tests.database.broken_hold import read_then_write

if __name__ == "__main__":
    ledger.hold_in_wallet = read_then_write
    sys.exit(main())
