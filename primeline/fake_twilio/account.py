"""One Twilio account: numbers on offer, numbers owned, trunks, messages."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from primeline.fake_twilio.shapes import Thing, now

ACCOUNT_SID: Final = "AC" + "0" * 31 + "1"
AUTH_TOKEN: Final = "fake-token-of-no-account"  # noqa: S105  (of this fake alone)
TYPES: Final = {"Local": "local", "Mobile": "mobile", "TollFree": "toll-free"}
# Numbers that their countries keep free for films and tests.
ON_OFFER: Final = {
    ("FR", "Local"): [f"+331990002{n:02}" for n in range(12)],
    ("FR", "Mobile"): [f"+336399802{n:02}" for n in range(3)],
    ("GB", "Local"): [f"+4416329602{n:02}" for n in range(3)],
    ("US", "Local"): [f"+120255501{n:02}" for n in range(10, 14)],
}
HAS_SMS: Final = frozenset({("FR", "Mobile"), ("US", "Local")})


class Refused(Exception):
    """Twilio says no: an HTTP status, its own number for the reason, a sentence."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def new_sid(prefix: str) -> str:
    """Make an id as Twilio makes them."""
    return prefix + secrets.token_hex(16)


def _not_found(what: str) -> Refused:
    return Refused(404, 20404, f"The requested resource {what} was not found")


