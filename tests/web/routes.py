"""Every route of the API with the scope it needs and a request that it does.

A route that isn't here fails `test_routes.py`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.web.client import Client, ok
from tests.web.stock import FIRST_FILE, LAYOUT, Stock

Prepare = Callable[[Client, Stock], Awaitable[None]]
Body = dict[str, Any] | Callable[[Stock], dict[str, Any]] | None


@dataclass(frozen=True)
class Route:
    """A request that is answered with a 2xx; `scope` None: no key is needed.

    `{…}` in the path are fields of the stock. `edit`: it is sent with If-Match; `money`: with an
    Idempotency-Key; `stream`: its answer doesn't end; `upload`: a file. `prepare` does
    first what the stock lacks.
    """

    method: str
    path: str
    scope: str | None
    body: Body = None
    edit: bool = False
    money: bool = False
    stream: bool = False
    prepare: Prepare | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: bytes | None = None

    def request(self, stock: Stock) -> dict[str, Any]:
        """The arguments of the client's `request`."""
        headers = dict(self.headers)
        if self.edit:
            headers["If-Match"] = "*"
        if self.money:
            headers["Idempotency-Key"] = "one"
        made: dict[str, Any] = {
            "method": self.method,
            "url": self.path.format_map(vars(stock)),
            "headers": headers,
        }
        if self.upload is not None:
            made["files"] = {"file": ("statement.csv", self.upload, "text/csv")}
        body = self.body(stock) if callable(self.body) else self.body
        return made if body is None else made | {"json": body}


async def _second_admin(api: Client, _stock: Stock) -> None:
    ok(await api.post("/keys", json={"name": "second", "scopes": ["admin"]}), 201)


async def _ordinary_number(api: Client, stock: Stock) -> None:
    any_version = {"If-Match": "*"}
    way_out = {"host": "carrier.example", "presented_number": "+33199001234"}
    ok(
        await api.patch(
            "/trunks/carrier", json=way_out | {"destinations": ["FR-mobile"]}, headers=any_version
        )
    )
    ok(
        await api.post(
            f"/experts/{stock.free_expert_id}/phones",
            json={"number": "+33612345678", "trunk": "carrier"},
            headers=any_version,
        ),
        201,
    )


NUMBER: Final = "+33639980042"
LIMITS: Final = {"per_call": {"amount": "20.00", "currency": "EUR"}}
TERMS: Final = {"price_per_minute": {"amount": "1.50", "currency": "EUR"}}

PREMIUM: Final = {
    "terms": {
        "retail_per_minute": {"amount": "0.80", "currency": "EUR"},
        "outpayment_per_minute": {"amount": "0.5432", "currency": "EUR"},
        "carrier": "carrier",
        "publisher": "Example SARL",
        "service": "Advice by Ada",
    }
}

ADJUSTMENT: Final = {
    "direction": "credit",
    "amount": {"amount": "5.00", "currency": "EUR"},
    "reason": "goodwill",
    "note": "For the noise.",
}
SECOND_FILE: Final = FIRST_FILE.replace(b"1.00", b"2.00")

