"""Feature codes: what caller and expert key in a talk, and what an operator may make of them."""

import json
import re
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from phonenumbers import SUPPORTED_SHORT_REGIONS
from phonenumbers.shortnumberinfo import is_emergency_number

from billing.kit.errors import PrimelineError

_CODE: Final = re.compile(r"[*#][0-9]{1,3}")


class FeatureCodesInvalid(PrimelineError):
    """PRIMELINE_FEATURE_CODES isn't what it should be."""

    code = "feature-codes-invalid"

    def __init__(self, why: str) -> None:
        super().__init__(f"PRIMELINE_FEATURE_CODES: {why}")


@dataclass(frozen=True, slots=True)
class FeatureCodes:
    """The keys of each feature; empty: it can't be keyed.

    The expert's are what he asks of the caller and gives him; `top_up` and `running_cost` are the
    caller's.
    """

    ask_per_minute: str = "*7"
    ask_per_act: str = "*8"
    back_to_free: str = "*9"
    free_minutes: str = "*6"
    top_up: str = "*5"
    running_cost: str = "*4"


def feature_codes_from(overrides: str | dict[str, Any]) -> FeatureCodes:
    """Give the codes with some replaced; `overrides` is a JSON object of names and codes.

    Raises FeatureCodesInvalid for what is no object, an unknown name, no code, an emergency number
    behind the first key, or two codes of which one begins the other.
    """
    if isinstance(overrides, str):
        try:
            overrides = json.loads(overrides or "{}")
        except json.JSONDecodeError as error:
            raise FeatureCodesInvalid(f"not valid JSON ({error}).") from error
    if not isinstance(overrides, dict):
        raise FeatureCodesInvalid('must be a JSON object such as {"top_up": "*55"}.')
    known = [field.name for field in fields(FeatureCodes)]
    for name, code in overrides.items():
        if name not in known:
            raise FeatureCodesInvalid(f"there is no feature {name!r}. Known: {', '.join(known)}.")
        _check(name, code)
    codes = replace(FeatureCodes(), **overrides)
    _check_apart({name: getattr(codes, name) for name in known if getattr(codes, name)})
    return codes


def _check(name: str, code: object) -> None:
    if code == "":
        return
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise FeatureCodesInvalid(
            f"{name} must be * or # and one to three digits, or empty, not {code!r}."
        )
    if any(is_emergency_number(code[1:], region) for region in SUPPORTED_SHORT_REGIONS):
        raise FeatureCodesInvalid(
            f"{name} must not be {code}: {code[1:]} is an emergency number somewhere."
        )


def _check_apart(codes: dict[str, str]) -> None:
    """Whoever keys one code must never have to wait whether it becomes another."""
    for name, code in codes.items():
        for other, longer in codes.items():
            if name != other and longer.startswith(code):
                raise FeatureCodesInvalid(f"{name} ({code}) clashes with {other} ({longer}).")