@dataclass
class Account:
    """What there is; each operation by its name in the OpenAPI files."""

    numbers: dict[str, Thing] = field(default_factory=dict)
    trunks: dict[str, Thing] = field(default_factory=dict)
    origination: dict[str, list[Thing]] = field(default_factory=dict)
    messages: list[Thing] = field(default_factory=list)
    purchases: list[str] = field(default_factory=list)

    def lists(self) -> Mapping[str, Callable[..., Sequence[Thing]]]:
        """The operations that answer a list."""
        return {
            "ListAvailablePhoneNumberLocal": self._offers("Local"),
            "ListAvailablePhoneNumberMobile": self._offers("Mobile"),
            "ListAvailablePhoneNumberTollFree": self._offers("TollFree"),
            "ListIncomingPhoneNumber": self._list_numbers,
            "ListMessage": self._list_messages,
            "ListTrunk": lambda path, values: list(self.trunks.values()),  # noqa: ARG005
            "ListOriginationUrl": lambda path, values: self.origination[self._trunk(path)],  # noqa: ARG005
            "ListPhoneNumber": self._list_attached,
        }

    def singles(self) -> Mapping[str, Callable[..., Thing | None]]:
        """The operations that answer one thing, or nothing."""
        return {
            "CreateIncomingPhoneNumber": self._buy,
            "FetchIncomingPhoneNumber": self._fetch_number,
            "UpdateIncomingPhoneNumber": self._update_number,
            "DeleteIncomingPhoneNumber": self._release,
            "CreateMessage": self._send,
            "CreateTrunk": self._create_trunk,
            "CreateOriginationUrl": self._create_origination,
            "CreatePhoneNumber": self._attach,
            "DeletePhoneNumber": self._detach,
        }

    def _offers(self, kind: str) -> Callable[..., Sequence[Thing]]:
        def find(path: Thing, values: Thing) -> Sequence[Thing]:
            place = (path["CountryCode"], kind)
            sms = place in HAS_SMS
            owned = {one["phone_number"] for one in self.numbers.values()}
            wanted = values.get("Contains", "").replace("*", "")
            return [
                {
                    "friendly_name": e164,
                    "phone_number": e164,
                    "iso_country": place[0],
                    "address_requirements": "none",
                    "beta": False,
                    "capabilities": {"voice": True, "sms": sms, "mms": sms, "fax": False},
                }
                for e164 in ON_OFFER.get(place, [])
                if wanted in e164
                and e164 not in owned
                and values.get("SmsEnabled", sms) == sms
                and values.get("VoiceEnabled", True)
            ]

        return find

    def _list_numbers(self, _path: Thing, values: Thing) -> Sequence[Thing]:
        wanted = values.get("PhoneNumber")
        return [n for n in self.numbers.values() if wanted in {None, n["phone_number"]}]

    def _number(self, sid: str) -> Thing:
        if sid not in self.numbers:
            raise _not_found(sid)
        return self.numbers[sid]

    def _trunk(self, path: Thing) -> str:
        sid: str = path["TrunkSid"]
        if sid not in self.trunks:
            raise _not_found(sid)
        return sid

    def _buy(self, _path: Thing, values: Thing) -> Thing:
        e164 = values.get("PhoneNumber")
        kinds = {number: place for place, offered in ON_OFFER.items() for number in offered}
        if e164 is None:
            raise Refused(400, 21404, "PhoneNumber or AreaCode is required")
        if e164 not in kinds or any(n["phone_number"] == e164 for n in self.numbers.values()):
            raise Refused(400, 21422, f"{e164} is not available.")
        sms = kinds[e164] in HAS_SMS
        sid = new_sid("PN")
        self.purchases.append(e164)
        self.numbers[sid] = {
            "sid": sid,
            "account_sid": ACCOUNT_SID,
            "phone_number": e164,
            "friendly_name": values.get("FriendlyName", e164),
            "trunk_sid": None,
            "capabilities": {"voice": True, "sms": sms, "mms": sms, "fax": False},
            "type": TYPES[kinds[e164][1]],
            "status": "in-use",
            "date_created": now(),
            "date_updated": now(),
        }
        return self._changed(sid, values)

    def _changed(self, sid: str, values: Thing) -> Thing:
        names = {
            "VoiceUrl": "voice_url",
            "VoiceMethod": "voice_method",
            "StatusCallback": "status_callback",
            "StatusCallbackMethod": "status_callback_method",
            "FriendlyName": "friendly_name",
            "TrunkSid": "trunk_sid",
        }
        number = self._number(sid)
        number |= {names[name]: value for name, value in values.items() if name in names}
        return number

    def _fetch_number(self, path: Thing, _values: Thing) -> Thing:
        return self._number(path["Sid"])

    def _update_number(self, path: Thing, values: Thing) -> Thing:
        return self._changed(path["Sid"], values)

    def _release(self, path: Thing, _values: Thing) -> None:
        self._number(path["Sid"])
        del self.numbers[path["Sid"]]

    def _send(self, _path: Thing, values: Thing) -> Thing:
        if "Body" not in values:
            raise Refused(400, 21602, "Message body is required.")
        if "From" not in values:
            raise Refused(400, 21603, "A 'From' phone number is required.")
        message: Thing = {
            "sid": new_sid("SM"),
            "account_sid": ACCOUNT_SID,
            "from": values["From"],
            "to": values["To"],
            "body": values["Body"],
            "status": "queued",
            "direction": "outbound-api",
            "num_segments": "1",
            "date_created": now(),
        }
        self.messages.append(message)
        return message

    def _list_messages(self, _path: Thing, values: Thing) -> Sequence[Thing]:
        return [m for m in reversed(self.messages) if values.get("To") in {None, m["to"]}]

    def _create_trunk(self, _path: Thing, values: Thing) -> Thing:
        sid = new_sid("TK")
        self.origination[sid] = []
        self.trunks[sid] = {
            "sid": sid,
            "account_sid": ACCOUNT_SID,
            "friendly_name": values.get("FriendlyName"),
            "date_created": now(),
        }
        return self.trunks[sid]

    def _create_origination(self, path: Thing, values: Thing) -> Thing:
        made: Thing = {
            "sid": new_sid("OU"),
            "account_sid": ACCOUNT_SID,
            "trunk_sid": self._trunk(path),
            "sip_url": values["SipUrl"],
            "friendly_name": values["FriendlyName"],
            "weight": values["Weight"],
            "priority": values["Priority"],
            "enabled": values["Enabled"],
        }
        self.origination[path["TrunkSid"]].append(made)
        return made

    def _list_attached(self, path: Thing, _values: Thing) -> Sequence[Thing]:
        trunk = self._trunk(path)
        return [n for n in self.numbers.values() if n["trunk_sid"] == trunk]

    def _attach(self, path: Thing, values: Thing) -> Thing:
        number = self._number(values["PhoneNumberSid"])
        trunk = self._trunk(path)
        if number["trunk_sid"] is not None:
            raise Refused(409, 21220, "Phone Number is already associated with a trunk.")
        number["trunk_sid"] = trunk
        return number

    def _detach(self, path: Thing, _values: Thing) -> None:
        number: dict[str, Any] = self._number(path["Sid"])
        if number["trunk_sid"] != self._trunk(path):
            raise _not_found(path["Sid"])
        number["trunk_sid"] = None
