"""Dialogues by keypad, as pure values and functions."""

from dialplan.menus.digits import Digits, press

__all__ = ["Digits", "press"]
