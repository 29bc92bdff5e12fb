"""The JSON Schema of a scenario file, from the same declarations that check one."""

from __future__ import annotations

from typing import Any

from ecs_market import registry
from ecs_market.declared.options import MONEY_WEIGHT, OPTIONS
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
    protocols = parts["ProtocolsIn"]["properties"]
    for kind in ("search", "matching"):
        protocols[kind].update(_reference(kind))
    protocols["bargaining"].update(_bargaining())
    for section in (made, parts["ParamsIn"]):
        for declared in OPTIONS:
            section["properties"][declared.name].update(_parameter(declared))
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


def _bargaining() -> dict[str, Any]:
    """Return the schema of a bargaining protocol: a name, or a mapping with its parameters."""
    found: list[dict[str, Any]] = [_names("bargaining")]
    for entry in registry.entries("bargaining"):
        part = _parameters(entry)
        name = {"enum": [entry.name, *entry.aliases]}
        version = {"enum": [entry.version]}
        part["properties"] = {"name": name, "version": version, **part["properties"]}
        part["required"] = ["name"]
        found.append(part)
    return {"anyOf": found}


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
    own["money_weight"].update(_parameter(MONEY_WEIGHT, drawn=True))
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
        "properties": {
            each.name: _parameter(each, drawn=entry.kind == "family") for each in entry.parameters
        },
        "additionalProperties": False,
    }
    required = [each.name for each in entry.parameters if each.required]
    return {**made, "required": required} if required else made


def _parameter(declared: Parameter, *, drawn: bool = False) -> dict[str, Any]:
    """Return the schema of one parameter; `drawn` if agents may differ in it."""
    number: dict[str, Any] = {"type": "integer" if declared.shape == "integer" else "number"}
    bounds = {
        "exclusiveMinimum": declared.above,
        "minimum": declared.minimum,
        "maximum": declared.maximum,
        "exclusiveMaximum": declared.below,
    }
    number.update({key: bound for key, bound in bounds.items() if bound is not None})
    if declared.apart:
        number["not"] = {"exclusiveMinimum": -declared.apart, "exclusiveMaximum": declared.apart}
    made = _shape(declared, number, [number, *_draws(number)] if drawn else [number])
    if declared.optional:
        made = {"anyOf": [{"const": "none"}, {"type": "null"}, made]}
    made = {**made, "description": declared.description}
    if declared.default is not None:
        default = declared.default
        made["default"] = list(default) if isinstance(default, tuple) else default
        if declared.default_mixed is not None and isinstance(declared.default_mixed, tuple):
            mixed = ", ".join(declared.default_mixed)
            made["description"] += f" Default in the mixed exchange regime: {mixed}."
    return made


def _shape(
    declared: Parameter, number: dict[str, Any], numbers: list[dict[str, Any]]
) -> dict[str, Any]:
    words = {"enum": list(declared.choices)}
    one = numbers[0] if len(numbers) == 1 else {"anyOf": numbers}
    row = {"type": "array", "items": one, "minItems": 1}
    steps = {"type": "array", "items": number}
    match declared.shape:
        case "integer":
            return {"maximum": BIG, **number}
        case "number":
            spelled = [*numbers, words] if declared.choices else numbers
            return {"anyOf": spelled} if len(spelled) > 1 else number
        case "flag":
            return {"type": "boolean"}
        case "quantity":
            return number
        case "choice":
            return words
        case "choices":
            return {"type": "array", "items": words, "minItems": 1, "uniqueItems": True}
        case "mix":
            weights = dict.fromkeys(declared.choices, number)
            mapping = {"type": "object", "properties": weights, "additionalProperties": False}
            return {"anyOf": [words, {**mapping, "minProperties": 1}]}
        case "per_good":
            return row
        case "matrix":
            return {"type": "array", "items": row, "minItems": 1}
        case "curves":
            return {"type": "array", "items": {"anyOf": [steps, number]}}
        case "price":
            each = {"type": "object", "additionalProperties": number}
            return {"anyOf": [{"const": "none"}, {"type": "null"}, number, each]}
        case "amounts":
            return {"type": "object", "additionalProperties": _AMOUNT}
        case "block":
            mapping = {
                "type": "object",
                "properties": {part.name: _parameter(part) for part in declared.parts},
                "additionalProperties": False,
            }
            first = declared.parts[0]
            word = [{"enum": list(first.choices)}] if first.shape == "choice" else []
            return {"anyOf": [*word, mapping]}


def _draws(number: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what may stand in place of a number that differs from agent to agent."""

    def mapping(**properties: dict[str, Any]) -> dict[str, Any]:
        optional = ("low", "high") if "sd" in properties or "sd_log" in properties else ()
        return {
            "type": "object",
            "properties": properties,
            "required": [key for key in properties if key not in optional],
            "additionalProperties": False,
        }

    any_number = {"type": "number"}
    spread = {"type": "number", "exclusiveMinimum": 0}
    ends = {"low": number, "high": number}
    whole = {**number, "type": "integer"}
    return [
        {"type": "array", "items": whole, "minItems": 2, "maxItems": 2},
        mapping(values={"type": "array", "items": number, "minItems": 1}),
        mapping(distribution={"const": "uniform"}, **ends),
        mapping(distribution={"const": "normal"}, mean=any_number, sd=spread, **ends),
        mapping(distribution={"const": "lognormal"}, mean_log=any_number, sd_log=spread, **ends),
    ]
