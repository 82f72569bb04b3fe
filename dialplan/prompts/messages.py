"""The free message before a premium-rate call, put together from the parts that rules ask for."""

from collections.abc import Sequence
from typing import Final

from billing.tariffs.values import Tariff
from dialplan.prompts.values import Phrase

MESSAGE_PARTS: Final = frozenset(
    {
        "price",
        "provider",
        "service",
        "plus-normal-call",
        "access-charge",
        "no-transfer-fee",
        "hang-up-free",
        "parents",
    }
)
"""What a message may have. None of it may be left out because its sound is missing."""


def message_phrases(
    parts: Sequence[str], *, retail: Tariff, provider: str, service: str
) -> tuple[Phrase, ...]:
    """Give the phrases of a message's parts, in order."""
    valued = {
        "price": Phrase("price", retail),
        "provider": Phrase("provider", provider),
        "service": Phrase("service", service),
    }
    return tuple(valued.get(part, Phrase(part)) for part in parts)
