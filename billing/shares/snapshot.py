"""A share rule frozen into a call's row, as JSON."""

from typing import Any, Final

from billing.kit.snapshots import UnreadableSnapshot, check_fields, whole_number
from billing.shares.values import ShareRule

_WHAT: Final = "share rule"
_FIELDS: Final = ("expert_basis_points", "basis")


def to_json(rule: ShareRule) -> dict[str, Any]:
    """Freeze a share rule."""
    return {"expert_basis_points": rule.expert_basis_points, "basis": rule.basis}


def from_json(data: object) -> ShareRule:
    """Thaw a share rule; UnreadableSnapshot for a missing, unknown or mistyped field."""
    fields = check_fields(_WHAT, data, _FIELDS)
    basis = fields["basis"]
    if basis not in {"net", "gross"}:
        raise UnreadableSnapshot(_WHAT, "basis is neither net nor gross")
    return ShareRule(whole_number(_WHAT, fields, "expert_basis_points"), basis)
