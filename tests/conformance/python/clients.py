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
import urllib.request
import warnings

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
