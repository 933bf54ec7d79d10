# SPDX-License-Identifier: Apache-2.0
"""Google's own Python clients use the sandbox as they are.

    clients.py HTTP_URL

The discovery-based client is the only one that uploads in small resumable chunks; google-cloud-bigquery is what most
programs use. Prints the cases that failed and "N passed, M failed"; exits 0 if none failed.
"""
import gzip
import io
import json
import os
import pathlib
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
import warnings

import googleapiclient.discovery_cache
import googleapiclient.errors
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from googleapiclient.discovery import build_from_document
from googleapiclient.http import MediaFileUpload, MediaIoBaseUpload, build_http

PROJECT = "demo-project"
DATASET = "python"
CHUNK = 256 * 1024
FIELDS = [{"name": "id", "type": "STRING", "mode": "REQUIRED"}, {"name": "text", "type": "STRING"}]
HERE = pathlib.Path(__file__).parent


def rows(count, width=100):
    """Lines that do not pack well, so that there are many chunks."""
    return b"".join(json.dumps({"id": f"r{i:06}", "text": os.urandom(width).hex()}).encode() + b"\n"
                    for i in range(count))


def expect(truth, words):
    if not truth:
        raise AssertionError(words)


def discovery_schemas():
    """Google's own description of BigQuery's messages, as google-api-python-client ships it."""
    folder = pathlib.Path(googleapiclient.discovery_cache.__file__).parent
    return json.loads((folder / "documents/bigquery.v2.json").read_text())["schemas"]


class Fields:
    """One object for each field of a message and of the messages in it, which holds that field alone."""

    def __init__(self):
        self.schemas = discovery_schemas()

    def values(self, schema, depth):
        """(path, value) for each value of this type that is worth sending."""
        if "$ref" in schema:
            return self.objects(schema["$ref"], depth)
        if schema.get("type") == "array":
            return [(path, [value]) for path, value in self.values(schema["items"], depth)]
        if "additionalProperties" in schema:
            return [(f"*.{path}", {"x": value}) for path, value in self.values(schema["additionalProperties"], depth)]
        if "properties" in schema:
            return self.of_properties(schema["properties"], depth)
        numeric = schema.get("format") in ("int64", "uint64", "int32", "uint32", "double")
        value = True if schema["type"] == "boolean" else "7200000" if numeric else "x"
        return [("", schema.get("enum", [value])[-1])]

    def of_properties(self, properties, depth):
        if depth == 0:
            return [("", {})]
        return [(f"{name}.{path}".rstrip("."), {name: value}) for name, schema in properties.items()
                for path, value in self.values(schema, depth - 1)]

    def objects(self, message, depth=4):
        return self.of_properties(self.schemas[message]["properties"], depth)


