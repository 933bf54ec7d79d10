#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the sandbox's memory while it serves requests, loads and commits. Prints figures; exits 1 if it grows too much.

    memory.py BUILD [--requests 10000] [--records 200000] [--commits 100] [--rounds 2]

Records are loaded into staging tables, and each commit is a script that inserts the rows of one and drops it. The tables
are in a file, so that the process keeps jobs, results, uploads and the journal, but no rows of tables. Then everything
is done once more: the last round shows what grows without end. The journal is read whole at the end.
"""
import argparse
import concurrent.futures
import gzip
import http.client
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402

ROOT = f"/bigquery/v2/projects/{harness.PROJECT}"
UPLOAD = f"/upload{ROOT}/jobs?uploadType=multipart"
FIELDS = [{"name": "partition_date", "type": "DATE"}, {"name": "id", "type": "STRING"}, {"name": "note", "type": "STRING"}]
JOB_KIB = 12  # what a job may keep for ever, with its entry of the journal
THREADS = 4


def resident_mib(box):
    status = pathlib.Path(f"/proc/{box.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


class Client:
    """One connection."""

    def __init__(self, box):
        self.connection = http.client.HTTPConnection("127.0.0.1", box.ports["http"])

    def send(self, method, path, body=None, kind="application/json"):
        data = json.dumps(body) if isinstance(body, dict) else body
        self.connection.request(method, path, data, {"Content-Type": kind})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise harness.Failure(f"{method} {path}: {answer.status} {text[:300]}")
        return json.loads(text) if text else None

    def query(self, sql):
        answer = self.send("POST", f"{ROOT}/queries", {"query": sql, "useLegacySql": False, "location": "EU",
                                                       "timeoutMs": 60000})
        if not answer["jobComplete"]:
            raise harness.Failure(f"not within a minute: {sql[:100]}")
        return answer


def ask(box, count):
    client = Client(box)
    for number in range(count):
        if number % 2:
            client.send("GET", f"{ROOT}/datasets/memory/tables/rows")
        else:  # a result of 2,000 cells
            client.query(f"SELECT n, n * {number} AS m FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS n")


def commit(box, number, rows):
    client, stage = Client(box), f"stage_{number}"
    text = "".join(json.dumps({"partition_date": f"2026-01-{1 + i % 28:02}", "id": f"r{number}.{i}", "note": "x" * 40}) + "\n"
                   for i in range(rows))
    job = {"configuration": {"load": {
        "destinationTable": {"projectId": harness.PROJECT, "datasetId": "memory", "tableId": stage},
        "sourceFormat": "NEWLINE_DELIMITED_JSON", "schema": {"fields": FIELDS}}}}
    body = (b"--b\r\nContent-Type: application/json\r\n\r\n" + json.dumps(job).encode()
            + b"\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n" + gzip.compress(text.encode()) + b"\r\n--b--\r\n")
    made = client.send("POST", UPLOAD, body, "multipart/related; boundary=b")["jobReference"]["jobId"]
    harness.wait_for("the load", lambda: client.send("GET", f"{ROOT}/jobs/{made}?location=EU")["status"]["state"] == "DONE")
    padding = "-- " + "a commit script is long " * 800
    client.query(f"BEGIN TRANSACTION;\nINSERT INTO memory.rows SELECT * FROM memory.{stage};\nCOMMIT TRANSACTION;\n"
                 f"DROP TABLE memory.{stage};\nSELECT COUNT(*) AS n FROM memory.rows\n{padding}")


def play(box, options, first):
    """One round: requests side by side, then the commits one after the other."""
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for part in [pool.submit(ask, box, options.requests // THREADS) for _ in range(THREADS)]:
            part.result()
    yield f"{options.requests} requests"
    for number in range(options.commits):
        commit(box, first + number, options.records // options.commits)
    yield f"{options.records} records in {options.commits} commits"


def read_journal(box):
    connection = http.client.HTTPConnection("127.0.0.1", box.ports["http"])
    connection.request("GET", "/control/journal")
    answer = connection.getresponse()
    entries = size = 0
    while chunk := answer.read(1 << 20):
        size, entries = size + len(chunk), entries + chunk.count(b"\n")
    if answer.status != 200:
        raise harness.Failure(f"the journal: {answer.status}")
    return entries, size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--requests", type=int, default=10000)
    parser.add_argument("--records", type=int, default=200000)
    parser.add_argument("--commits", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    build = pathlib.Path(options.build).resolve()
    box = harness.Sandbox(build, harness.work_folder(build, "memory"))
    try:
        box.make_table("memory", "rows", {"schema": {"fields": FIELDS}})
        print(f"{'after':40}  RSS MiB  seconds\n{'the start':40}  {resident_mib(box):7.1f}", flush=True)
        rounds = []
        for number in range(1, options.rounds + 1):
            began = time.monotonic()
            for part in play(box, options, number * options.commits):
                print(f"{f'round {number}: {part}':40}  {resident_mib(box):7.1f}  {time.monotonic() - began:7.1f}", flush=True)
            rounds.append(resident_mib(box))
        entries, size = read_journal(box)
        print(f"journal: {entries} entries, {size / 2**20:.1f} MiB; RSS {resident_mib(box):.1f} MiB")
    finally:
        box.stop()
    growth, jobs = rounds[-1] - rounds[-2], options.requests // 2 + 7 * options.commits
    most = jobs * JOB_KIB / 1024
    print(f"the last round: {growth:+.1f} MiB, {growth * 1024 / jobs:.1f} KiB for each of {jobs} jobs; at most {most:.1f} MiB")
    return 1 if growth > most else 0


if __name__ == "__main__":
    sys.exit(main())
