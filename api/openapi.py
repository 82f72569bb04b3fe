"""The API's own description: tags, security, and the errors that many routes share."""

from typing import Any, Final

from fastapi import FastAPI

from api import problems

VERSION: Final = "1"

DESCRIPTION: Final = """\
Numbers, experts, prices, shares, callers and their credit, and every call.

* **Keys**: `primeline key add` makes one; send it as `Authorization: Bearer pl_…`. Each route \
names the one scope it needs.
* **Money** is an object of a decimal string and a currency, never a float. **Times** are RFC 3339 \
in UTC. **Durations** are whole seconds unless the name ends in `_ms`.
* **Errors** are problem documents (RFC 9457) with a stable `code`.
* **Lists** come in pages: `limit`, and `cursor` from `next_cursor`.
* **Edits** need `If-Match` with the ETag that was read; who comes too late gets 412 and what \
changed.
* **Money moves once**: each POST that moves any needs an `Idempotency-Key`.
"""

TAGS: Final[list[dict[str, str]]] = [
    {"name": "numbers", "description": "Our phone numbers and what each is for."},
    {"name": "tariffs", "description": "What calls cost, in versions that are never edited."},
    {"name": "experts", "description": "Who is called and earns; phones, presence, hours."},
    {"name": "callers", "description": "Who calls and pays: credit, limits, numbers, PINs."},
    {"name": "vouchers", "description": "Credit to be keyed, made in batches."},
    {"name": "limits", "description": "The most that callers may spend, set by the operator."},
    {"name": "trunks", "description": "Lines to carriers."},
    {"name": "phones", "description": "SIP phones and ordinary numbers that ring."},
    {"name": "calls", "description": "Calls that were, orders to those that are, their price."},
    {"name": "live calls", "description": "Calls that go on now, as a list and as a stream."},
    {"name": "disputes", "description": "Calls whose bill somebody contests."},
    {"name": "refunds", "description": "Money of ended calls that goes back to who paid."},
    {"name": "adjustments", "description": "Money moved by hand, and credit paid back."},
    {"name": "rules", "description": "What the law asks, figure by figure, and where from."},
    {"name": "statements", "description": "What carriers say premium-rate calls came to."},
    {"name": "monitoring", "description": "Alarms; how Asterisk, trunks and phones are."},
    {"name": "reports", "description": "Revenue, balances, proof that the books are right."},
    {"name": "notifications", "description": "Messages to people, and what became of each."},
    {"name": "keys", "description": "API keys: made, renamed, revoked."},
    {"name": "audit", "description": "Who changed what."},
    {"name": "health", "description": "Whether the system is well; without a key."},
]

_WITH_BODY: Final = frozenset({"post", "put", "patch"})
_METHODS: Final = frozenset({"get", "delete", *_WITH_BODY})
_FRAMEWORKS_OWN: Final = ("HTTPValidationError", "ValidationError")

_BY_HEADER: Final[dict[str, dict[int, list[str]]]] = {
    "If-Match": {
        400: ["if-match-unreadable"],
        412: ["version-conflict"],
        428: ["if-match-missing"],
    },
    "Idempotency-Key": {
        400: ["idempotency-key-missing"],
        422: ["idempotency-key-invalid", "idempotency-key-reused"],
    },
}
"""Headers that must be sent, and what comes where they are missing or wrong."""


def describe(app: FastAPI) -> None:
    """Complete what the framework can't know, when the description is made."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(made())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(schema: dict[str, Any]) -> dict[str, Any]:
    schemas = schema["components"]["schemas"]
    for name in _FRAMEWORKS_OWN:
        schemas.pop(name, None)
    schemas["Problem"] = problems.SCHEMA
    for name, one in schemas.items():
        if name.startswith("Body_"):
            one["description"] = "A file, sent as multipart/form-data."
    for path in schema["paths"].values():
        for method, operation in path.items():
            if method in _METHODS:
                _complete(method, operation)
    return schema


def _complete(method: str, operation: dict[str, Any]) -> None:
    """Add the answers that every route of this shape can give."""
    shared: dict[int, list[str]] = {}

    def add(status: int, *codes: str) -> None:
        shared.setdefault(status, []).extend(codes)

    if operation.get("security"):
        add(401, "key-missing", "key-wrong")
        add(403, "scope-missing")
        add(429, "too-many-wrong-keys")
        add(503, "database-away")
        (scope,) = operation["security"][0].values()
        operation["description"] += f"\n\nNeeds the scope `{scope[0]}`."
    parameters = operation.get("parameters", [])
    if method in _WITH_BODY and "requestBody" in operation:
        add(400, "json-invalid", "body-unreadable")
        add(408, "body-too-slow")
        add(413, "body-too-large")
        add(415, "media-type-unsupported")
    if parameters or "requestBody" in operation:
        add(422, "request-invalid")
    for parameter in parameters:
        for status, codes in _BY_HEADER.get(parameter["name"], {}).items():
            add(status, *codes)
            parameter["required"] = True
            examples = parameter["schema"].get("examples", [])
            parameter["schema"] = {"type": "string", "examples": examples}
        if parameter["name"] == "cursor":
            add(422, "cursor-invalid")
    answers = operation["responses"]
    for status, codes in shared.items():
        own = answers.get(str(status), {}).get(problems.CODES, [])
        answers[str(status)] = problems.answer(status, [*own, *codes])
    operation["responses"] = dict(sorted(answers.items()))
