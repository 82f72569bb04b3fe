"""How to point one's own softphone at the running demo."""

import io

import segno

from primeline.asterisk_conf import LOOPBACK
from primeline.demo import cast
from primeline.demo.screen import Screen


def invite(screen: Screen, own: cast.Secrets, host: str, port: int) -> None:
    """Print the accounts of a caller and an expert for a softphone."""
    screen.chapter("Now yours: call with a softphone")
    screen.table(
        "Accounts for a softphone (SIP over UDP, codec PCMA)",
        ("as", "server", "user", "password", "then"),
        [
            (
                "caller",
                f"{host}:{port}",
                cast.YOUR_ENDPOINT,
                own.you_caller,
                f"dial {cast.MENU_NUMBER}, PIN {own.your_pin} #, extension 103 # (€5.00 of credit)",
            ),
            (
                "expert",
                f"{host}:{port}",
                cast.YOUR_EXPERT.endpoint,
                own.you_expert,
                "wait for the ring; 1 accepts, 3 refuses",
            ),
        ],
    )
    if host == LOOPBACK:
        screen.say(
            "\nA phone on another machine: end this and run  make demo HOST=<this machine's LAN"
            " address>"
        )
    else:
        screen.say("\nThe caller's account as a QR code (for softphones that read sip: addresses):")
        screen.say(_qr(f"sip:{cast.YOUR_ENDPOINT}:{own.you_caller}@{host}:{port}"))


def _qr(text: str) -> str:
    out = io.StringIO()
    segno.make(text, micro=False).terminal(out=out, compact=True)
    return out.getvalue()
