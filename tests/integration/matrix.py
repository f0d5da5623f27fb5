# SPDX-License-Identifier: Apache-2.0
"""Requests that are wrong in one place: each member of a request by its schema, wrong in each way.

    for path, schema, required in matrix.members(api, api.request_schema("/v3/templates", "post"), good):
        for way, value in matrix.wrong(path, schema): send(matrix.at(path, value, good))
    matrix.raw(path, good, lambda name, value: "%s: %s, %s: %s" % (name, value, name, value))       the member twice
"""
import json

VALUES = {"string": "text", "integer": 7, "number": 1.5, "boolean": True, "null": None, "array": [], "object": {}}


def plain(api, schema):
    """What it is when it is not null."""
    schema = api.resolve(schema)
    if len(schema.get("anyOf", [])) == 2 and schema["anyOf"][1] == {"type": "null"}:
        schema = api.resolve(schema["anyOf"][0])
    return dict(schema, type="string") if "enum" in schema and "type" not in schema else schema


def members(api, schema, value, path=()):
    """(path, schema, required) of all that the message has, by its schema; of an array the first element."""
    schema = plain(api, schema)
    for one in schema.get("allOf", []):
        yield from members(api, one, value, path)
    if isinstance(value, list) and value:
        yield path + (0,), plain(api, schema["items"]), True
        yield from members(api, schema["items"], value[0], path + (0,))
    for name, node in schema.get("properties", {}).items():
        if name in value:
            yield path + (name,), plain(api, node), name in schema.get("required", [])
            yield from members(api, node, value[name], path + (name,))
    if isinstance(schema.get("additionalProperties"), dict):
        for name in value:
            yield path + (name,), plain(api, schema["additionalProperties"]), False


def named(path):
    """attachments[0].name"""
    return "".join("[%d]" % p if isinstance(p, int) else "." + p for p in path).lstrip(".")


def dotted(path):
    """attachments.0.name"""
    return ".".join(map(str, path))


def drop(holder, name):
    del holder[name]


def at(path, value, good):
    """The message with that value in one place, or with what a function made of the place."""
    message = json.loads(json.dumps(good))      # no part of it is another one, too
    holder = message
    for p in path[:-1]:
        holder = holder[p]
    if callable(value):
        value(holder, path[-1])
    else:
        holder[path[-1]] = value
    return message


def raw(path, good, change):
    """The text of the message, with change(name, text of the member) in its place."""
    mark = "\"@@\""
    text = json.dumps(at(path, "@@", good))
    value = good
    for p in path:
        value = value[p]
    name = json.dumps(path[-1])
    assert text.count("%s: %s" % (name, mark)) == 1
    return text.replace("%s: %s" % (name, mark), change(name, json.dumps(value)))


def twice(name, value):
    return "%s: %s, %s: %s" % (name, value, name, value)


def deep(levels):
    return lambda name, value: "%s: %s" % (name, "[" * levels + "]" * levels)


def wrong(schema):
    """(way, value): what is of another type than the schema has, and too deep."""
    kind = schema.get("type", "object")
    for name, value in VALUES.items():
        if name not in (kind, "null") and not (kind == "number" and name == "integer"):
            yield "a value of type " + name, value
    if kind not in ("object", "array"):
        yield "nested", [[[[["x"]]]]]
