"""Who takes part in the demo: experts, callers, numbers and their prices, written as data."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import service as accounts
from billing.catalogue import premium
from billing.catalogue import service as catalogue
from billing.catalogue.values import PremiumTerms
from billing.endpoints.digest import ha1_of
from billing.endpoints.trunks import add_trunk
from billing.endpoints.values import KnownPhone, Trunk
from billing.kit.limits import Limits
from billing.money.values import Money
from billing.tariffs import service as tariffs
from billing.tariffs.values import Tariff
from dialplan.prompts.messages import message_phrases
from dialplan.prompts.needed import amount_phrases, fixed_phrases
from dialplan.prompts.values import Phrase
from primeline.asterisk_conf import Lines

CURRENCY: Final = "EUR"
LANGUAGE: Final = "en"
MENU_NUMBER, DIRECT_NUMBER, PREMIUM_NUMBER = "+33199000200", "+33199000002", "+33199000003"
"""Fictitious numbers, set aside for stories by the French regulator. The first is for sale."""

LIMITS: Final = replace(Limits(), minimum_talk_seconds=20, warning_seconds=8)
"""As in real life, but for talks that are over within half a minute."""

GREATEST_AMOUNT: Final = 5
"""Euros up to which amounts are rendered for the demo."""


def _euro(cents: int) -> Money:
    return Money.of_minor(cents, CURRENCY)


TARIFF: Final = Tariff(
    price_per_minute=_euro(120),
    connect_fee=_euro(0),
    minimum_charge=_euro(0),
    maximum_charge=None,
    tax_basis_points=2_000,
)


TERMS: Final = PremiumTerms(
    retail_per_minute=_euro(80),
    retail_per_call=_euro(0),
    outpayment_per_minute=_euro(52),
    outpayment_per_call=_euro(0),
    carrier="demo-carrier",
    announced_by="us",
    country="FR",
    publisher="Example SARL",
    service="Advice by Luc",
    category="advice",
    time_zone="Europe/Paris",
)
CLARA, CLARAS_NUMBER = "Clara", "+33639980004"
"""She has no account with us: her phone company bills her."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller with prepaid credit, known by number alone up to 10.00 a day."""

    name: str
    number: str
    credit: Money


@dataclass(frozen=True, slots=True)
class Expert:
    """An expert with one phone."""

    name: str
    extension: str
    endpoint: str


ALICE: Final = Caller("Alice", "+33639980001", _euro(50))
BORIS: Final = Caller("Boris", "+33639980002", _euro(15))
YOU: Final = Caller("You", "+33639980003", _euro(500))
ADA: Final = Expert("Ada", "101", "ada")
LUC: Final = Expert("Luc", "102", "luc")
YOUR_EXPERT: Final = Expert("Your softphone", "103", "you-expert")
YOUR_ENDPOINT: Final = "you-caller"
TRUNK: Final = "demo-carrier"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Passwords made anew for each demo."""

    trunk: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    ada: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    luc: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    you_caller: str = field(default_factory=lambda: secrets.token_urlsafe(9), repr=False)
    you_expert: str = field(default_factory=lambda: secrets.token_urlsafe(9), repr=False)
    your_pin: str = field(default_factory=lambda: f"{secrets.randbelow(10_000):04d}", repr=False)


def lines(own: Secrets) -> Lines:
    """The carrier whose caller ids are trusted, and the phones."""
    return Lines(
        trunks=(_trunk(own),),
        phones=(
            _phone(ADA.endpoint, own.ada),
            _phone(LUC.endpoint, own.luc),
            _phone(YOUR_ENDPOINT, own.you_caller, number=YOU.number),
            _phone(YOUR_EXPERT.endpoint, own.you_expert),
        ),
    )


def _trunk(own: Secrets) -> Trunk:
    return Trunk(TRUNK, trusted=True, ha1=ha1_of(TRUNK, own.trunk))


def _phone(endpoint: str, password: str, *, number: str | None = None) -> KnownPhone:
    return KnownPhone(endpoint, number, ha1_of(endpoint, password))


def phrases() -> list[Phrase]:
    """All that may be said in the demo."""
    return [
        *fixed_phrases(),
        *amount_phrases(CURRENCY, GREATEST_AMOUNT),
        *(
            Phrase(id_, seconds)
            for id_ in ("credit-buys", "credit-buys-caller")
            for seconds in (*range(LIMITS.minimum_talk_seconds, 60), *range(60, 301, 60))
        ),
        Phrase("price", TARIFF),
        *message_phrases(
            ("price", "provider", "service"),
            retail=TERMS.retail,
            provider=TERMS.publisher,
            service=TERMS.service,
        ),
        *(Phrase("expert-name", expert.name) for expert in (ADA, LUC, YOUR_EXPERT)),
    ]


async def write(s: AsyncSession, own: Secrets) -> None:
    """Write everybody into an empty database."""
    now = datetime.now(UTC)
    await add_trunk(s, _trunk(own))
    kept = await tariffs.add_version(s, name="demo", tariff=TARIFF, valid_from=now, at=now)
    ids = {}
    for expert in (ADA, LUC, YOUR_EXPERT):
        ids[expert] = await catalogue.add_expert(
            s,
            name=expert.name,
            extension=expert.extension,
            endpoints=[expert.endpoint],
            tariff_id=kept.tariff_id,
            at=now,
        )
    await catalogue.add_number(s, number=DIRECT_NUMBER, kind="direct", expert_id=ids[LUC], at=now)
    await catalogue.add_number(s, number=PREMIUM_NUMBER, kind="direct", expert_id=ids[LUC], at=now)
    await premium.add_terms(s, PREMIUM_NUMBER, TERMS, valid_from=now, at=now)
    for caller in (ALICE, BORIS, YOU):
        account = await accounts.add_caller(
            s,
            name=caller.name,
            numbers=[caller.number],
            currency=CURRENCY,
            at=now,
            pin=own.your_pin if caller is YOU else None,
            number_alone_limit=None if caller is YOU else _euro(1_000),
        )
        await accounts.top_up(
            s, account.account_id, caller.credit, idempotency_key=f"demo-{caller.name}", at=now
        )


async def open_menu(s: AsyncSession) -> None:
    """Let callers reach the menu."""
    await catalogue.add_number(s, number=MENU_NUMBER, kind="menu", at=datetime.now(UTC))
