"""The JSON Schema of a scenario file, from the same declarations that check one."""

from __future__ import annotations

from typing import Any

from ecs_market import registry
from ecs_market.registry import Entry, Kind, Parameter
from ecs_market.scenario import schema
from ecs_market.scenario.schema import BIG, Section

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_AMOUNT = {"type": "number", "minimum": 0}
_RANGE = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0},
    "minItems": 2,
    "maxItems": 2,
    "description": "[lo, hi]: uniform whole units, both ends possible.",
}
_VALUES = {
    "type": "object",
    "properties": {"values": {"type": "array", "items": _AMOUNT, "minItems": 1}},
    "required": ["values"],
    "additionalProperties": False,
    "description": "One amount for each member, in ascending ids.",
}
_CELL = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0, "maximum": BIG},
    "minItems": 2,
    "maxItems": 2,
}


def build() -> dict[str, Any]:
    """Return the schema as a plain dict."""
    made: dict[str, Any] = _tidy(schema.ScenarioIn.model_json_schema())
    parts = made["$defs"]
    for name, part in [*parts.items(), ("ScenarioIn", made)]:
        model = getattr(schema, name, None)
        if isinstance(model, type) and issubclass(model, Section) and model.required:
            part["required"] = list(model.required)
    for name in ("AgentsIn", "PopulationIn"):
        properties = parts[name]["properties"]
        properties["initial_positions"].update(_positions())
        amounts = {"anyOf": [_AMOUNT, _RANGE, _VALUES]}
        properties["inventories"].update(additionalProperties=amounts)
    parts["ResourceTypeIn"]["properties"]["quantity"].update({"anyOf": [_AMOUNT, _RANGE]})
    for kind in ("search", "matching", "bargaining"):
        parts["ProtocolsIn"]["properties"][kind].update(_reference(kind))
    _fill_posts(parts["PostIn"])
    _fill_utilities(parts["UtilityIn"])
    made["oneOf"] = [{"required": ["agents"]}, {"required": ["populations"]}]
    return {"$schema": DIALECT, **made, "title": "Scenario"}


def _tidy(value: Any) -> Any:
    """Drop generated titles and the null that only means an absent key."""
    if isinstance(value, list):
        return [_tidy(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {
        key: _tidy(each)
        for key, each in value.items()
        if not (key == "title" and isinstance(each, str))
        and not (key == "default" and each is None)
    }
    choices = made.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [each for each in choices if each != {"type": "null"}]
        del made["anyOf"]
        made = {**rest[0], **made} if len(rest) == 1 else {**made, "anyOf": rest}
    return made


def _positions() -> dict[str, Any]:
    def one(key: str, inner: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {key: inner},
            "required": [key],
            "additionalProperties": False,
        }

    return {
        "anyOf": [
            one("distribution", {"const": "uniform"}),
            one("at", _CELL),
            one("cells", {"type": "array", "items": _CELL}),
        ]
    }


def _names(kind: Kind) -> dict[str, Any]:
    return {"enum": list(registry.names(kind))}


def _reference(kind: Kind) -> dict[str, Any]:
    versions = sorted({entry.version for entry in registry.entries(kind)})
    return {
        "anyOf": [
            _names(kind),
            {
                "type": "object",
                "properties": {"name": _names(kind), "version": {"enum": versions}},
                "required": ["name"],
                "additionalProperties": False,
            },
        ]
    }


def _fill_posts(post: dict[str, Any]) -> None:
    properties = post["properties"]
    for key in ("mechanism", "mechanism_type"):
        properties[key].update(_reference("mechanism"))
    post["allOf"] = [
        {
            "if": {"anyOf": [_names_it(key, entry) for key in ("mechanism", "mechanism_type")]},
            "then": {"properties": {"mechanism_params": _parameters(entry)}},
        }
        for entry in registry.entries("mechanism")
    ]


def _names_it(key: str, entry: Entry) -> dict[str, Any]:
    spelled = {"enum": [entry.name, *entry.aliases]}
    named = {"type": "object", "properties": {"name": spelled}, "required": ["name"]}
    return {"properties": {key: {"anyOf": [spelled, named]}}, "required": [key]}


def _fill_utilities(utility: dict[str, Any]) -> None:
    own = dict(utility["properties"])
    own["type"].update(_names("family"))
    utility.clear()
    utility["anyOf"] = []
    for entry in registry.entries("family"):
        spelled = {**own["type"], "enum": [entry.name, *entry.aliases]}
        part = _parameters(entry)
        part["properties"] = {**own, "type": spelled, **part["properties"]}
        part["required"] = ["type", *part.get("required", [])]
        utility["anyOf"].append(part)


def _parameters(entry: Entry) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "object",
        "description": entry.description,
        "properties": {each.name: _parameter(each) for each in entry.parameters},
        "additionalProperties": False,
    }
    required = [each.name for each in entry.parameters if each.required]
    return {**made, "required": required} if required else made


def _parameter(declared: Parameter) -> dict[str, Any]:
    number: dict[str, Any] = {"type": "integer" if declared.shape == "integer" else "number"}
    bounds = {
        "exclusiveMinimum": declared.above,
        "minimum": declared.minimum,
        "maximum": declared.maximum,
    }
    number.update({key: bound for key, bound in bounds.items() if bound is not None})
    words = {"enum": list(declared.choices)}
    match declared.shape:
        case "integer":
            made = {"maximum": BIG, **number}
        case "number":
            made = {"anyOf": [number, words]} if declared.choices else number
        case "choice":
            made = words
        case "choices":
            made = {"type": "array", "items": words, "minItems": 1, "uniqueItems": True}
        case "per_good":
            made = {"type": "array", "items": number, "minItems": 1}
        case "price":
            each = {"type": "object", "additionalProperties": number}
            made = {"anyOf": [{"const": "none"}, {"type": "null"}, number, each]}
    made = {**made, "description": declared.description}
    if declared.default is not None:
        default = declared.default
        made["default"] = list(default) if isinstance(default, tuple) else default
        if declared.default_mixed is not None and isinstance(declared.default_mixed, tuple):
            mixed = ", ".join(declared.default_mixed)
            made["description"] += f" Default in the mixed exchange regime: {mixed}."
    return made
