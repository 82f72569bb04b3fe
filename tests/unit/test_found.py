"""What a restart makes of a call that ended meanwhile."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from ari_app.calls.found import no_payer_of
from billing.calls.values import NoPayer, OpenCall
from billing.catalogue.values import ServedNumber
from tests.unit.test_call_machine import CALL, MENU
from tests.unit.test_premium_machine import DIRECT as PREMIUM

AT = datetime(2026, 11, 23, tzinfo=UTC)
OPEN = OpenCall(
    UUID(CALL), "received", "1.1", None, None, MENU, None, None, "en", None, None, (), None, AT, AT
)


@pytest.mark.parametrize(
    ("number", "account_id", "why"),
    [
        (MENU, None, NoPayer.CALLER_UNKNOWN),
        (MENU, uuid4(), None),
        (PREMIUM, None, None),
        (replace(MENU, kind="account-line"), None, None),
        (None, None, None),
    ],
)
def test_only_a_prepaid_call_of_an_unknown_caller_had_nobody_to_pay_it(
    number: ServedNumber | None, account_id: UUID | None, why: NoPayer | None
) -> None:
    assert no_payer_of(replace(OPEN, number=number, account_id=account_id)) is why
