# SPDX-License-Identifier: Apache-2.0
"""A small target of Singer: it loads lines as a target that replaces rows by key does, and refuses what a target may.

Target.load(lines) takes whole lines. require_equal compares its rows with the tables that `caseload run` makes of the
same records.
"""
import copy
import datetime
import json

from harness import Failure

TYPES = ("SCHEMA", "RECORD", "STATE", "ACTIVATE_VERSION")


class Target:
    def __init__(self):
        self.schemas, self.rows, self.versions = {}, {}, {}
        self.state = None
        self.counts = {}
        self.records = []

    def copy(self):
        """Messages that the copy loads leave this one as it is."""
        made = copy.copy(self)
        made.schemas, made.versions, made.counts = dict(self.schemas), dict(self.versions), dict(self.counts)
        made.rows, made.records = {stream: dict(rows) for stream, rows in self.rows.items()}, list(self.records)
        return made

    def load(self, lines):
        for line in lines:
            message = json.loads(line)
            if message["type"] not in TYPES:
                raise Failure(f"a message of the type {message['type']}")
            getattr(self, "take_" + message["type"].lower())(message)

    def take_schema(self, message):
        if message["schema"]["type"] != "object" or not message["key_properties"]:
            raise Failure(f"a schema without a key: {message}")
        for name in [*message["key_properties"], *message.get("bookmark_properties", [])]:
            if name not in message["schema"]["properties"]:
                raise Failure(f"{message['stream']}: {name} is no property")
        self.schemas[message["stream"]] = message
        self.rows.setdefault(message["stream"], {})

    def take_record(self, message):
        stream, record = message["stream"], message["record"]
        if stream not in self.schemas:
            raise Failure(f"a record of {stream} before its schema")
        schema = self.schemas[stream]
        unknown = set(record) - set(schema["schema"]["properties"])
        if unknown:
            raise Failure(f"{stream}: {unknown} are not in the schema")
        key = tuple(record.get(name) for name in schema["key_properties"])
        if None in key:
            raise Failure(f"{stream}: a record without its key: {record}")
        self.rows[stream][key] = record
        self.versions[(stream, key)] = message.get("version")
        self.counts[stream] = self.counts.get(stream, 0) + 1
        self.records.append((stream, key))

    def take_activate_version(self, message):
        stream = message["stream"]
        for key in list(self.rows[stream]):
            if self.versions[(stream, key)] != message["version"]:
                del self.rows[stream][key]

    def take_state(self, message):
        value = message["value"]
        for stream, bookmark in ((self.state or {}).get("bookmarks") or {}).items():
            for name, old in bookmark.items():
                new = value["bookmarks"][stream].get(name)
                if name.endswith("_at") and not (new and new >= old):
                    raise Failure(f"the bookmark {stream}.{name} goes back from {old} to {new}")
        self.state = value


# --- rows of the warehouse ---

def microseconds(text):
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)


SCALARS = {"INTEGER": int, "TIMESTAMP": int, "FLOAT": float, "BOOLEAN": lambda text: text == "true", "JSON": json.loads}


def cell(field, value):
    """As a record has it; times in microseconds. None: it has no such member."""
    if value is None:
        return None
    if field["mode"] == "REPEATED":
        return [cell({**field, "mode": "NULLABLE"}, one["v"]) for one in value] or None
    if field["type"] == "RECORD":
        return row(field["fields"], value) or None
    return SCALARS.get(field["type"], str)(value)


def row(fields, value):
    cells = {field["name"]: cell(field, one["v"]) for field, one in zip(fields, value["f"], strict=True)}
    return {name: one for name, one in cells.items() if one is not None}


def times_as_numbers(schema, value):
    if schema.get("format") == "date-time":
        return microseconds(value)
    if "properties" in schema:
        return {name: times_as_numbers(schema["properties"][name], one) for name, one in value.items()}
    if "items" in schema:
        return [times_as_numbers(schema["items"], one) for one in value]
    return value


OF_THE_WAREHOUSE = ("_content", "_read_at", "_loaded_at", "_run_id")


def warehouse_rows(box, table, key):
    """By the key of the stream."""
    answer = box.post("/control/query", {"sql": f"SELECT * FROM {table}", "project": "demo-project"})
    rows = [row(answer["schema"]["fields"], one) for one in answer["rows"] or []]
    for one in rows:
        for name in OF_THE_WAREHOUSE:
            one.pop(name, None)
    keyed = {tuple(one[name] for name in key): one for one in rows}
    if len(keyed) != len(rows):
        raise Failure(f"{table}: {len(rows)} rows have {len(keyed)} keys")
    return keyed


def newest_sets(rows, owner, version):
    """Of sets that are replaced as a whole: those of the newest version of each owner."""
    newest = {}
    for one in rows.values():
        newest[one[owner]] = max(newest.get(one[owner], ""), one[version])
    return {key: one for key, one in rows.items() if one[version] == newest[one[owner]]}


def require_equal(target, wanted_rows, what):
    """wanted_rows(stream, key): of the table that holds the same rows."""
    for stream, schema in target.schemas.items():
        held, wanted = target.rows[stream], wanted_rows(stream, schema["key_properties"])
        if stream == "company_segments":
            held = newest_sets(held, "company_id", "company_updated_at")
        records = [times_as_numbers(schema["schema"], record) for record in held.values()]
        found = {tuple(record[name] for name in schema["key_properties"]): record for record in records}
        if set(found) != set(wanted):
            raise Failure(f"{what}: {stream}: {len(set(wanted) - set(found))} rows are missing and "
                          f"{len(set(found) - set(wanted))} are there for nothing")
        for key, record in found.items():
            if record != wanted[key]:
                names = [name for name in {*record, *wanted[key]} if record.get(name) != wanted[key].get(name)]
                raise Failure(f"{what}: {stream} {key}: {names} differ: "
                              f"{[(record.get(n), wanted[key].get(n)) for n in names]}")
