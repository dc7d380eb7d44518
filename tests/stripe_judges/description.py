"""Judge B: Stripe's OpenAPI description, made strict, says what is wrong with an answer, an event or a request."""

import functools
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from tests.stripe_judges.fetching import description

Schema = dict[str, Any]
# What a description says to people, and what JSON Schema has no word for.
LEFT_OUT = {"description", "format", "nullable", "title", "example"}
FORM = "application/x-www-form-urlencoded"


class Description:
    """Finds the schema for an operation or a kind of object, and lists what does not fit it."""

    def __init__(self, document: Schema) -> None:
        self._paths = document["paths"]
        schemas = document["components"]["schemas"]
        self._schemas = {name: strict(schema) for name, schema in schemas.items()}
        self._loose = {name: without_required(schema) for name, schema in self._schemas.items()}
        self._names = _names_by_kind(schemas)
        self._expandable = {name: _expandable(schema) for name, schema in schemas.items()}
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}
        # The longest list of literal parts first, so that `/v1/refunds/search` is not taken for an id.
        by_form = sorted(self._paths, key=lambda path: path.count("{"))
        self._forms = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$"), path) for path in by_form]

    def operation(self, method: str, path: str) -> Schema | None:
        """How Stripe describes a call; None where it knows no such one."""
        for pattern, form in self._forms:
            if pattern.match(path) and method.lower() in self._paths[form]:
                return self._paths[form][method.lower()]
        return None

    def of_answer(self, operation: Schema, status: int, body: Any) -> list[str]:
        """What is wrong with the body of an answer."""
        if status != 200:
            return self.of_error(body)
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        return list(self._check(f"answer {operation['operationId']}", strict(schema), body))

    def of_error(self, body: Any) -> list[str]:
        """What is wrong with an error, whatever was asked."""
        return list(self._check("error", {"$ref": "#/$defs/error"}, body))

    def of_object(self, body: Schema) -> list[str]:
        """What is wrong with one object, by its kind."""
        kind = body.get("object", "")
        name = self._names.get(f"deleted {kind}" if body.get("deleted") else kind)
        if name is None:
            return [f"{kind}: Stripe describes no such object"]
        return list(self._check(name, {"$ref": f"#/$defs/{name}"}, body))

    def of_event(self, event: Schema) -> list[str]:
        """What is wrong with an event, its object, and what it says has changed."""
        found = [*self.of_object(event), *self.of_object(event["data"]["object"])]
        if event["type"] not in self.event_types:
            found.append(f"event: Stripe has no type {event['type']}")
        return [*found, *self._of_changes(event["data"])]

    def expandable(self, kind: str) -> set[str]:
        """The fields of a kind that hold the id of another object until they are expanded."""
        return self._expandable[self._names[kind]]

    def _of_changes(self, data: Schema) -> Iterator[str]:
        """`previous_attributes` hold parts of the same object, as they were and are no more."""
        before, now = data.get("previous_attributes", {}), data["object"]
        name = self._names.get(now["object"])
        if name:
            title = f"previous_attributes of {name}"
            yield from self._check(title, {"$ref": f"#/$defs/{name}"}, without_nulls(before), self._loose)
        for key in before:
            if key in now and before[key] == now[key]:
                yield f"previous_attributes of {name}: {key} has not changed"

    def of_request(self, operation: Schema, params: Schema) -> list[str]:
        """What is wrong with the parameters of a request, given as strings in nested dictionaries."""
        schema = request_schema(operation)
        return list(self._check(f"request {operation['operationId']}", schema, typed(params, schema)))

    @functools.cached_property
    def event_types(self) -> set[str]:
        operation = self._paths["/v1/webhook_endpoints"]["post"]
        schema = operation["requestBody"]["content"][FORM]["schema"]["properties"]["enabled_events"]
        return set(schema["items"]["enum"])

    def _check(self, title: str, schema: Schema, body: Any, schemas: Schema | None = None) -> Iterator[str]:
        if title not in self._validators:
            whole = {**schema, "$defs": schemas or self._schemas}
            self._validators[title] = jsonschema_rs.Draft202012Validator(whole)
        for error in self._validators[title].iter_errors(body):
            for path, message in reasons(error):
                yield f"{title}: {path or 'as a whole'}: {message}"


def _names_by_kind(schemas: Schema) -> dict[str, str]:
    """Kinds of objects, such as `checkout.session`, to the schema of that name or with that `object`."""
    names = {}
    for name, schema in schemas.items():
        kinds = schema.get("properties", {}).get("object", {}).get("enum", [])
        for kind in kinds:
            key = f"deleted {kind}" if name.startswith("deleted_") else kind
            if key not in names or name in (kind, kind.replace(".", "_")):
                names[key] = name
    return names


