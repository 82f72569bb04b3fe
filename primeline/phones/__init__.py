"""SIP phones for the demo, the tests and the bench (docs/decisions/0003-phones.md says why ours).

`Phone` registers and calls; each `PhoneCall` records what it hears with exact times.
"""

from primeline.phones.call import PhoneCall
from primeline.phones.dialog import PhoneEvent, State
from primeline.phones.errors import PhoneError, PhoneWaitedInVain, RegistrationRefused
from primeline.phones.heard import Frame, Heard, Key
from primeline.phones.phone import Phone
from primeline.phones.voices import SILENCE, Voice, recording, tone
from primeline.phones.wire import WireMessage

__all__ = [
    "SILENCE",
    "Frame",
    "Heard",
    "Key",
    "Phone",
    "PhoneCall",
    "PhoneError",
    "PhoneEvent",
    "PhoneWaitedInVain",
    "RegistrationRefused",
    "State",
    "Voice",
    "WireMessage",
    "recording",
    "tone",
]
