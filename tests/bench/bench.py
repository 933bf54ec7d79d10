#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures loads from the sandbox's Intercom to committed rows in its BigQuery. Prints figures and asserts none.

    bench.py BUILD [--records N,N,...] [--latency MS,MS] [--streams contacts,conversations] [--rate N]
                   [--realistic FACTOR] [--kinds] [--bigquery] [--record-path]

Columns: records per second of wall time; CPU seconds of the worker per million records; its peak memory; requests to
the source per 1,000 records; the used share of the rate limit (1,667 requests in 10 s, as Intercom's, or --rate); and
the sandbox's CPU, since it runs on the same machine. `ceiling` is the rate of a client that discards the pages: caseload
cannot be faster here.

--realistic 1: BigQuery takes as long as the service does (0.1: a tenth of that), so that the rates are what people see.

--kinds: loads every stream once. Prints the requests of each per 1,000 records, how many of them were pages of a search
(150 records each at best: 6.67), and the requests that were made twice.

--bigquery: prints what a first load, the first tick of a day and a further tick with nothing new cost in BigQuery, of
the default streams and of all: statements, jobs, calls, and the bytes billed (each statement at least 10 MB a table).
With --realistic 1 the seconds are those that people will see.

--record-path: prints the CPU time of a record, step by step from the answer to the compressed row.
"""
import argparse
import http.client
import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402
import sources  # noqa: E402

WORLDS = {
    "contacts": lambda count: {"fill": {"kind": "contacts", "from": "2026-01-05", "to": "2026-03-01", "count": count}},
    "conversations": lambda count: {"fill": {"kind": "conversations", "from": "2026-01-05", "to": "2026-03-01", "count": count,
                                                           "children": 5}},
}
STREAMS = {"contacts": ["contacts"], "conversations": ["conversations", "conversation_parts"]}
MORE = ({"fill": {"kind": "tickets", "from": "2026-01-05", "to": "2026-03-01", "count": 3000}},
        {"remove": {"kind": "conversations", "count": 30}})
WINDOW_S, RATE = 10, 1667
SEARCH = {"contacts": "/contacts/search", "conversations": "/conversations/search"}


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_page(connection, stream):
    """The first page of a search; None if it is refused."""
    headers = {"Authorization": "Bearer " + sources.TOKEN, "Intercom-Version": "2.16", "Accept": "application/json",
               "Content-Type": "application/json"}
    body = json.dumps({"query": {"field": "updated_at", "operator": ">", "value": 0},
                       "pagination": {"per_page": 150}, "sort": {"field": "updated_at", "order": "ascending"}})
    connection.request("POST", SEARCH[stream], body, headers)
    answer = connection.getresponse()
    page = answer.read()
    return page if answer.status == 200 else None


def ceiling(box, stream, seconds=3.0):
    """Records per second of a client that discards the pages."""
    connection = http.client.HTTPConnection("127.0.0.1", box.ports["http"])
    began, pages = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        if read_page(connection, stream) is None:
            return None
        pages += 1
    return pages * 150 / (time.monotonic() - began)


def record_path(build):
    folder = harness.work_folder(build, "bench-record-path")
    box = harness.Sandbox(build, folder)
    try:
        for stream, member in (("contacts", "data"), ("conversations", "conversations")):
            box.post("/control/workspace", WORLDS[stream](1000))
            page = folder / f"{stream}.json"
            page.write_bytes(read_page(http.client.HTTPConnection("127.0.0.1", box.ports["http"]), stream))
            subprocess.run([str(build / "tests/bench/record_path"), stream, member, str(page)], check=True)
    finally:
        box.stop()


def first_request(box, process):
    """Milliseconds from the start of the process to its first request, within the interval of polling."""
    began = time.monotonic()
    while process.poll() is None:
        if box.journal():
            return (time.monotonic() - began) * 1000
        time.sleep(0.002)
    return float("nan")


def finished(folder):
    lines = (folder / "worker.log").read_text(errors="replace").split("\n")
    events = [json.loads(line) for line in lines if line.startswith("{")]
    return [event for event in events if event.get("event") == "stream_finished"]


def work(build, box, folder, **config):
    """Runs `caseload run`; returns seconds of wall time and the resource usage."""
    path = folder / "caseload.json"
    path.write_text(json.dumps(harness.base_config(box, **config)))
    began = time.monotonic()
    with open(folder / "worker.log", "wb") as log:
        process = subprocess.Popen([str(build / "src/app/caseload"), "run", "--config", str(path)],
                                   env=harness.environment(box), stdout=subprocess.DEVNULL, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise harness.Failure(f"the worker ended with {status}; see {folder}/worker.log")
    return time.monotonic() - began, usage


def measure(build, stream, records, latency_ms, options):
    folder, rate = harness.work_folder(build, f"bench-{stream}-{records}-{latency_ms}"), options.rate
    box = harness.Sandbox(build, folder, **({"latency": f"realistic:{options.realistic}"} if options.realistic else {}))
    try:
        box.post("/control/workspace", WORLDS[stream](records))
        top = ceiling(box, stream)
        for service in ("intercom", "bigquery") if latency_ms else ():
            box.call("POST", "/control/faults", f"{service} * * delay {latency_ms}")
        if rate != RATE:
            box.post("/control/workspace", {"rate_limit": rate})
        before = cpu_seconds(box.process.pid)
        wall, usage = work(build, box, folder, streams=STREAMS[stream], reconcile_days=0)
        requests = sum(event["requests"] for event in finished(folder))
        return [stream, records, latency_ms, f"{records / wall:.0f}",
                f"{(usage.ru_utime + usage.ru_stime) * 1e6 / records:.0f}", f"{usage.ru_maxrss / 1024:.1f}",
                f"{requests * 1000 / records:.1f}", f"{requests / wall / rate * WINDOW_S:.0%}",
                f"{(cpu_seconds(box.process.pid) - before) * 1e6 / records:.0f}", f"{top:.0f}" if top else "-", f"{wall:.1f}"]
    finally:
        box.stop()


def start_up(build):
    """Median of the time to the first request."""
    folder = harness.work_folder(build, "bench-start")
    times = []
    for _ in range(5):
        box = harness.Sandbox(build, folder, database=":memory:")
        config = folder / "caseload.json"
        config.write_text(json.dumps(harness.base_config(box)))
        process = subprocess.Popen([str(build / "src/app/caseload"), "run", "--config", str(config)],
                                   env=harness.environment(box), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(first_request(box, process))
        process.wait()
        box.stop()
    return sorted(times)[2]


def kinds(build):
    """Prints the requests of each stream."""
    folder = harness.work_folder(build, "bench-kinds")
    box = harness.Sandbox(build, folder)
    listed = json.loads(subprocess.check_output([str(build / "src/app/caseload"), "streams", "--json"], text=True))
    names = [stream["name"] for stream in listed if stream["kind"] != "reconciliation"]
    names += [table["name"] for stream in listed for table in stream["tables"][1:] if table["loaded"] != "always"]
    try:
        for world in (WORLDS["contacts"](3000), WORLDS["conversations"](600), *MORE):
            box.post("/control/workspace", world)
        work(build, box, folder, streams=names, source={"custom_objects": ["Order"]})
        rows = {event["stream"]: event for event in finished(folder)}
        asked, pages = {}, {}
        for entry in box.journal("intercom"):
            if entry["operation"].endswith(".search"):
                pages[entry["operation"].split(".")[0]] = pages.get(entry["operation"].split(".")[0], 0) + 1
            if entry["operation"] != "companies.scroll":  # whose pages have one address
                key = (entry["method"], entry["path"], entry.get("body"))
                asked[key] = asked.get(key, 0) + 1
        twice = {key: count for key, count in asked.items() if count > 1}
    finally:
        box.stop()
    print("  ".join(f"{head:>26}" for head in ("stream", "kind", "records", "requests", "requests/k", "of search pages/k")))
    for stream in listed:
        event = rows.get(stream["name"])
        if event:
            records = event["fetched"]
            share = f"{event['requests'] * 1000 / records:.1f}" if records else "-"
            searched = f"{pages[stream['name']] * 1000 / records:.2f}" if stream["name"] in pages and records else ""
            print("  ".join(f"{cell:>26}" for cell in (stream["name"], stream["kind"], records, event["requests"], share,
                                                       searched)))
    print(f"asked for twice: {twice if twice else 'nothing'}")


MEGABYTE = 1024 * 1024


def kind_of(job):
    """The job's id without names of streams and runs."""
    return "-".join(job["job"].split("-")[:2]) if job["job"].startswith("caseload-") else "read"


def bill(entries):
    """(figures of a run, megabytes billed by kind of job)."""
    jobs = [entry for entry in entries if entry["operation"] == "job"]
    calls, kinds_of_job = {}, {}
    for entry in entries:
        if entry["operation"] != "job":
            calls[entry["operation"]] = calls.get(entry["operation"], 0) + 1
    for job in jobs:
        if job["type"] == "QUERY":
            kind = kind_of(job)
            count, statements, megabytes = kinds_of_job.get(kind, (0, 0, 0))
            kinds_of_job[kind] = (count + 1, statements + len(job["scans"]), megabytes + job["billed"] // MEGABYTE)
    queries = [job for job in jobs if job["type"] == "QUERY"]
    figures = {"statements": sum(len(job["scans"]) for job in queries), "query jobs": len(queries),
               "load jobs": len(jobs) - len(queries), "calls": sum(calls.values()),
               "MB billed": sum(job["billed"] for job in queries) // MEGABYTE}
    return figures, calls, kinds_of_job


def cost_of(build, name, streams, options, realistic):
    folder = harness.work_folder(build, f"bench-bigquery-{name}")
    box = harness.Sandbox(build, folder, **({"latency": f"realistic:{realistic}"} if realistic else {}))
    try:
        for world in (WORLDS["contacts"](900), WORLDS["conversations"](300), MORE[0]):
            box.post("/control/workspace", world)
        after = 0
        for title, advance_s in (("first load", 0), ("first tick of a day", 86400), ("quiet tick", 900)):
            if advance_s:
                box.post("/control/clock", {"advance_s": advance_s})
            if advance_s == 86400:
                for kind in ("contacts", "conversations"):
                    box.post("/control/workspace", {"touch": {"kind": kind, "count": 30}})
            wall, _ = work(build, box, folder, streams=streams, source={"custom_objects": ["Order"]}, **options)
            entries = box.journal("bigquery", after)
            after = max(entry["n"] for entry in box.journal(None, after))
            figures, calls, kinds_of_job = bill(entries)
            print("  ".join(f"{cell:>20}" for cell in (name, title, *figures.values(), f"{wall:.1f}")), flush=True)
            print("      calls: " + ", ".join(f"{count} {call}" for call, count in sorted(calls.items())))
            print("      jobs: " + ", ".join(f"{count} {kind} ({statements} statements, {megabytes} MB)" for kind, (
                count, statements, megabytes) in sorted(kinds_of_job.items(), key=lambda item: -item[1][2])), flush=True)
    finally:
        box.stop()


def cost(build, realistic):
    heads = ("streams", "run", "statements", "query jobs", "load jobs", "calls", "MB billed", "seconds")
    print("  ".join(f"{head:>20}" for head in heads), flush=True)
    listed = json.loads(subprocess.check_output([str(build / "src/app/caseload"), "streams", "--json"], text=True))
    names = [stream["name"] for stream in listed if stream["kind"] != "reconciliation"]
    names += [table["name"] for stream in listed for table in stream["tables"][1:] if table["loaded"] != "always"]
    cost_of(build, "default", None, {}, realistic)
    cost_of(build, "all", names, {}, realistic)


def numbers(text):
    return [int(n) for n in text.split(",")]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--records", type=numbers, default=[10000, 100000, 1000000])
    parser.add_argument("--latency", type=numbers, default=[0, 200])
    parser.add_argument("--streams", default="contacts,conversations")
    parser.add_argument("--rate", type=int, default=RATE)
    parser.add_argument("--realistic", type=float, metavar="FACTOR")
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--bigquery", action="store_true")
    parser.add_argument("--record-path", action="store_true")
    options = parser.parse_args()
    build = pathlib.Path(options.build).resolve()
    if options.kinds:
        kinds(build)
        return 0
    if options.record_path:
        record_path(build)
        return 0
    if options.bigquery:
        cost(build, options.realistic)
        return 0
    print(f"start to first request: {start_up(build):.0f} ms (median of 5)")
    heads = ("stream", "records", "latency ms", "records/s", "CPU s/M", "peak MiB", "requests/k", "rate used", "sandbox CPU s/M",
             "ceiling/s", "seconds")
    print("  ".join(f"{head:>14}" for head in heads), flush=True)
    for stream in options.streams.split(","):
        for records in options.records:
            for latency_ms in options.latency:
                row = measure(build, stream, records, latency_ms, options)
                print("  ".join(f"{cell:>14}" for cell in row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
