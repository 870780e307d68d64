"""X's own OpenAPI (x_openapi.json, a slice of it): whether a question is one that X knows, and an answer one of X's."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

OPENAPI: dict[str, Any] = json.loads((Path(__file__).parent / "x_openapi.json").read_text())


def _without_nullable(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` as JSON Schema has it."""
    if isinstance(schema, list):
        return [_without_nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _without_nullable(value) for name, value in schema.items() if name != "nullable"}
    if schema.get("nullable") is True and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
    return plain


_COMPONENTS = _without_nullable(OPENAPI["components"])


def as_told(schema: str, told: Any) -> Any:
    """An answer, once it is as X's OpenAPI has it. Raises jsonschema.ValidationError."""
    _validator({"$ref": f"#/components/schemas/{schema}"}).validate(told)
    return told


def route_of(method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """X's name of a path and what stands in its places; none where X does not know the question."""
    for known in sorted(OPENAPI["paths"], key=lambda one: str(one).count("{")):
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(known))
        found = re.fullmatch(pattern, path)
        if found and method.lower() in OPENAPI["paths"][known]:
            return known, found.groupdict()
    return None


def against(method: str, route: str, places: Mapping[str, str], asked: Mapping[str, str], body: Any) -> str:
    """What of a question is against X's OpenAPI: a parameter that is unknown, missing or not as it should be; the body.
    Empty when nothing is."""
    spec = OPENAPI["paths"][route][method.lower()]
    known = {}
    for one in spec.get("parameters", ()):
        named = OPENAPI["components"]["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        known[named["name"]] = named
    wrong = [f"{name} is not known" for name in asked if name not in known]
    for name, parameter in known.items():
        value: Any = (places if parameter["in"] == "path" else asked).get(name)
        if value is None:
            wrong += [f"{name} is missing"] if parameter.get("required") else []
            continue
        schema = parameter["schema"]
        if schema.get("type") == "integer":
            value = int(value)
        elif schema.get("type") == "array":
            value = value.split(",")
        wrong += [f"{name}: {error.message}" for error in _validator(schema).iter_errors(value)]
    content = spec.get("requestBody", {}).get("content", {}).get("application/json")
    if content is not None:
        wrong += [f"body: {error.message[:200]}" for error in _validator(content["schema"]).iter_errors(body)]
    elif body is not None:
        wrong.append("there is a body")
    return "; ".join(wrong)


def _validator(schema: Mapping[str, Any]) -> jsonschema.Draft4Validator:
    known = {**_without_nullable(schema), "components": _COMPONENTS}
    return jsonschema.Draft4Validator(known, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)