def _expandable(schema: Schema) -> set[str]:
    fields = {name: schema["properties"][name] for name in schema.get("x-expandableFields", ())}
    return {name for name, field in fields.items() if {"string"} & {one.get("type") for one in field.get("anyOf", ())}}


def strict(node: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema in which nothing undescribed may appear."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key not in LEFT_OUT and not key.startswith("x-")}
    out = {key: _members(value) if key == "properties" else strict(value) for key, value in kept.items()}
    if "$ref" in out:
        out["$ref"] = out["$ref"].replace("#/components/schemas/", "#/$defs/")
    if "properties" in out and "anyOf" not in out:
        out.setdefault("additionalProperties", False)
    return {"anyOf": [out, {"type": "null"}]} if node.get("nullable") is True else out


def _members(properties: Schema) -> Schema:
    """Names of members are not words of the schema language, even those that look like it."""
    return {name: strict(schema) for name, schema in properties.items()}


def without_required(node: Any) -> Any:
    """The same, for a part of an object."""
    if isinstance(node, list):
        return [without_required(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: without_required(value) for key, value in node.items() if not _lists_names(key, value)}


def _lists_names(key: str, value: Any) -> bool:
    return key == "required" and isinstance(value, list)


def without_nulls(node: Any) -> Any:
    """In what has changed, null also stands for a member that was not there."""
    if isinstance(node, dict):
        return {key: without_nulls(value) for key, value in node.items() if value is not None}
    return node


def reasons(error: jsonschema_rs.ValidationError) -> Iterator[tuple[str, str]]:
    """Where and what; of several alternatives that all failed, the one that came nearest."""
    if error.kind.name == "anyOf":
        branches = [branch for branch in error.kind.context if not _another_type(error, branch)]
        if branches:
            for cause in min(branches, key=len):
                yield from reasons(cause)
            return
    path = ".".join("[]" if isinstance(part, int) else part for part in error.instance_path)
    if error.kind.name == "additionalProperties":
        yield from ((path, f"{name} is not described") for name in error.kind.value)
    else:
        yield path, error.message[:240]


def _another_type(error: jsonschema_rs.ValidationError, branch: list[jsonschema_rs.ValidationError]) -> bool:
    """An alternative meant for another type of value tells nothing about this one."""
    first = branch[0]
    return first.kind.name == "type" and list(first.instance_path) == list(error.instance_path)


def request_schema(operation: Schema) -> Schema:
    """What a call may be given: in its body, or in its address."""
    content = operation.get("requestBody", {}).get("content", {})
    body = next(iter(content.values()), {}).get("schema", {})
    query = [one for one in operation.get("parameters", []) if one["in"] == "query"]
    members = {name: _of_upload(schema) for name, schema in body.get("properties", {}).items()}
    members.update({one["name"]: one["schema"] for one in query})
    required = [*body.get("required", []), *(one["name"] for one in query if one.get("required"))]
    return strict({"type": "object", "properties": members, "required": required})


def _of_upload(schema: Schema) -> Schema:
    """What is uploaded has no text form: any record of it will do."""
    return {} if schema.get("format") == "binary" else schema


def typed(raw: Any, schema: Schema) -> Any:
    """Form strings as what the schema asks for; what does not fit stays as it is, for the validator to see."""
    options = schema.get("anyOf") or [schema]
    option = max(options, key=lambda one: _likeness(raw, one))
    if isinstance(raw, dict) and option.get("type") == "array":
        return [typed(raw[key], option["items"]) for key in sorted(raw, key=_position)]
    if isinstance(raw, dict):
        members = option.get("properties", {})
        return {key: typed(value, members.get(key, {})) for key, value in raw.items()}
    return _scalar(raw, option.get("type"))


def _position(key: str) -> int:
    return int(key) if key.isdecimal() else 0


def _likeness(raw: Any, option: Schema) -> int:
    """How well an alternative suits a value."""
    kind = option.get("type")
    if isinstance(raw, dict):
        if kind == "array":
            return 2 if all(key.isdecimal() for key in raw) else 0
        return 1 + len(set(raw) & set(option.get("properties", {}))) if kind == "object" else -1
    if "enum" in option:
        return 3 if raw in option["enum"] else -1
    if kind in ("integer", "number", "boolean"):
        return 2 if not isinstance(_scalar(raw, kind), str) else -1
    return 1 if kind == "string" else 0


def _scalar(raw: str, kind: str | None) -> Any:
    if kind == "boolean" and raw in ("true", "false"):
        return raw == "true"
    if kind == "integer" and re.fullmatch(r"-?\d+", raw):
        return int(raw)
    if kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", raw):
        return float(raw)
    return raw


@functools.cache
def load() -> Description:
    """The judge, one for the process. NotFetched where the description cannot be had."""
    return Description(description())
