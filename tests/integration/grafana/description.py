"""The calls of Grafana's HTTP API as `api.yaml` describes them."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

DESCRIBED: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "api.yaml").read_text())
# What is not described is refused.
DEFINITIONS = {
    name: {**schema, "additionalProperties": False} if "properties" in schema else schema
    for name, schema in DESCRIBED["definitions"].items()
}


def call(method: str, path: str) -> dict[Any, str]:
    """Definitions of a call: of its body, and of each status that it may answer."""
    for described, definitions in DESCRIBED["calls"].items():
        name, pattern = described.split(" ")
        if name == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", pattern), path):
            return definitions
    raise KeyError(f"{method} {path} is no call of Grafana's that is described")


@cache
def validator(definition: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/definitions/{definition}", "definitions": DEFINITIONS})


def faults(definition: str, body: Any) -> list[str]:
    """Where a body differs from its definition."""
    return [
        f"{definition}{error.json_path[1:]}: {error.message}"
        for error in validator(definition).iter_errors(body)
    ]
