# SPDX-License-Identifier: Apache-2.0
"""The sandbox's BigQuery over REST, with rows as engine.py has them."""
import datetime
import http.client
import json

from engine import EPOCH, EPOCH_DAY, Json, array_of, field_kind
from script import Outcome

DAY = datetime.timedelta(days=1)
BASE = "/bigquery/v2/projects/"


def to_kind(parameter_type):
    """The kind of a REST parameterType."""
    if parameter_type["type"] == "ARRAY":
        return array_of(to_kind(parameter_type["arrayType"]))
    return parameter_type["type"]


def instant_text(value):
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def to_json(value, kind):
    """A value in a row of a file to load."""
    if value is None:
        return None
    if not isinstance(kind, str):
        if kind[0] == "ARRAY":
            return [to_json(v, kind[1]) for v in value]
        return {name: to_json(v, member) for v, (name, member) in zip(value, kind[1])}
    if kind == "JSON":
        return json.loads(value)
    return instant_text(value) if kind == "TIMESTAMP" else value.isoformat() if kind == "DATE" else value


def to_text(value, kind):
    """A value of a parameter."""
    if kind == "BOOL":
        return "true" if value else "false"
    return instant_text(value) if kind == "TIMESTAMP" else value.isoformat() if kind == "DATE" else str(value)


def from_cell(cell, kind):
    """A value in a result."""
    if cell is None:
        return None
    if not isinstance(kind, str):
        if kind[0] == "ARRAY":
            return [from_cell(item["v"], kind[1]) for item in cell]
        return tuple(from_cell(item["v"], member) for item, (_, member) in zip(cell["f"], kind[1]))
    if kind in ("INTEGER", "INT64"):
        return int(cell)
    if kind in ("FLOAT", "FLOAT64"):
        return float(cell)
    if kind in ("BOOLEAN", "BOOL"):
        return cell == "true"
    if kind == "TIMESTAMP":
        return EPOCH + datetime.timedelta(microseconds=int(cell))
    if kind == "DATE":
        return EPOCH_DAY + (datetime.date.fromisoformat(cell) - EPOCH_DAY)
    return Json(cell) if kind == "JSON" else cell


def comparable(value, start):
    if isinstance(value, Json):
        return "JSON " + json.dumps(json.loads(value), sort_keys=True)
    if isinstance(value, datetime.datetime):
        return "now" if value >= start else value.isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return tuple(comparable(member, start) for member in value)
    return value


def shown(rows, start):
    """Rows in an order of their own, so that equal multisets are equal; times since `start` are "now"."""
    return sorted((comparable(row, start) for row in rows or []), key=repr)


class Problem(Exception):
    """The sandbox refused what it should do."""


class Client:
    def __init__(self, port, project):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.base = BASE + project
        self.project = project
        self.jobs = 0

    def call(self, method, path, body=None, kind="application/json"):
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        self.connection.request(method, path, data, {"Content-Type": kind})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise Problem(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text) if text else None

    def make_dataset(self, name):
        self.call("POST", f"{self.base}/datasets",
                  {"datasetReference": {"projectId": self.project, "datasetId": name}, "location": "EU"})

    def drop_dataset(self, name):
        self.call("DELETE", f"{self.base}/datasets/{name}?deleteContents=true")

    def reference(self, name):
        dataset, table = name.split(".")
        return {"projectId": self.project, "datasetId": dataset, "tableId": table}

    def make_table(self, name, fields, day=None):
        """day: the column of the partitions, if there are any."""
        reference = self.reference(name)
        partitions = {"timePartitioning": {"type": "DAY", "field": day}} if day else {}
        self.call("POST", f"{self.base}/datasets/{reference['datasetId']}/tables",
                  {"tableReference": reference, "schema": {"fields": fields}, **partitions})

    def finished(self, job):
        """The job when it is done."""
        reference = job["jobReference"]
        while job["status"]["state"] != "DONE":
            job = self.call("GET", f"{self.base}/jobs/{reference['jobId']}?location={reference['location']}")
        return job

    def load(self, name, fields, rows):
        kinds = [(field["name"], field_kind(field)) for field in fields]
        lines = [json.dumps({column: to_json(value, kind) for value, (column, kind) in zip(row, kinds)})
                 for row in rows]
        job = {"configuration": {"load": {
            "destinationTable": self.reference(name), "sourceFormat": "NEWLINE_DELIMITED_JSON",
            "writeDisposition": "WRITE_EMPTY", "createDisposition": "CREATE_NEVER"}},
            "jobReference": {"projectId": self.project, "location": "EU"}}
        parts = "".join(f"--cut\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in [
            ("application/json", json.dumps(job)), ("application/octet-stream", "\n".join(lines))])
        done = self.finished(self.call("POST", f"/upload{self.base}/jobs?uploadType=multipart",
                                       f"{parts}--cut--".encode(), "multipart/related; boundary=cut"))
        if "errorResult" in done["status"]:
            raise Problem(f"load into {name}: {done['status']['errorResult']}")

    def query(self, text, parameters):
        self.jobs += 1
        named = [{"name": name, "parameterType": {"type": kind}, "parameterValue": {"value": to_text(value, kind)}}
                 for name, (kind, value) in parameters.items()]
        job = self.finished(self.call("POST", f"{self.base}/jobs", {
            "jobReference": {"projectId": self.project, "location": "EU", "jobId": f"judge-{self.jobs}"},
            "configuration": {"query": {"query": text, "useLegacySql": False, "parameterMode": "NAMED",
                                        "queryParameters": named}}}))
        if "errorResult" in job["status"]:
            return Outcome(None, job["status"]["errorResult"]["message"])
        answer = self.call("GET", f"{self.base}/queries/judge-{self.jobs}?location=EU&maxResults=10000"
                                  "&formatOptions.useInt64Timestamp=true")
        return Outcome(self.read(answer), None)

    @staticmethod
    def read(answer):
        kinds = [field_kind(field) for field in (answer.get("schema") or {}).get("fields", [])]
        return [[from_cell(cell["v"], kind) for cell, kind in zip(row["f"], kinds)]
                for row in answer.get("rows") or []]

    def rows(self, name, fields):
        reference = self.reference(name)
        answer = self.call("GET", f"{self.base}/datasets/{reference['datasetId']}/tables/{reference['tableId']}/data"
                                  "?formatOptions.useInt64Timestamp=true&maxResults=10000")
        return self.read({**answer, "schema": {"fields": fields}})
