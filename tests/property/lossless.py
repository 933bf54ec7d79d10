# SPDX-License-Identifier: Apache-2.0
"""Gives the examples of an OpenAPI file to the property test: lossless.py PROGRAM.

INTERCOM_OPENAPI is the path of the file. The program reads one JSON object a line: `record`, any value;
`path` and `list`, where an answer holds it; `schema`, if it was put together from the examples of a schema's
properties, so that each documented field occurs. Without the variable there are no such lines, and
the program makes payloads from the tables alone.
"""
import json
import os
import subprocess
import sys

SAMPLES = {"string": "some text", "integer": 12, "number": 1.5, "boolean": True}


def load(path):
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        """Dates stay the text that they are in JSON."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in Loader.yaml_implicit_resolvers.items()
    }
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader)


def objects(value, path):
    """Each object within a value."""
    if isinstance(value, dict):
        yield {"path": path, "record": value}
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from objects(member, path)


def elements(answer, path):
    """The elements of the lists in a response."""
    for name, member in answer.items() if isinstance(answer, dict) else []:
        if isinstance(member, list):
            yield from ({"path": path, "list": name, "record": element} for element in member)


def examples(node, path=None):
    """Each example below a node of the file. A value that is no object is a record, too: a bad one."""
    if isinstance(node, list):
        for element in node:
            yield from examples(element, path)
        return
    if not isinstance(node, dict):
        return
    for key, member in node.items():
        if key == "example":
            values = [member]
        elif key == "examples":
            values = member.values() if isinstance(member, dict) else member
            values = [v["value"] if isinstance(v, dict) and "value" in v else v for v in values]
        else:
            yield from examples(member, key if str(key).startswith("/") else path)
            continue
        for value in values:
            if not isinstance(value, dict):
                yield {"path": path, "record": value}
            yield from elements(value, path)
            yield from objects(value, path)


class Composer:
    def __init__(self, schemas):
        self.schemas = schemas

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def properties(self, schema):
        schema = self.resolve(schema)
        found = dict(schema.get("properties", {}))
        for word in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(word, []):
                found.update(self.properties(part))
        return found

    def compose(self, schema, around=()):
        """One value of a schema; None where it refers to one that it is part of."""
        schema = self.resolve(schema)
        if any(schema is other for other in around):
            return None
        around += (schema,)
        properties = self.properties(schema)
        if properties:
            return {name: self.compose(part, around) for name, part in properties.items()}
        if "example" in schema:
            return schema["example"]
        if schema.get("enum"):
            return next((word for word in schema["enum"] if word is not None), None)
        if schema.get("type") == "array":
            return [self.compose(schema.get("items", {}), around)]
        if schema.get("type") == "object":
            return {"a key": "some text"}
        if schema.get("format") == "date-time" and schema.get("type") == "string":
            return "2026-01-31T10:11:12Z"
        alternatives = schema.get("oneOf") or schema.get("anyOf")
        return self.compose(alternatives[0], around) if alternatives else SAMPLES.get(schema.get("type"))

    def all(self):
        for name, schema in self.schemas.items():
            value = self.compose(schema)
            if isinstance(value, dict):
                yield {"schema": name, "record": value}


def main():
    lines = []
    path = os.environ.get("INTERCOM_OPENAPI")
    if path:
        document = load(path)
        lines = list(examples(document)) + list(Composer(document["components"]["schemas"]).all())
        print(f"{len(lines)} payloads from {os.path.basename(path)}", flush=True)
    else:
        print("INTERCOM_OPENAPI is not set: only payloads made from the tables themselves", flush=True)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return subprocess.run(sys.argv[1:], input=text.encode(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
