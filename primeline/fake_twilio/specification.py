"""Twilio's OpenAPI files as a check: of what is asked, and of what is answered."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from jsonschema_rs import Draft202012Validator

from primeline.fake_twilio.fetch import FILES

FORM: Final = "application/x-www-form-urlencoded"
KEPT: Final = (
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
)
METHODS: Final = ("get", "post", "delete")
_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_SENDER: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
_WHOLE: Final = re.compile(r"-?\d+")


def _is_number_or_sender(text: str) -> bool:
    return bool(_E164.fullmatch(text) or _SENDER.fullmatch(text))


def _is_uri(text: str) -> bool:
    # Twilio says "uri" also of paths on its own server.
    return bool(urlsplit(text).scheme) or text.startswith("/")


def _is_rfc_2822(text: str) -> bool:
    try:
        parsedate_to_datetime(text)
    except ValueError:
        return False
    return True


ASKED_FORMATS: Final = {
    "phone-number": _is_number_or_sender,
    "uri": _is_uri,
    "iso-country-code": lambda text: bool(re.fullmatch("[A-Z]{2}", text)),
}
# A friendly name is a "phone-number" there too.
ANSWERED_FORMATS: Final = {"uri": _is_uri, "date-time-rfc-2822": _is_rfc_2822}


class Broken(Exception):
    """A request or an answer isn't as the files say."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked. `parameters` by where they stand: path, query, form."""

    name: str
    host: str
    method: str
    path: re.Pattern[str]
    parameters: Mapping[str, Mapping[str, Any]]
    required: Mapping[str, frozenset[str]]
    answers: Mapping[int, dict[str, Any] | None]

    @property
    def good_status(self) -> int:
        """The status of a right answer."""
        return min(self.answers)


@dataclass(frozen=True)
class Asked:
    """A request that is as the files say; values have their types."""

    operation: Operation
    path: Mapping[str, Any]
    values: Mapping[str, Any] = field(default_factory=dict)


Pairs = Iterable[tuple[str, str]]


class Specification:
    """What the files in `folder` say."""

    def __init__(self, folder: Path) -> None:
        self.operations: list[Operation] = []
        for name in FILES:
            document = json.loads((folder / name).read_text())
            self.operations += _operations(document)

    def read(self, host: str, method: str, path: str, *, query: Pairs, form: Pairs) -> Asked:
        """Check a request and give its values; raises Broken, LookupError if there is no such."""
        operation, found = self._find(host, method, path)
        problems: list[str] = []
        texts = {"path": list(found.items()), "query": list(query), "form": list(form)}
        read: dict[str, dict[str, Any]] = {}
        for place, pairs in texts.items():
            read[place] = _values(operation, place, pairs, problems)
        if problems:
            raise Broken(problems)
        return Asked(operation, read["path"], read["query"] | read["form"])

    def check_answer(self, operation: Operation, status: int, body: Any) -> None:
        """Raise Broken for an answer with another field, type or status than the files say."""
        if status not in operation.answers:
            raise Broken([f"{operation.name} never answers {status}."])
        schema = operation.answers[status]
        if schema is None:
            if body is not None:
                raise Broken([f"{operation.name} answers {status} without a body."])
            return
        problems = _problems(schema, body, ANSWERED_FORMATS)
        if problems:
            raise Broken([f"{operation.name} answers {problem}" for problem in problems])

    def _find(self, host: str, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        for operation in self.operations:
            match = operation.path.fullmatch(path)
            if match and operation.host == host and operation.method == method.lower():
                return operation, match.groupdict()
        raise LookupError(f"{method} {host}{path}")


def _values(
    operation: Operation, place: str, pairs: Sequence[tuple[str, str]], problems: list[str]
) -> dict[str, Any]:
    known = operation.parameters[place]
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    values: dict[str, Any] = {}
    for name, several in texts.items():
        if name not in known:
            problems.append(f"{operation.name} knows no {place} field {name}.")
            continue
        schema = known[name]
        if schema.get("type") == "array":
            values[name] = several
        elif len(several) > 1:
            problems.append(f"{name} is given {len(several)} times.")
            continue
        else:
            values[name] = _typed(several[0], schema.get("type"))
        problems += [f"{name}: {one}" for one in _problems(schema, values[name], ASKED_FORMATS)]
    missing = operation.required[place] - texts.keys()
    problems += [f"{name} is missing." for name in sorted(missing)]
    return values


def _typed(text: str, kind: str | None) -> Any:
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    if kind in {"integer", "number"} and _WHOLE.fullmatch(text):
        return int(text)
    return text


def _problems(schema: Any, value: Any, formats: Mapping[str, Any]) -> list[str]:
    validator = Draft202012Validator(schema, validate_formats=True, formats=dict(formats))
    return [
        f"{'.'.join(str(part) for part in error.instance_path) or 'it'}: {error.message}"
        for error in validator.iter_errors(value)
    ]


def _operations(document: dict[str, Any]) -> list[Operation]:
    found = []
    for template, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                host = urlsplit(item["servers"][0]["url"]).hostname or ""
                found.append(_operation(document, host, template, method, item[method]))
    # A path that names a word wins over one that has a variable there.
    return sorted(found, key=lambda one: one.path.pattern.count("(?P"))


def _operation(
    document: dict[str, Any], host: str, template: str, method: str, item: dict[str, Any]
) -> Operation:
    places: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "form": {}}
    required: dict[str, set[str]] = {"path": set(), "query": set(), "form": set()}
    for one in item.get("parameters", []):
        places[one["in"]][one["name"]] = _schema(document, one["schema"], strict=False)
        if one.get("required"):
            required[one["in"]].add(one["name"])
    form = item.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema", {})
    for name, schema in form.get("properties", {}).items():
        places["form"][name] = _schema(document, schema, strict=False)
    required["form"] |= set(form.get("required", []))
    answers = {
        int(status): _answer(document, answer) for status, answer in item["responses"].items()
    }
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+?)", re.escape(template))
    return Operation(
        name=item["operationId"],
        host=host,
        method=method,
        path=re.compile(pattern),
        parameters=places,
        required={place: frozenset(names) for place, names in required.items()},
        answers=answers,
    )


def _answer(document: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any] | None:
    content = answer.get("content", {}).get("application/json")
    return None if content is None else _schema(document, content["schema"], strict=True)


def _schema(document: dict[str, Any], schema: dict[str, Any], *, strict: bool) -> dict[str, Any]:
    """Give an OpenAPI 3.0 schema as JSON Schema; strict: all fields there, and no other."""
    if "$ref" in schema:
        resolved: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            resolved = resolved[part]
        return _schema(document, resolved, strict=strict)
    made: dict[str, Any] = {name: schema[name] for name in KEPT if name in schema}
    if "items" in schema:
        made["items"] = _schema(document, schema["items"], strict=strict)
    if "properties" in schema:
        made["properties"] = {
            name: _schema(document, inner, strict=strict)
            for name, inner in schema["properties"].items()
        }
        if strict:
            made |= {"additionalProperties": False, "required": sorted(schema["properties"])}
    if schema.get("nullable"):
        if "type" in made:
            made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    return made
