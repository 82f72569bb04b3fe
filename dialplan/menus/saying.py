"""Phrases by id, for the dialogues."""

from dialplan.prompts.values import Phrase

Said = Phrase | str
"""A phrase, or the id of one without a value."""


def said(*phrases: Said) -> tuple[Phrase, ...]:
    """Give them all as phrases."""
    return tuple(Phrase(one) if isinstance(one, str) else one for one in phrases)
