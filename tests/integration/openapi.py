# SPDX-License-Identifier: Apache-2.0
"""A description of an API as it stands in the tree, and its schemas as validators."""
import json
import os

import jsonschema

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "server", "doors", "http")


class Description:
    def __init__(self, name):
        self.file = os.path.join(FOLDER, name)
        with open(self.file, encoding="utf-8") as f:
            self.document = json.load(f)

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for part in node["$ref"].lstrip("#/").split("/"):
                target = target[part]
            node = target
        return node

    def validator(self, schema):
        """Of a schema that stands alone: references are answered from the document."""
        return jsonschema.Draft202012Validator(dict(schema, components=self.document["components"]))
