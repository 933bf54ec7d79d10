#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the requests that caseload sends, one of each kind, with the files in recorded/.

    recorded.py BUILD [--update]

A worker does its usual work through a recording proxy. Values that differ between runs are normalised: ids, hosts,
sizes, times and the order of headers. Long lists and texts are cut, so that a new column is not a change of the
protocol. --update writes the files: compare each change with the documentation of the service before you commit.
"""
import concurrent.futures
import copy
import difflib
import json
import pathlib
import re
import signal
import subprocess
import sys

import grpc

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
sys.path.insert(0, str(HERE))
import harness  # noqa: E402
from proxy import Proxy  # noqa: E402

V2 = f"/bigquery/v2/projects/{harness.PROJECT}"
CALLS = {
    "bigquery.datasets.get": ("GET", V2 + r"/datasets/\w+"),
    "bigquery.datasets.insert": ("POST", V2 + r"/datasets"),
    "bigquery.tables.get": ("GET", V2 + r"/datasets/\w+/tables/\w+"),
    "bigquery.tables.insert": ("POST", V2 + r"/datasets/\w+/tables"),
    "bigquery.tables.patch": ("PATCH", V2 + r"/datasets/\w+/tables/\w+"),
    "bigquery.tables.delete": ("DELETE", V2 + r"/datasets/\w+/tables/\w+"),
    "bigquery.jobs.query": ("POST", V2 + r"/queries"),
    "bigquery.jobs.insert": ("POST", V2 + r"/jobs"),
    "bigquery.jobs.get": ("GET", V2 + r"/jobs/[\w-]+"),
    "bigquery.jobs.getQueryResults": ("GET", V2 + r"/queries/[\w-]+"),
    "bigquery.upload.start": ("POST", "/upload" + V2 + "/jobs"),
    "bigquery.upload.put": ("PUT", "/upload" + V2 + "/jobs"),
    "intercom.me": ("GET", "/me"),
    "intercom.contacts.search": ("POST", "/contacts/search"),
    "intercom.contacts.list": ("GET", "/contacts"),
    "intercom.companies.scroll": ("GET", "/companies/scroll"),
    "intercom.companies.segments": ("GET", r"/companies/\w+/segments"),
    "intercom.conversations.search": ("POST", "/conversations/search"),
    "intercom.conversations.get": ("GET", r"/conversations/\d+"),
    "intercom.conversations.deleted": ("GET", "/conversations/deleted"),
    "intercom.tickets.search": ("POST", "/tickets/search"),
    "intercom.activity_logs": ("GET", "/admins/activity_logs"),
    "intercom.articles": ("GET", "/articles"),
    "intercom.macros": ("GET", "/macros"),
    "intercom.tags": ("GET", "/tags"),
}
MESSAGES = {"Pull": "PullRequest", "Acknowledge": "AcknowledgeRequest", "ModifyAckDeadline": "ModifyAckDeadlineRequest"}
STREAMS = ["contacts", "companies", "company_segments", "conversations", "conversation_parts", "deleted_conversations",
           "tickets", "activity_logs", "articles", "macros", "tags"]
LONG_TEXT, LONG_LIST = 160, 3


class PubsubProxy(grpc.GenericRpcHandler):
    """Passes unary calls on and keeps the first of each method."""

    def __init__(self, target):
        self.calls = {}
        self.channel = grpc.insecure_channel(target)
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
        self.server.add_generic_rpc_handlers((self,))
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def service(self, details):
        def call(request, context):
            name = details.method.rsplit("/", 1)[1]
            self.calls.setdefault(name, (details.method, list(details.invocation_metadata), request))
            onward = self.channel.unary_unary(details.method).future(request, timeout=context.time_remaining())
            context.add_callback(onward.cancel)  # else an abandoned pull takes a message
            try:
                return onward.result()
            except grpc.FutureCancelledError:
                return context.abort(grpc.StatusCode.CANCELLED, "cancelled")
            except grpc.RpcError as error:
                return context.abort(error.code(), error.details())
        return grpc.unary_unary_rpc_method_handler(call)

    def stop(self):
        self.server.stop(0)
        self.channel.close()


# --- normal forms ---

def normal(text):
    for pattern, word in (
            (r"127\.0\.0\.1:\d+", "<host>"),
            (r"(?<=/conversations/)\d+", "<id>"),
            (r"caseload/\d+\.\d+\.\d+", "caseload/<version>"),
            (r"upload_id=[\w-]+", "upload_id=<upload>"),
            (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?", "<instant>"),
            (r"\b[0-9a-f]{16,64}(?![0-9a-f])", "<random>"),
            (r"(?<=[_-])[0-9a-f]{16,64}(?![0-9a-f])", "<random>"),
            (r'"(expirationTime|timeoutMs)": ?"\d+"', r'"\1": "<number>"'),
            (r"-17\d{11}(?=-)", "-<milliseconds>"),
            (r"ack-\d+-\d+-\d+", "<ack id>")):
        text = re.sub(pattern, word, text)
    return text


def cut(value):
    """Enough to see the shape."""
    if isinstance(value, dict):
        return {key: cut(member) for key, member in value.items()}
    if isinstance(value, list):
        return [cut(member) for member in value[:LONG_LIST]] + (["..."] if len(value) > LONG_LIST else [])
    if isinstance(value, str) and len(value) > LONG_TEXT:
        return value[:LONG_TEXT] + "..."
    return value


def header(name, value):
    if name.lower() == "authorization":
        value = value.split(" ")[0] + " <token>"
    if name.lower() in ("content-length", "if-match") and value != "0":
        value = "<number>" if name.lower() == "content-length" else "<etag>"
    if name.lower() == "content-range":
        value = re.sub(r"\d+", "<number>", value)
    if name.lower() == "user-agent":
        value = re.sub(r"(?<=curl/)[\d.]+", "<version>", value)
    return f"{name}: {value}"


def http_text(request):
    lines = [f"{request['method']} {request['path']}"]
    lines += sorted(header(name, value) for name, value in request["headers"])
    lines.append("")
    if request["method"] == "PUT":
        lines.append("<bytes>")
    elif request["body"]:
        lines.append(json.dumps(cut(json.loads(request["body"])), indent=1, ensure_ascii=False, sort_keys=True))
    return normal("\n".join(lines)).rstrip("\n") + "\n"


def grpc_text(call):
    method, metadata, request = call
    lines = [f"POST {method}"]
    for name, value in metadata:
        if name == "user-agent":  # the library adds its own words
            value = re.sub(r"grpc-c/.*", "grpc-c/...", value)
        lines.append(header(name, value))
    text = subprocess.run(["protoc", "--decode=google.pubsub.v1." + MESSAGES[method.rsplit("/", 1)[1]],
                           f"-I{ROOT}/proto", "google/pubsub/v1/pubsub.proto"], input=request, capture_output=True,
                          check=True, cwd=ROOT).stdout.decode()
    return normal("\n".join(lines + ["", text])).rstrip("\n") + "\n"


# --- the work ---

def serve(build, places, config, deliver, name):
    worker = harness.Worker(build, places, config, name)
    try:
        deliver()
    finally:
        code = worker.end(signal.SIGTERM)
    if code != 0:
        raise harness.Failure(f"the worker ended with {code}; see {worker.path}")


def narrow(sandbox):
    """Somebody has dropped a column: the next run adds it again."""
    path = f"{V2}/datasets/intercom/tables/contacts"
    table = sandbox.get(path)
    sandbox.call("DELETE", path)
    keep = [field for field in table["schema"]["fields"] if field["name"] != "_extra"]
    sandbox.post(f"{V2}/datasets/intercom/tables", {
        "tableReference": table["tableReference"], "schema": {"fields": keep},
        **{key: table[key] for key in ("timePartitioning", "clustering", "labels") if key in table}})


def record(build, folder):
    sandbox = harness.Sandbox(build, folder, database=":memory:")
    http, pubsub = Proxy("127.0.0.1", sandbox.ports["http"]), PubsubProxy(sandbox.pubsub)
    try:
        sandbox.post("/control/subscription", {"project": harness.PROJECT, "subscription": harness.SUBSCRIPTION})
        sandbox.post("/control/workspace", {"fill": {"kind": "contacts", "from": "2026-02-01", "to": "2026-03-01", "count": 60}})
        sandbox.post("/control/workspace", {"fill": {"kind": "conversations", "from": "2026-02-01", "to": "2026-03-01", "count": 3,
                                                               "children": 2}})
        config = folder / "caseload.json"
        config.write_text(json.dumps(harness.base_config(sandbox, source={"base_url": http.url}, streams=STREAMS, workers=1)))
        places = copy.copy(sandbox)
        places.url, places.pubsub = http.url, pubsub.address

        def bad():
            identity = sandbox.publish('{"nonsense": true}')
            harness.wait_for("the bad message is given back", lambda: sandbox.message(identity)["nack_delays"])

        def tick():
            identity = sandbox.publish()
            harness.wait_for("the tick is acknowledged", lambda: sandbox.message(identity)["state"] == "acked")

        for number, deliver in enumerate((bad, tick)):
            serve(build, places, config, deliver, f"recorded-{number}")
        narrow(sandbox)
        serve(build, places, config, tick, "recorded-2")
        return http.requests, pubsub.calls
    finally:
        pubsub.stop()
        http.stop()
        sandbox.stop()


def texts(requests, calls):
    found = {}
    for name, (method, path) in CALLS.items():
        kind = [r for r in requests if r["method"] == method and re.fullmatch(path, r["path"].split("?")[0])]
        found[name] = http_text(kind[0]) if kind else None
    for name in MESSAGES:
        found["pubsub." + name] = grpc_text(calls[name]) if name in calls else None
    return found


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--update"]):
        sys.exit("usage: recorded.py BUILD [--update]")
    update = sys.argv[2:] == ["--update"]
    try:
        found = texts(*record(pathlib.Path(sys.argv[1]), harness.work_folder(pathlib.Path(sys.argv[1]), "recorded")))
    except harness.Failure as failure:
        print(f"FAILED: {failure}\n0 passed, 1 failed")
        sys.exit(1)
    failed = 0
    for name, text in found.items():
        file = HERE / "recorded" / f"{name}.txt"
        if update and text:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        known = file.read_text() if file.exists() else ""
        if text != known:
            failed += 1
            print(f"FAILED: {name}" + ("" if text else ": it was not sent"))
            sent = (text or "").splitlines(True)
            sys.stdout.writelines(difflib.unified_diff(known.splitlines(True), sent, "recorded", "sent"))
    print(f"{len(found) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
