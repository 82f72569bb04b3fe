"""What bounds one call, frozen into its session as JSON and read back."""

from typing import Any, Final, cast

from billing.charging.premium.values import CallBounds
from billing.kit.snapshots import UnreadableSnapshot, check_fields, whole_number
from billing.money.values import Money
from billing.rulesets.values import SpendNotice

_WHAT: Final = "bounds of a call"
_CAPS: Final = ("maximum_charge", "day_maximum", "month_maximum")
_FIELDS: Final = (
    "rule_set", "maximum_seconds", *_CAPS, "notices", "message", "message_skippable",
    "tone_gap_ms",
)  # fmt: skip


def to_json(bounds: CallBounds) -> dict[str, Any]:
    """Freeze bounds: amounts in ledger units of the terms' currency."""
    return {
        "rule_set": bounds.rule_set,
        "maximum_seconds": bounds.maximum_seconds,
        **{name: _units(getattr(bounds, name)) for name in _CAPS},
        "notices": [[notice.at.amount, notice.kind] for notice in bounds.notices],
        "message": list(bounds.message),
        "message_skippable": bounds.message_skippable,
        "tone_gap_ms": bounds.tone_gap_ms,
    }


def _units(amount: Money | None) -> int | None:
    return None if amount is None else amount.amount


def from_json(data: object, currency: str) -> CallBounds:
    """Thaw bounds; UnreadableSnapshot for a missing, unknown or mistyped field."""
    fields = check_fields(_WHAT, data, _FIELDS)

    def cap(name: str) -> Money | None:
        return None if fields[name] is None else Money(whole_number(_WHAT, fields, name), currency)

    return CallBounds(
        rule_set=str(fields["rule_set"]),
        maximum_seconds=whole_number(_WHAT, fields, "maximum_seconds"),
        maximum_charge=cap("maximum_charge"),
        day_maximum=cap("day_maximum"),
        month_maximum=cap("month_maximum"),
        notices=tuple(_notice(one, currency) for one in fields["notices"]),
        message=tuple(str(part) for part in fields["message"]),
        message_skippable=fields["message_skippable"] is True,
        tone_gap_ms=whole_number(_WHAT, fields, "tone_gap_ms"),
    )


def _notice(data: object, currency: str) -> SpendNotice:
    match data:
        case [int(units), "tell" | "confirm" | "end" as kind] if not isinstance(units, bool):
            return SpendNotice(Money(units, currency), cast("Any", kind))
    raise UnreadableSnapshot(_WHAT, "a notice is no amount and kind")
