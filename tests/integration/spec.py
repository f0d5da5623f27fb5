# SPDX-License-Identifier: Apache-2.0
"""Published specifications of other people's APIs, as validators and as examples.

They lie beside the tree (../shared/contracts, or SIGILLO_SHARED); a test that asks for one that is not there is skipped.

    api = spec.load("sendgrid/tsg_templates_v3.json")           OpenAPI 2 or 3, the descriptors of Azure's resource manager, the types of Graph
    api.validate("/v3/templates/3d7c", "get", reply)            a path as it is asked for, or as it is written there; reply: (status, headers, body)
    api.schema("/v3/templates", "post", 201)                    its JSON Schema, without references to other files
    api.valid(api.named("Template"), value)                     None, or what is wrong
    for e in api.examples("/v3/templates", "post"): e.request, e.status, e.response
"""
import collections
import copy
import json
import os
import re

import jsonschema
import pytest

SHARED = os.environ.get("SIGILLO_SHARED", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared"))
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")

Example = collections.namedtuple("Example", "name request status response headers")


def read(name):
    """The JSON of a file of the contracts; skips the test when there is none."""
    path = os.path.join(SHARED, "contracts", name)
    if not os.path.exists(path):
        pytest.skip("no specification at %s" % path)
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def load(name):
    document = read(name)
    if "operations" in document:
        return Api(name, from_descriptors(document))
    return Api(name, from_graph(document) if "types" in document else document)


# -- documents of other kinds become OpenAPI --------------------------------------------------------------------------

def from_descriptors(document):
    """Of a client of Azure's resource manager: a property with a dot in its name is one of an inner object."""
    def schema(node):
        if "$ref" in node:
            return {"$ref": node["$ref"].replace("#/models/", "#/components/schemas/")}
        if "properties" in node:
            return of_properties(node["properties"])
        kind = node.get("type", "any")
        out = {} if kind == "any" else {"type": "string", "format": kind} if kind in ("uuid", "date-time") else {"type": kind}
        out.update({k: node[k] for k in ("enum",) if k in node})
        out.update({k: schema(node[k]) for k in ("items", "additionalProperties") if k in node})
        return out

    def of_properties(properties):
        top = {"type": "object", "properties": {}}
        for name, node in properties.items():
            at, parts = top, name.split(".")
            for part in parts[:-1]:
                at = at["properties"].setdefault(part, {"type": "object", "properties": {}})
            at["properties"][parts[-1]] = schema(node)
            if node.get("required"):
                at.setdefault("required", []).append(parts[-1])
        return top

    paths = {}
    for o in document["operations"]:
        responses = {status: {"description": "", **({"content": {"application/json": {"schema": schema(r["body"])}}} if "body" in r else {})}
                     for status, r in o["responses"].items()}
        one = {"operationId": o["operation"], "responses": responses, "parameters": [dict(p, **{"in": "path"}) for p in o["pathParameters"]]}
        if "requestBody" in o:
            one["requestBody"] = {"content": {"application/json": {"schema": schema(o["requestBody"])}}}
        paths.setdefault(o["path"], {})[o["method"].lower()] = one
    return {"openapi": "3.0.0", "paths": paths, "components": {"schemas": {n: schema(m) for n, m in document["models"].items()}}}


EDM = {"Edm.Boolean": {"type": "boolean"}, "Edm.Int32": {"type": "integer"}, "Edm.Int64": {"type": "integer"}, "Edm.Double": {"type": "number"}}


def from_graph(document):
    """Entity types, complex types and enumerations; what is of a type that is not among them may be anything."""
    def of_type(name):
        if name.startswith("Collection("):
            return {"type": "array", "items": of_type(name[len("Collection("):-1])}
        if name.startswith("Edm."):
            return EDM.get(name, {"type": "string"})
        short = name.rsplit(".", 1)[1]
        return {"$ref": "#/components/schemas/" + short} if short in document["types"] or short in document["enums"] else {}

    schemas = {}
    for name, t in document["types"].items():
        own = {"type": "object", "properties": {p: {"anyOf": [of_type(v["type"]), {"type": "null"}]} if v.get("nullable") != "false" else of_type(v["type"])
                                                for p, v in t.get("properties", {}).items()}}
        base = (t.get("baseType") or "").rsplit(".", 1)[-1]
        schemas[name] = {"allOf": [{"$ref": "#/components/schemas/" + base}, own]} if base in document["types"] else own
    for name, values in document["enums"].items():
        members = values.get("members", values) if isinstance(values, dict) else values
        schemas[name] = {"enum": list(members)}
    return {"openapi": "3.1.0", "paths": {}, "components": {"schemas": schemas}}


# -- one document -----------------------------------------------------------------------------------------------------

class Api:
    def __init__(self, name, document):
        self.name, self.folder = name, os.path.dirname(name)
        self.document = copy.deepcopy(document)
        self.others = {}
        self._embed(self.document, "")
        self.document["x-others"] = self.others
        version = str(document.get("openapi", document.get("swagger", "2.0")))
        self.validator_class = jsonschema.Draft202012Validator if version.startswith("3.1") else jsonschema.Draft4Validator
        nullable(self.document)

    def _embed(self, node, root):
        """References to other files become references into this document: such a file is put below x-others."""
        if isinstance(node, list):
            for one in node:
                self._embed(one, root)
        if not isinstance(node, dict):
            return
        ref = node.get("$ref")
        if isinstance(ref, str):
            file, _, inner = ref.partition("#")
            key = self._other(file) if file else None
            node["$ref"] = "#/x-others/%s%s" % (key, inner) if key else "#" + root + inner
            return
        for one in node.values():
            self._embed(one, root)

    def _other(self, file):
        key = re.sub(r"\W+", "-", os.path.basename(file))
        if key not in self.others:
            if "/examples/" in file:
                found = read(os.path.join(self.folder, "email-examples.json"))[os.path.basename(file)[:-len(".json")]]
            elif file.endswith("/common-types/data-plane/v1/types.json"):
                found = read(os.path.join(self.folder, "common-types-data-plane-v1.json"))
            else:
                found = read(os.path.join(self.folder, os.path.basename(file)))
            self.others[key] = found
            self._embed(found, "/x-others/" + key)
        return key

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for part in node["$ref"].lstrip("#").strip("/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    # -- operations

    def path(self, asked):
        """The path as the document writes it, of one as it is asked for; one with fewer parameters is found first."""
        asked = asked.split("?")[0]
        if asked in self.document["paths"]:
            return asked
        for path in sorted(self.document["paths"], key=lambda p: p.count("{")):
            if re.fullmatch("".join("[^/]+" if p.startswith("{") else re.escape(p) for p in re.split(r"(\{[^}]+\})", path)), asked):
                return path
        raise KeyError("%s has no path %s" % (self.name, asked))

    def operation(self, path, method):
        return self.document["paths"][self.path(path)][method.lower()]

    def operations(self):
        """(path, method) of all."""
        return [(path, method) for path, item in self.document["paths"].items() for method in METHODS if method in item]

    def response(self, path, method, status):
        responses = self.operation(path, method)["responses"]
        for key in (str(status), "%dXX" % (int(status) // 100), "default"):
            if key in responses:
                return self.resolve(responses[key])
        raise KeyError("%s has no answer %s of %s %s" % (self.name, status, method, path))

    def schema(self, path, method, status):
        """Of a response's body, or None: it has none."""
        return self._schema_of(self.response(path, method, status))

    def request_schema(self, path, method):
        o = self.operation(path, method)
        for p in map(self.resolve, o.get("parameters", [])):
            if p.get("in") == "body":
                return self._whole(p["schema"])
        return self._schema_of(self.resolve(o.get("requestBody", {})))

    def named(self, name):
        return self._whole({"$ref": "#/definitions/" + name if "definitions" in self.document else "#/components/schemas/" + name})

    def _schema_of(self, holder):
        if "schema" in holder:
            return self._whole(holder["schema"])
        for kind, media in holder.get("content", {}).items():
            if kind.startswith("application/json") and "schema" in media:
                return self._whole(media["schema"])
        return None

    def _whole(self, schema):
        """With all that it may refer to; what stands beside a reference would be left out by some drafts."""
        rest = {k: self.document[k] for k in ("definitions", "components", "parameters", "responses", "paths", "x-others") if k in self.document}
        return dict(rest, allOf=[schema])

    # -- values

    def valid(self, schema, value):
        """None, or the first thing that is wrong, as a sentence."""
        errors = sorted(self.validator_class(schema).iter_errors(value), key=lambda e: list(map(str, e.absolute_path)))
        return None if not errors else "%s: %s" % ("/".join(map(str, errors[0].absolute_path)) or "(body)", errors[0].message)

    def validate(self, path, method, reply):
        """The answer's body and header fields are as they should be; returns the body."""
        status, headers, body = reply
        response = self.response(path, method, status)
        schema = self._schema_of(response)
        if schema is None:
            assert body in (None, "", b"", {}), "%s %s: %s has no body, not %r" % (method, path, status, body)
        else:
            wrong = self.valid(schema, body)
            assert wrong is None, "%s %s: %s: %s in %r" % (method, path, status, wrong, body)
        given = {k.lower(): v for k, v in headers.items()}
        for name, node in response.get("headers", {}).items():
            node = self.resolve(node)
            if name.lower() in given:
                wrong = self.valid(self._whole(node.get("schema", {k: node[k] for k in ("type", "enum") if k in node})), typed(given[name.lower()], node))
                assert wrong is None, "%s %s: %s: %s: %s" % (method, path, status, name, wrong)
            else:
                assert not node.get("required"), "%s %s: %s: no %s" % (method, path, status, name)
        return body

    # -- examples

    def examples(self, path, method):
        """Requests with their responses where they are given together (x-ms-examples); else each alone, with None for the other."""
        o, found = self.operation(path, method), []
        for name, one in o.get("x-ms-examples", {}).items():
            one = self.resolve(one)
            for status, r in one["responses"].items():
                found.append(Example(name, one["parameters"], int(status), r.get("body"), r.get("headers", {})))
        for name, value in self._values(self.resolve(o.get("requestBody", {}))):
            found.append(Example(name, value, None, None, {}))
        for status, r in o["responses"].items():
            for name, value in self._values(self.resolve(r)):
                found.append(Example(name, None, int(status) if status.isdigit() else status, value, {}))
        return found

    def _values(self, holder):
        for kind, media in holder.get("content", {}).items():
            if "example" in media:
                yield kind, media["example"]
            for name, one in media.get("examples", {}).items():
                yield name, self.resolve(one).get("value")


def typed(text, node):
    """A header's value, in the type that it is described with."""
    kind = node.get("schema", node).get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    return text


def nullable(node):
    """Before 3.1 a value that may be null says so beside its type; some documents of 3.1 still do."""
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        nullable(one)
    if isinstance(node, dict) and (node.get("nullable") is True or node.get("x-nullable") is True) and isinstance(node.get("type"), str):
        node["type"] = [node["type"], "null"]
        if "enum" in node and None not in node["enum"]:
            node["enum"].append(None)
