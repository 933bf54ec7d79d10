# SPDX-License-Identifier: Apache-2.0
"""The costs of a run in the sandbox: requests of each stream, jobs and bytes of BigQuery, and the CPU time of a record."""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import ends  # noqa: E402
import harness  # noqa: E402

WORLDS = {
    "contacts": lambda count: {"fill": {"kind": "contacts", "from": "2026-01-05", "to": "2026-03-01", "count": count}},
    "conversations": lambda count: {"fill": {"kind": "conversations", "from": "2026-01-05", "to": "2026-03-01", "count": count,
                                                           "children": 5}},
}
MORE = ({"fill": {"kind": "tickets", "from": "2026-01-05", "to": "2026-03-01", "count": 3000}},
        {"remove": {"kind": "conversations", "count": 30}})


def record_path(build):
    folder = harness.work_folder(build, "bench-record-path")
    box = harness.Sandbox(build, folder)
    try:
        for stream, member in (("contacts", "data"), ("conversations", "conversations")):
            box.post("/control/workspace", WORLDS[stream](1000))
            page = folder / f"{stream}.json"
            page.write_text(json.dumps(ends.search(box.ports["http"], stream), separators=(",", ":")))
            subprocess.run([str(build / "tests/bench/record_path"), stream, member, str(page)], check=True)
    finally:
        box.stop()


def finished(folder):
    lines = (folder / "worker.log").read_text(errors="replace").split("\n")
    events = [json.loads(line) for line in lines if line.startswith("{")]
    return [event for event in events if event.get("event") == "stream_finished"]


def work(build, box, folder, **config):
    """Runs `caseload run`; returns what it took."""
    path = folder / "caseload.json"
    path.write_text(json.dumps(harness.base_config(box, **config)))
    return ends.run(ends.command(build, path), folder / "worker.log", env=harness.environment(box))


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
            wall = work(build, box, folder, streams=streams, source={"custom_objects": ["Order"]}, **options).wall_s
            entries = box.journal("bigquery", after)
            after = max(entry["n"] for entry in box.journal(None, after))
            figures, calls, kinds_of_job = bill(entries)
            print("  ".join(f"{cell:>20}" for cell in (name, title, *figures.values(), f"{wall:.1f}")), flush=True)
            print("      calls: " + ", ".join(f"{count} {call}" for call, count in sorted(calls.items())))
            print("      jobs: " + ", ".join(f"{count} {kind} ({statements} statements, {megabytes} MB)" for kind, (
                count, statements, megabytes) in sorted(kinds_of_job.items(), key=lambda item: -item[1][2])), flush=True)
    finally:
        box.stop()


def two_years(build, realistic):
    """A first load of the default streams, over two years."""
    folder = harness.work_folder(build, "bench-two-years")
    box = harness.Sandbox(build, folder, latency=f"realistic:{realistic}")
    try:
        for kind, count, more in (("contacts", 10000, {}), ("conversations", 4000, {"children": 5}), ("tickets", 10000, {})):
            box.post("/control/workspace", {"fill": {"kind": kind, "from": "2024-03-04", "to": "2026-03-01", "count": count, **more}})
        load = work(build, box, folder, streams=None, start_date="2024-03-04")
        commits = bill(box.journal("bigquery"))[2].get("caseload-commit", (0,))[0]
    finally:
        box.stop()
    if load.status:
        raise harness.Failure(f"the load failed; see {folder}/worker.log")
    print(f"{load.wall_s:.1f} s, {commits} commits, {load.cpu_s:.1f} s of CPU time, {load.peak_mib:.0f} MiB")


def cost(build, realistic):
    heads = ("streams", "run", "statements", "query jobs", "load jobs", "calls", "MB billed", "seconds")
    print("  ".join(f"{head:>20}" for head in heads), flush=True)
    listed = json.loads(subprocess.check_output([str(build / "src/app/caseload"), "streams", "--json"], text=True))
    names = [stream["name"] for stream in listed if stream["kind"] != "reconciliation"]
    names += [table["name"] for stream in listed for table in stream["tables"][1:] if table["loaded"] != "always"]
    cost_of(build, "default", None, {}, realistic)
    cost_of(build, "all", names, {}, realistic)
