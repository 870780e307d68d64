"""The API's documentation as a page: every address with what it takes and gives, from its own description."""

import json
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from config.permissions import Action
from web import pages
from web.api import v1
from web.desk import TheDesk
from web.guard import needs

router = APIRouter()


@dataclass(frozen=True)
class Field:
    """One thing that an address takes."""

    name: str
    where: str  # path, query, body
    kind: str
    required: bool
    words: str


@dataclass(frozen=True)
class Operation:
    """One method of one address. `example`: how to ask it from a terminal."""

    method: str
    path: str
    summary: str
    words: str
    fields: tuple[Field, ...]
    gives: str
    example: str


@router.get("/api/docs", dependencies=[needs(Action.OWN_ACCOUNT)], include_in_schema=False)
def page(request: Request, found: TheDesk) -> Response:
    """All of the API, by subject."""
    described = v1.description()
    base = found.settings.base_url.rstrip("/")
    groups: dict[str, list[Operation]] = {}
    for path, methods in described["paths"].items():
        subject = path.removeprefix("/api/v1/").split("/")[0]
        for method, operation in methods.items():
            groups.setdefault(subject, []).append(_operation(method, path, operation, described, base))
    return pages.render(
        request, "api_docs.html", groups=groups, about=_coded(described["info"]["description"]), base=base
    )


def _coded(words: str) -> Markup:
    """What stands between backticks as code."""
    parts = words.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


def _operation(method: str, path: str, given: dict[str, Any], described: dict[str, Any], base: str) -> Operation:
    fields = [
        Field(one["name"], one["in"], _kind(one.get("schema", {})), one.get("required", False), "")
        for one in given.get("parameters", [])
    ]
    content: dict[str, Any] = next(iter(given.get("requestBody", {}).get("content", {}).values()), {})
    body = _resolved(content.get("schema", {}), described)
    required = body.get("required", [])
    fields += [
        Field(name, "body", _kind(schema), name in required, schema.get("description", ""))
        for name, schema in body.get("properties", {}).items()
    ]
    answers = [reply for code, reply in given.get("responses", {}).items() if code.startswith("2")]
    replies: list[dict[str, Any]] = list(answers[0].get("content", {}).values()) if answers else []
    schema: dict[str, Any] = replies[0].get("schema", {}) if replies else {}
    example = f"curl -H 'Authorization: Bearer lia_…'{'' if method == 'get' else f' -X {method.upper()}'}"
    if method != "get":
        example += " -H 'Idempotency-Key: 1f0c…'"
    if "application/json" in given.get("requestBody", {}).get("content", {}):
        example += f" -H 'Content-Type: application/json' -d '{_sent(body, described)}'"
    elif any(field.where == "body" for field in fields):
        example += " -F …"
    words = given.get("description", "")
    return Operation(
        method.upper(), path, given.get("summary", ""), words, tuple(fields), _kind(schema), f"{example} {base}{path}"
    )


def _sent(body: dict[str, Any], described: dict[str, Any]) -> str:
    """A body as it is sent, in a shell's quotes."""
    items = _resolved(body.get("items", {}), described)
    one = next(iter(body.get("examples") or items.get("examples") or ()), None)
    if one is None:
        return "…"
    return json.dumps(one if "examples" in body else [one], ensure_ascii=False).replace("'", "'\\''")


def _resolved(schema: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    found: dict[str, Any] = described["components"]["schemas"].get(name, {}) if name else schema
    return found


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "")
