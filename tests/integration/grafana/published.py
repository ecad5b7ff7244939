"""Holds `api.yaml` against a copy of Grafana's own description.

    python -m tests.integration.grafana.published api-merged.json

Every call, status, definition, property, type and limit of ours must be Grafana's too, and what
Grafana requires must be required here. Prints what differs; exit code 1 if anything does.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.integration.grafana.description import DESCRIBED

LIMITS = ("enum", "minLength", "maxLength", "pattern")


def differences(published: dict[str, Any]) -> Iterator[str]:
    """What `api.yaml` says otherwise than Grafana."""
    definitions = dict(published["definitions"])
    for name, place in DESCRIBED["unnamed"].items():
        answer = operation(published, place)["responses"]["200"]
        definitions[name] = resolved(published, answer)["schema"]
    for described, parts in DESCRIBED["calls"].items():
        theirs = operation(published, described)
        if not theirs:
            yield f"{described}: no such call"
            continue
        for key, definition in parts.items():
            where = f"{described} {key}"
            if key == "body":
                bodies = [part for part in theirs["parameters"] if part["in"] == "body"]
                schema = bodies[0]["schema"] if bodies else {}
            elif str(key) not in theirs["responses"]:
                yield f"{where}: no such status"
                continue
            else:
                schema = resolved(published, theirs["responses"][str(key)]).get("schema", {})
            named = schema.get("$ref", "").removeprefix("#/definitions/")
            if definition not in DESCRIBED["unnamed"] and named not in ("", definition):
                yield f"{where}: {named}, not {definition}"
    for name, schema in DESCRIBED["definitions"].items():
        if name not in definitions:
            yield f"{name}: no such definition"
        else:
            yield from of_schema(name, schema, definitions[name])


def of_schema(where: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    """What a schema of ours says otherwise than Grafana's."""
    for key in ("type", "$ref"):
        # A query's own JSON has no type there.
        if key in ours and ours[key] != theirs.get(key, ours[key]):
            yield f"{where}: {key} {theirs.get(key)}, not {ours[key]}"
    for key in LIMITS:
        if ours.get(key) != theirs.get(key):
            yield f"{where}: {key} {theirs.get(key)}, not {ours.get(key)}"
    if set(ours.get("required", ())) != set(theirs.get("required", ())):
        yield f"{where}: required {theirs.get('required')}, not {ours.get('required')}"
    for name, schema in ours.get("properties", {}).items():
        if name not in theirs.get("properties", {}):
            yield f"{where}.{name}: no such property"
        else:
            yield from of_schema(f"{where}.{name}", schema, theirs["properties"][name])
    for key in ("items", "additionalProperties"):
        if key in ours:
            yield from of_schema(f"{where}.{key}", ours[key], theirs.get(key, {}))


def operation(published: dict[str, Any], described: str) -> dict[str, Any]:
    method, path = described.split(" ")
    return published["paths"].get(path, {}).get(method.lower(), {})


def resolved(published: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    name = answer.get("$ref", "").removeprefix("#/responses/")
    return published["responses"][name] if name else answer


if __name__ == "__main__":
    found = list(differences(json.loads(Path(sys.argv[1]).read_text())))
    print("\n".join(found) or "api.yaml says what Grafana says")
    raise SystemExit(bool(found))