ROUTES: Final[Mapping[str, Route]] = {
    # health
    "health": Route("GET", "/health", None),
    "readiness": Route("GET", "/readiness", None),
    # keys and audit
    "list_keys": Route("GET", "/keys", "admin"),
    "make_key": Route("POST", "/keys", "admin", {"name": "shop", "scopes": ["read"]}),
    "get_key": Route("GET", "/keys/{key_id}", "admin"),
    "rename_key": Route("PATCH", "/keys/{key_id}", "admin", {"name": "till"}, edit=True),
    "revoke_key": Route("DELETE", "/keys/{key_id}", "admin", edit=True, prepare=_second_admin),
    "list_changes": Route("GET", "/audit", "admin"),
    # numbers
    "list_numbers": Route("GET", "/numbers", "read"),
    "add_number": Route("POST", "/numbers", "manage", {"number": "+33199001299"}),
    "get_number": Route("GET", "/numbers/{number_id}", "read"),
    "edit_number": Route("PATCH", "/numbers/{number_id}", "manage", {"open": False}, edit=True),
    "remove_number": Route("DELETE", "/numbers/{number_id}", "manage", edit=True),
    "list_premium_terms": Route("GET", "/numbers/{number_id}/premium-terms", "read"),
    "add_premium_terms": Route("POST", "/numbers/{number_id}/premium-terms", "manage", PREMIUM),
    "preview_premium_terms": Route(
        "POST", "/numbers/{number_id}/premium-terms/preview", "read", PREMIUM
    ),
    # experts
    "list_experts": Route("GET", "/experts", "read"),
    "add_expert": Route(
        "POST", "/experts", "manage", {"name": "Eve", "extension": "21", "phones": ["eve"]}
    ),
    "get_expert": Route("GET", "/experts/{expert_id}", "read"),
    "edit_expert": Route("PATCH", "/experts/{expert_id}", "manage", {"name": "A"}, edit=True),
    "remove_expert": Route("DELETE", "/experts/{free_expert_id}", "manage", edit=True),
    "set_presence": Route(
        "PUT", "/experts/{expert_id}/presence", "manage", {"presence": "away"}, edit=True
    ),
    "check_expert": Route(
        "PUT", "/experts/{expert_id}/check", "manage", {"note": "Passport seen."}, edit=True
    ),
    "uncheck_expert": Route("DELETE", "/experts/{expert_id}/check", "manage", edit=True),
    "get_hours": Route("GET", "/experts/{expert_id}/hours", "read"),
    "set_hours": Route(
        "PUT",
        "/experts/{expert_id}/hours",
        "manage",
        {"hours": [{"weekday": 0, "from_minute": 540, "to_minute": 720}]},
        edit=True,
    ),
    "get_share": Route("GET", "/experts/{expert_id}/share", "read"),
    "put_share": Route(
        "PUT", "/experts/{expert_id}/share", "manage", {"expert_basis_points": 6_000}, edit=True
    ),
    "get_bounds": Route("GET", "/experts/{expert_id}/price-bounds", "read"),
    "set_bounds": Route(
        "PUT",
        "/experts/{expert_id}/price-bounds",
        "manage",
        {
            "least": {"amount": "0.80", "currency": "EUR"},
            "most": {"amount": "2.50", "currency": "EUR"},
        },
        edit=True,
    ),
    "list_shares": Route("GET", "/shares", "read"),
    "get_number_share": Route("GET", "/numbers/{number_id}/share", "read"),
    "put_number_share": Route(
        "PUT", "/numbers/{number_id}/share", "manage", {"expert_basis_points": 5_000}, edit=True
    ),
    "remove_number_share": Route("DELETE", "/numbers/{number_id}/share", "manage", edit=True),
    "unlock_expert_pin": Route("POST", "/experts/{expert_id}/pin/unlock", "manage"),
    "reset_expert_pin": Route("POST", "/experts/{expert_id}/pin", "manage"),
    "free_extensions": Route("GET", "/extensions/free?digits=2", "read"),
    # phones and trunks
    "list_phones": Route("GET", "/phones", "read"),
    "make_phone_password": Route("POST", "/phones/expert-11/password", "manage"),
    "remove_phone": Route("DELETE", "/phones/expert-11", "manage"),
    "add_sip_phone": Route("POST", "/phones", "manage", {"endpoint": "office"}),
    "remove_expert_number": Route(
        "DELETE",
        "/experts/{free_expert_id}/phones/+33612345678",
        "manage",
        edit=True,
        prepare=_ordinary_number,
    ),
    "add_phone": Route(
        "POST", "/experts/{expert_id}/phones", "manage", {"endpoint": "ada-2"}, edit=True
    ),
    "order_phones": Route(
        "PUT", "/experts/{expert_id}/phones", "manage", {"phones": ["expert-11"]}, edit=True
    ),
    "list_trunks": Route("GET", "/trunks", "read"),
    "add_trunk": Route(
        "POST", "/trunks", "manage", {"name": "second", "addresses": ["203.0.113.10"]}
    ),
    "get_trunk": Route("GET", "/trunks/carrier", "read"),
    "edit_trunk": Route("PATCH", "/trunks/carrier", "manage", {"trusted": False}, edit=True),
    "make_trunk_password": Route("POST", "/trunks/carrier/password", "manage", edit=True),
    "remove_trunk": Route("DELETE", "/trunks/carrier", "manage", edit=True),
    # vouchers
    "list_batches": Route("GET", "/voucher-batches", "read"),
    "make_vouchers": Route(
        "POST",
        "/voucher-batches",
        "money",
        {"count": 3, "amount": {"amount": "10.00", "currency": "EUR"}},
        money=True,
    ),
    "void_batch": Route("POST", "/voucher-batches/{batch_id}/void", "money", money=True),
    # calls
    "list_calls": Route("GET", "/calls", "read"),
    "get_call": Route("GET", "/calls/{call_id}", "read"),
    "order": Route("POST", "/calls/{open_call_id}/orders", "calls", {"kind": "end-call"}),
    "list_live": Route("GET", "/live/calls", "read"),
    "follow_live": Route("GET", "/live/calls/stream", "read", stream=True),
    "list_notifications": Route("GET", "/notifications?state=sent", "read"),
    "list_restarts": Route("GET", "/restarts", "read"),
    "list_alarms": Route("GET", "/alarms?cleared=true", "read"),
    "acknowledge_alarm": Route("POST", "/alarms/{alarm_id}/acknowledge", "manage"),
    "list_reconciliations": Route("GET", "/reconciliations?wrong=true", "read"),
    "get_reconciliation": Route("GET", "/reconciliations/{reconciliation_id}", "read"),
    "list_differences": Route("GET", "/reconciliations/{reconciliation_id}/differences", "read"),
    "list_states": Route("GET", "/states", "read"),
    "list_orders": Route("GET", "/orders", "read"),
    "get_order": Route("GET", "/orders/{order_id}", "read"),
    # disputes
    "list_disputes": Route("GET", "/disputes", "read"),
    "open_dispute": Route(
        "POST",
        "/disputes",
        "manage",
        lambda stock: {"call_id": str(stock.call_id), "reason": "I never called."},
        money=True,
    ),
    "get_dispute": Route("GET", "/disputes/{dispute_id}", "read"),
    "close_dispute": Route(
        "POST",
        "/disputes/{dispute_id}/close",
        "money",
        {"outcome": "upheld", "note": "The record shows no talk."},
        edit=True,
    ),
    # refunds
    "list_refunds": Route("GET", "/refunds", "read"),
    "refund_call": Route(
        "POST",
        "/refunds",
        "money",
        lambda stock: {
            "call_id": str(stock.call_id),
            "reason": "expert-fault",
            "note": "The expert could not be heard.",
        },
        money=True,
    ),
    "get_refund": Route("GET", "/refunds/{refund_id}", "read"),
    # adjustments
    "adjust_caller": Route(
        "POST", "/callers/{account_id}/adjustments", "money", ADJUSTMENT, money=True
    ),
    "pay_back": Route(
        "POST",
        "/callers/{account_id}/pay-backs",
        "money",
        {"reason": "asked-for", "note": "By bank transfer."},
        money=True,
    ),
    "adjust_expert": Route(
        "POST", "/experts/{expert_id}/adjustments", "money", ADJUSTMENT, money=True
    ),
    "list_adjustments": Route("GET", "/adjustments", "read"),
    "get_adjustment": Route("GET", "/adjustments/{adjustment_id}", "read"),
    "ask_price": Route("GET", "/price?number=%2B33199001235", "read"),
    "get_revenue": Route("GET", "/revenue?first=2026-11-01&last=2026-11-30", "read"),
    "get_balances": Route("GET", "/books/balances", "read"),
    "check_books": Route("GET", "/books/check", "read"),
    # statements
    "list_layouts": Route("GET", "/statement-layouts", "read"),
    "add_layout": Route("POST", "/statement-layouts", "manage", LAYOUT | {"name": "second"}),
    "get_layout": Route("GET", "/statement-layouts/{layout_id}", "read"),
    "edit_layout": Route(
        "PATCH", "/statement-layouts/{layout_id}", "manage", {"tolerance_seconds": 9}, edit=True
    ),
    "list_statements": Route("GET", "/statements", "read"),
    "preview_statement": Route(
        "POST", "/statements/preview?layout=sums", "money", upload=SECOND_FILE
    ),
    "import_statement": Route(
        "POST", "/statements?layout=sums", "money", money=True, upload=SECOND_FILE
    ),
    "get_statement": Route("GET", "/statements/{statement_id}", "read"),
    "list_statement_lines": Route("GET", "/statements/{statement_id}/lines", "read"),
    "apply_statement": Route("POST", "/statements/{statement_id}/apply", "money", money=True),
    "write_off_statement": Route(
        "POST", "/statements/{statement_id}/write-off", "money", money=True
    ),
    "sign_off_statement": Route("POST", "/statements/{statement_id}/sign-off", "money"),
    # callers
    "list_callers": Route("GET", "/callers", "read"),
    "add_caller": Route("POST", "/callers", "manage", {"name": "Dora", "numbers": [NUMBER]}),
    "get_caller": Route("GET", "/callers/{account_id}", "read"),
    "edit_caller": Route("PATCH", "/callers/{account_id}", "manage", {"name": "C"}, edit=True),
    "set_caller_numbers": Route(
        "PUT", "/callers/{account_id}/numbers", "manage", {"numbers": [NUMBER]}, edit=True
    ),
    "remove_caller": Route("DELETE", "/callers/{poor_account_id}", "manage", edit=True),
    "unlock_pin": Route("POST", "/callers/{account_id}/pin/unlock", "manage"),
    "reset_pin": Route("POST", "/callers/{account_id}/pin", "manage"),
    "top_up": Route(
        "POST",
        "/callers/{account_id}/top-ups",
        "money",
        {"amount": {"amount": "5.00", "currency": "EUR"}},
        money=True,
    ),
    "redeem_voucher": Route(
        "POST",
        "/callers/{account_id}/vouchers",
        "money",
        lambda stock: {"code": stock.code},
        money=True,
    ),
    "explain_balance": Route("GET", "/callers/{account_id}/ledger", "read"),
    # limits
    "list_limits": Route("GET", "/spending-limits", "read"),
    "get_limits": Route("GET", "/spending-limits/EUR", "read"),
    "edit_limits": Route("PATCH", "/spending-limits/EUR", "manage", LIMITS, edit=True),
    "remove_limits": Route("DELETE", "/spending-limits/EUR", "manage", edit=True),
    "get_number_limits": Route("GET", "/numbers/{number_id}/spending-limits/EUR", "read"),
    "edit_number_limits": Route(
        "PATCH", "/numbers/{number_id}/spending-limits/EUR", "manage", LIMITS, edit=True
    ),
    "remove_number_limits": Route(
        "DELETE", "/numbers/{number_id}/spending-limits/EUR", "manage", edit=True
    ),
    # rules
    "list_rule_sets": Route("GET", "/rule-sets", "read"),
    "list_rule_figures": Route("GET", "/rule-figures", "read"),
    "get_rule_figure": Route("GET", "/rule-figures/GB/notice-tell", "read"),
    "set_rule_figure": Route(
        "PUT", "/rule-figures/GB/notice-tell", "manage", {"value": "10.00"}, edit=True
    ),
    "reset_rule_figure": Route("DELETE", "/rule-figures/GB/notice-tell", "manage", edit=True),
    # tariffs
    "list_tariffs": Route("GET", "/tariffs", "read"),
    "add_tariff": Route("POST", "/tariffs", "manage", {"name": "dear", "terms": TERMS}),
    "preview": Route("POST", "/tariffs/preview", "read", {"terms": TERMS}),
    "get_tariff": Route("GET", "/tariffs/{tariff_id}", "read"),
    "price_at": Route("GET", "/tariffs/{tariff_id}/price", "read"),
    "list_versions": Route("GET", "/tariffs/{tariff_id}/versions", "read"),
    "add_version": Route("POST", "/tariffs/{tariff_id}/versions", "manage", {"terms": TERMS}),
}
"""By operation id."""