class Clients:
    def __init__(self, url):
        self.url = url
        document = json.loads((HERE / "bigquery.discovery.json").read_text())
        document.update(rootUrl=url + "/", baseUrl=url + "/bigquery/v2/")
        self.low = build_from_document(document, http=build_http())
        self.high = bigquery.Client(project=PROJECT, credentials=AnonymousCredentials(), location="EU",
                                    client_options=ClientOptions(api_endpoint=url))
        self.high.create_dataset(DATASET)

    def control(self, method, path, text=None):
        request = urllib.request.Request(self.url + path, data=text.encode() if text else None, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def journal(self, operation, after):
        lines = self.control("GET", f"/control/journal?service=bigquery&after={after}").split("\n")
        return [entry for entry in map(json.loads, filter(None, lines)) if entry["operation"] == operation]

    def last_entry(self):
        lines = self.control("GET", "/control/journal").rstrip("\n").split("\n")
        return json.loads(lines[-1])["n"] if lines else 0

    def send(self, method, path, body):
        """(status, answer)"""
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    # --- the discovery-based client ---

    def make_table(self, name):
        self.low.tables().insert(projectId=PROJECT, datasetId=DATASET, body={
            "tableReference": {"projectId": PROJECT, "datasetId": DATASET, "tableId": name},
            "schema": {"fields": FIELDS}}).execute()

    def load(self, name, media):
        """A resumable load under an id of our own; returns the finished job."""
        self.make_table(name)
        insert = self.low.jobs().insert(projectId=PROJECT, media_body=media, body={
            "jobReference": {"projectId": PROJECT, "jobId": "load-" + name, "location": "EU"},
            "configuration": {"load": {
                "destinationTable": {"projectId": PROJECT, "datasetId": DATASET, "tableId": name},
                "sourceFormat": "NEWLINE_DELIMITED_JSON", "writeDisposition": "WRITE_EMPTY",
                "createDisposition": "CREATE_NEVER"}}})
        job, broken = None, 0
        while job is None:
            try:
                _, job = insert.next_chunk()
            except googleapiclient.errors.HttpError as error:
                broken += 1
                if broken > 5 or error.status_code < 500:
                    raise  # otherwise the next one asks how far the upload has come
        while job["status"]["state"] != "DONE":
            time.sleep(0.01)
            job = self.low.jobs().get(projectId=PROJECT, jobId="load-" + name, location="EU").execute()
        return job

    def count(self, name):
        answer = self.low.jobs().query(projectId=PROJECT, body={
            "query": f"SELECT COUNT(*) AS n FROM {DATASET}.{name}", "useLegacySql": False, "location": "EU"}).execute()
        return int(answer["rows"][0]["f"][0]["v"])

    def case_a_file_in_small_chunks(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(rows(5000))
            file.flush()
            after = self.last_entry()
            job = self.load("chunks", MediaFileUpload(file.name, mimetype="application/octet-stream", chunksize=CHUNK,
                                                      resumable=True))
        expect("errorResult" not in job["status"], job["status"])
        expect(self.count("chunks") == 5000, "rows")
        expect(len(self.journal("upload.put", after)) >= 4, "it was not sent in chunks")

    def case_a_503_and_a_short_acceptance_in_the_middle(self):
        data = gzip.compress(rows(8000))
        expect(len(data) > 3 * CHUNK, "the file is too small")
        self.control("POST", "/control/faults", "bigquery upload.put 2 status 503\n"
                     "bigquery upload.bytes 1 short 100\nbigquery upload.put 5 status 500\n")
        after = self.last_entry()
        job = self.load("faulty", MediaIoBaseUpload(io.BytesIO(data), mimetype="application/octet-stream",
                                                    chunksize=CHUNK, resumable=True))
        expect("errorResult" not in job["status"], job["status"])
        expect(self.count("faulty") == 8000, "rows")
        faulty = [entry for entry in self.journal("upload.put", after) if "fault" in entry]
        expect(len(faulty) == 2, "the faults did not happen")

    def case_an_unknown_total(self):
        """A stream that can't be measured is announced with an asterisk until its end."""
        class Stream(MediaIoBaseUpload):
            def size(self):
                return None

            def has_stream(self):
                return False

        data = rows(2500)
        job = self.load("unmeasured", Stream(io.BytesIO(data), mimetype="application/octet-stream", chunksize=CHUNK,
                                             resumable=True))
        expect("errorResult" not in job["status"], job["status"])
        expect(self.count("unmeasured") == 2500, "rows")

    def case_documented_fields(self):
        """Each is taken and shown, or refused because the sandbox does not play it; no other field is taken."""
        fields, seen = Fields(), {"taken": 0, "not played": 0}

        def judge(path, message, base, into, wrong=False):
            for name, value in [("colour", {"colour": "red"})] if wrong else fields.objects(message):
                status, answer = self.send("POST", path, into(base | value))
                text = json.dumps(answer)
                unknown = "Cannot find field" in text
                expect(unknown == wrong, f"{message} {name}: {text}")
                if status == 200:
                    seen["taken"] += 1
                elif "does not play" in text:
                    seen["not played"] += 1

        table = {"tableReference": {"tableId": "fields"}, "schema": {"fields": FIELDS}}
        load = {"sourceFormat": "NEWLINE_DELIMITED_JSON", "destinationTable": {
            "projectId": PROJECT, "datasetId": DATASET, "tableId": "fields"}}
        root, upload = f"/bigquery/v2/projects/{PROJECT}", f"/upload/bigquery/v2/projects/{PROJECT}/jobs"
        query = {"query": "SELECT 1", "useLegacySql": False}
        for wrong in (False, True):
            judge(f"{root}/datasets/{DATASET}/tables", "Table", table, lambda value: value, wrong)
            judge(f"{root}/datasets", "Dataset", {"datasetReference": {"datasetId": DATASET}}, lambda value: value, wrong)
            judge(f"{root}/queries", "QueryRequest", query, lambda value: value | {"dryRun": True}, wrong)
            judge(f"{root}/jobs", "JobConfigurationQuery", query,
                  lambda value: {"configuration": {"query": value, "dryRun": True}}, wrong)
            judge(f"{upload}?uploadType=resumable", "JobConfigurationLoad", load,
                  lambda value: {"configuration": {"load": value}}, wrong)
            judge(f"{root}/jobs", "JobConfiguration", {"query": query, "dryRun": True},
                  lambda value: {"configuration": value}, wrong)
        expect(seen["taken"] > 50 and seen["not played"] > 50, seen)

    def case_fields_that_are_kept_are_shown(self):
        field = {"name": "id", "type": "STRING", "mode": "REQUIRED", "collation": "",
                 "policyTags": {"names": ["projects/1/locations/eu/taxonomies/2/policyTags/3"]}}
        table = {"schema": {"fields": [field]}, "resourceTags": {"1/environment": "test"}, "defaultCollation": "",
                 "tableConstraints": {"primaryKey": {"columns": ["id"]}}, "friendlyName": "Kept"}
        path = f"/bigquery/v2/projects/{PROJECT}/datasets/{DATASET}/tables"
        status, made = self.send("POST", path, table | {"tableReference": {"tableId": "kept"}, "expirationTime": "0"})
        expect(status == 200 and all(made[name] == value for name, value in table.items()), made)
        expect("expirationTime" not in made, "expiration 0 is none")
        _, changed = self.send("PATCH", f"{path}/kept", {"schema": None, "description": "told", "expirationTime": "0"})
        expect(changed["schema"] == {"fields": [field]} and changed["description"] == "told", changed)
        status, job = self.send("POST", f"/bigquery/v2/projects/{PROJECT}/jobs", {"configuration": {
            "reservation": "projects/p/locations/EU/reservations/r", "dryRun": True, "query": {
                "query": "SELECT @one AS one", "useLegacySql": False, "continuous": False, "priority": "BATCH",
                "queryParameters": [{"name": "one", "parameterType": {"type": "INT64"},
                                     "parameterValue": {"value": "1"}}]}}})
        expect(status == 200 and job["configuration"]["query"]["priority"] == "BATCH", job)
        expect(job["configuration"]["reservation"].endswith("/r"), job)

    def case_refusals_of_the_discovery_client(self):
        for reason, status, call in (
                ("notFound", 404, self.low.tables().get(projectId=PROJECT, datasetId=DATASET, tableId="absent")),
                ("duplicate", 409, self.low.datasets().insert(projectId=PROJECT, body={
                    "datasetReference": {"projectId": PROJECT, "datasetId": DATASET}}))):
            try:
                call.execute()
            except googleapiclient.errors.HttpError as error:
                expect(error.status_code == status, error)
                expect(error.error_details[0]["reason"] == reason, error)
            else:
                raise AssertionError(f"{reason}: it was not refused")

    # --- google-cloud-bigquery ---

    def case_load_table_from_file(self):
        config = bigquery.LoadJobConfig(
            source_format="NEWLINE_DELIMITED_JSON", write_disposition="WRITE_EMPTY",
            schema=[bigquery.SchemaField.from_api_repr(field) for field in FIELDS])
        for name, size in (("small", None), ("measured", True)):
            data = rows(30000, 40) if name == "measured" else rows(10)
            job = self.high.load_table_from_file(io.BytesIO(data), f"{DATASET}.{name}", job_config=config,
                                                 rewind=True, size=len(data) if size else None)
            job.result()
            expect(job.output_rows == data.count(b"\n"), job.output_rows)
            expect(self.high.get_table(f"{DATASET}.{name}").num_rows == job.output_rows, "rows of the table")

    def case_a_large_gzip_file(self):
        """Over 5 MB: the client uploads resumably, in chunks of its own."""
        data = gzip.compress(rows(30000))
        config = bigquery.LoadJobConfig(
            source_format="NEWLINE_DELIMITED_JSON",
            schema=[bigquery.SchemaField.from_api_repr(field) for field in FIELDS])
        after = self.last_entry()
        self.high.load_table_from_file(io.BytesIO(data), f"{DATASET}.large", job_config=config).result()
        expect(self.high.get_table(f"{DATASET}.large").num_rows == 30000, "rows of the table")
        expect(self.journal("upload.put", after), "it was not resumable")

    def case_query_with_parameters(self):
        config = bigquery.QueryJobConfig(query_parameters=[
            bigquery.ScalarQueryParameter("text", "STRING", "ä`\"\n"),
            bigquery.ScalarQueryParameter("number", "INT64", -5),
            bigquery.ScalarQueryParameter("day", "DATE", "2026-02-28"),
            bigquery.ScalarQueryParameter("instant", "TIMESTAMP", "2026-02-28 23:59:59.999999+00:00")])
        row = next(iter(self.high.query_and_wait(
            "SELECT @text AS text, @number AS number, @day AS day, @instant AS instant, [1, 2] AS list, "
            "STRUCT(true AS yes) AS record, CAST(NULL AS STRING) AS none", job_config=config)))
        expect(row["text"] == "ä`\"\n" and row["number"] == -5, row)
        expect(row["day"].isoformat() == "2026-02-28", row)
        expect(row["instant"].isoformat() == "2026-02-28T23:59:59.999999+00:00", row)
        expect(row["list"] == [1, 2] and row["record"] == {"yes": True} and row["none"] is None, row)

    def case_dry_run(self):
        job = self.high.query("SELECT 1 AS one", job_config=bigquery.QueryJobConfig(dry_run=True))
        expect(job.total_bytes_processed is not None and job.state == "DONE", job.state)

    def case_pages(self):
        job = self.high.query("SELECT n FROM UNNEST(GENERATE_ARRAY(1, 25)) AS n ORDER BY n")
        sizes, seen = [], []
        for page in job.result(page_size=10).pages:
            numbers = [row["n"] for row in page]
            sizes.append(len(numbers))
            seen += numbers
        expect(seen == list(range(1, 26)) and sizes == [10, 10, 5], sizes)
        table = self.high.list_rows(f"{DATASET}.small", page_size=4)
        expect([page.num_items for page in table.pages] == [4, 4, 2], "pages of a table")

    def case_a_partitioned_table_and_its_change(self):
        table = bigquery.Table(f"{PROJECT}.{DATASET}.parted", schema=[
            bigquery.SchemaField("id", "STRING", "REQUIRED"), bigquery.SchemaField("day", "DATE")])
        table.time_partitioning = bigquery.TimePartitioning(type_="DAY", field="day")
        table.clustering_fields = ["id"]
        table.require_partition_filter = True
        made = self.high.create_table(table)
        expect(made.time_partitioning.field == "day" and made.require_partition_filter, made.to_api_repr())
        made.schema = [*made.schema, bigquery.SchemaField("more", "STRING")]
        expect(len(self.high.update_table(made, ["schema"]).schema) == 3, "the column was not added")
        try:
            self.high.update_table(made, ["schema"])  # with the etag of before
        except exceptions.PreconditionFailed:
            return
        raise AssertionError("an old etag was accepted")

    def case_refusals(self):
        for kind, ask in ((exceptions.NotFound, lambda: self.high.get_table(f"{DATASET}.absent")),
                          (exceptions.Conflict, lambda: self.high.create_dataset(DATASET)),
                          (exceptions.BadRequest, lambda: self.high.query_and_wait("SELEC 1")),
                          (exceptions.NotFound, lambda: self.high.query_and_wait(f"SELECT * FROM {DATASET}.absent"))):
            try:
                ask()
            except kind:
                continue
            raise AssertionError(f"{kind.__name__}: it was not refused")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: clients.py HTTP_URL")
    warnings.simplefilter("ignore")
    clients = Clients(sys.argv[1])
    passed = failed = 0
    for name in dir(clients):
        if not name.startswith("case_"):
            continue
        try:
            getattr(clients, name)()
            passed += 1
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED: {name[5:].replace('_', ' ')}\n{traceback.format_exc()}", flush=True)
        clients.control("DELETE", "/control/faults")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
