"""What Asterisk's manager interface says and what may be said to it."""

import pytest

from ari_app.monitor.messages import (
    Booted,
    ContactChanged,
    Refused,
    RegistrationChanged,
    Said,
    ShuttingDown,
    UnsafeValue,
    checked,
    parse,
)
from billing.monitoring.values import EndpointCondition

SAID: list[tuple[dict[str, object], Said | None]] = [
    ({"Event": "FullyBooted", "Uptime": "75"}, Booted(75)),
    ({"Event": "FullyBooted", "Uptime": "9" * 40}, Booted(0)),
    ({"Event": "Shutdown", "Shutdown": "Cleanly"}, ShuttingDown()),
    (
        {"Event": "ContactStatus", "EndpointName": "a", "URI": "u", "ContactStatus": "Reachable"},
        ContactChanged("a", "u", EndpointCondition.REACHABLE),
    ),
    (
        {"event": "ContactStatus", "endpointname": "a", "uri": "u", "contactstatus": "Removed"},
        ContactChanged("a", "u", None),
    ),
    ({"Event": "ContactStatus", "EndpointName": "", "ContactStatus": "Reachable"}, None),
    ({"Event": "ContactStatus", "EndpointName": "a", "ContactStatus": "Updated"}, None),
    (
        {"Event": "Registry", "Username": "sip:us@host", "Status": "Rejected"},
        RegistrationChanged("sip:us@host", EndpointCondition.REJECTED),
    ),
    ({"Event": "Registry", "Username": "sip:us@host", "Status": "Stopped"}, None),
    (
        {
            "Event": "ChallengeResponseFailed",
            "RemoteAddress": "IPV4/UDP/203.0.113.5/5060",
            "AccountID": "phone-1",
        },
        Refused("ChallengeResponseFailed", "203.0.113.5", "phone-1"),
    ),
    (
        {
            "Event": "InvalidAccountID",
            "RemoteAddress": "IPV6/UDP/2001:db8::1/5060",
            "AccountID": "\x1b[31m" + "x" * 500,
        },
        Refused("InvalidAccountID", "2001:db8::1", "[31m" + "x" * 60),
    ),
    ({"Event": "FailedACL", "RemoteAddress": "nonsense"}, Refused("FailedACL", "unknown", "")),
    ({"Event": "FailedACL", "RemoteAddress": ["a", "b"]}, Refused("FailedACL", "unknown", "")),
    ({"Event": "SuccessfulAuth", "AccountID": "phone-1"}, None),
    ({"Response": "Success"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("message", "said"), SAID)
def test_an_event_is_read_as_what_it_says(message: dict[str, object], said: Said | None) -> None:
    assert parse(message) == said


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\0b", "a\r\nAction: Originate"])
def test_a_line_break_or_nul_never_reaches_asterisk_in_a_name_or_value(bad: str) -> None:
    with pytest.raises(UnsafeValue):
        checked({"Action": "Ping", "ActionID": bad})
    with pytest.raises(UnsafeValue):
        checked({"Action": "Ping", bad: "x"})
    assert checked({"Action": "Ping", "Name": "Zoë"}) == {"Action": "Ping", "Name": "Zoë"}
