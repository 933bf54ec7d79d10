#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`caseload singer` against the sandbox: killed and resumed anywhere it loses nothing, and its output is well-formed.

A run is killed after each line that the target has read, and at each request to the source, and resumed from the last
STATE. A small target (singer_target.py) then holds the same rows as the tables of `caseload run`, value by value.

    singer.py BUILD [PART OF A CASE]
"""
import concurrent.futures
import copy
import fcntl
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

import harness
import sources
from harness import Failure, Sandbox, wait_for
from singer_target import Target, require_equal, warehouse_rows

F_SETPIPE_SZ, FIONREAD = 1031, 0x541B
PIPE_BUF = 4096
SMALL = ["contacts", "conversations", "conversation_parts", "tags", "admins"]
DELETED = ("contacts_deleted", "companies_deleted", "conversations_deleted")
WORLD = [{"fill": {"kind": "contacts", "from": "2026-02-01", "to": "2026-03-01", "count": 30}},
         {"fill": {"kind": "conversations", "from": "2026-02-25", "to": "2026-03-01", "count": 6, "children": 3}}]
CHANGED = [{"touch": {"kind": "contacts", "count": 5}}, {"touch": {"kind": "conversations", "count": 3}},
           {"touch": {"kind": "admins", "count": 7}}, {"touch": {"kind": "companies", "count": 8}},
           {"touch": {"kind": "tickets", "count": 4}}, {"fill": {"kind": "admins", "count": 1}},
           {"merge": {"kind": "contacts", "count": 2}}, {"remove": {"kind": "conversations", "count": 2}}]


class Bench:
    """A sandbox with records, and runs of the tap on it. stop_all() stops the sandboxes."""

    opened = []

    def __init__(self, build, name, desk="intercom", **settings):
        self.build, self.folder = build, harness.work_folder(build, f"singer-{name}")
        self.box = Sandbox(build, self.folder, database=":memory:", source=desk)
        self.dataset = desk
        Bench.opened.append(self.box)
        for change in WORLD if desk == "intercom" else sources.ALL[desk].fills.values():
            self.box.change(change, desk)
        config = harness.base_config(self.box, reconcile_days=0, **settings)
        (self.folder / "load.json").write_text(json.dumps(config))
        for name in ("project", "dataset", "location", "subscription"):
            del config[name]  # the tap needs none of these
        self.config = self.folder / "tap.json"
        self.config.write_text(json.dumps(config))
        self.wanted = {}  # rows of the warehouse by stream

    @staticmethod
    def stop_all():
        while Bench.opened:
            Bench.opened.pop().stop()

    def command(self, state=None, name="state", *more):
        words = [str(self.build / "src/app/caseload"), "singer", "--config", str(self.config), *more]
        if state is None:
            return words
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(state))
        return [*words, "--state", str(path)]

    def start(self, words, stdout, **more):
        environment = harness.environment(self.box)
        for name in ("BIGQUERY_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
            del environment[name]
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, env=environment, **more)

    def run(self, state=None, *more, name="state"):
        """(exit code, lines, text of the log)"""
        with self.start(self.command(state, name, *more), subprocess.PIPE) as process:
            out, err = process.communicate(timeout=harness.TIMEOUT_S)
        return process.returncode, out.decode("ascii").splitlines(), err.decode()

    def resume(self, target, name="state"):
        code, lines, log = self.run(target.state, name=name)
        if code != 0:
            raise Failure(f"exit code {code}: {log[-2000:]}")
        target.load(lines)
        if "currently_syncing" in target.state:
            raise Failure("the last state has a stream in progress")
        return lines, log

    def load_warehouse(self):
        code, _, errors = harness.run_once(self.build, self.box, self.folder / "load.json")
        if code != 0:
            raise Failure(f"caseload run: {errors}")
        if not self.box.get(f"/control/compare?dataset={self.dataset}&service={self.dataset}")["equal"]:
            raise Failure("the tables differ from the truth")
        self.wanted.clear()

    def wanted_rows(self, stream, key):
        if stream not in self.wanted:
            table = f"{self.dataset}.{stream}" + ("" if stream in DELETED else "_latest")
            self.wanted[stream] = warehouse_rows(self.box, table, key)
        return self.wanted[stream]

    def require_equal(self, target, what):
        require_equal(alive(target) if self.dataset == "intercom" else target, self.wanted_rows, what)


def alive(target):
    """Without the records whose deletions are known."""
    shown = copy.copy(target)
    shown.rows = dict(target.rows)
    for stream, column, deleted in (("contacts", "id", "contacts_deleted"), ("conversations", "id", "conversations_deleted"),
                                    ("conversation_parts", "conversation_id", "conversations_deleted")):
        gone = {record["id"] for record in target.rows.get(deleted, {}).values()}
        shown.rows[stream] = {key: record for key, record in target.rows.get(stream, {}).items() if record[column] not in gone}
    return shown


def whole_lines(data):
    """A line that a pipe takes at once is there, or it is not."""
    lines = data.split(b"\n")
    if len(lines[-1]) % PIPE_BUF != 0:
        raise Failure(f"a part of a line was written: {lines[-1][:200]}")
    return [line.decode("ascii") for line in lines[:-1]]


def read_lines(reader, count):
    """Reads until there are so many lines, or the end."""
    data, lines = bytearray(), 0
    while lines < count and (piece := os.read(reader, 512)):
        data += piece
        lines += piece.count(b"\n")
    return data


def killed_at_line(bench, start, count, name):
    """A copy of the target that has read so many lines of a run that was killed then. None: there were fewer."""
    target = start.copy()
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, PIPE_BUF)
    process = bench.start(bench.command(target.state, name), writer)
    os.close(writer)
    data = read_lines(reader, count)
    seen = data.split(b"\n")
    is_ended = len(seen) <= count
    if not is_ended:
        process.send_signal(signal.SIGKILL)
    log = process.communicate(timeout=harness.TIMEOUT_S)[1]
    while piece := os.read(reader, 65536):
        data += piece
    os.close(reader)
    whole_lines(data)
    if is_ended and process.returncode != 0:
        raise Failure(f"it ended before line {count} with {process.returncode}: {log[-2000:]}")
    if is_ended:
        return None
    target.load(line.decode("ascii") for line in seen[:count])
    return target


def kill_at_lines(bench, start, counts, what, parallel=1):
    """Kills after so many lines, each time from the same start; returns how often it was in time."""
    def attempt(count):
        name = f"state-{count}"
        target = killed_at_line(bench, start, count, name)
        if not target:
            return 0
        if parallel == 1:  # the companies are listed by one program at a time, until an hour has passed
            bench.box.post("/control/clock", {"advance_s": 3600})
        bench.resume(target, name)
        bench.require_equal(target, f"{what}, killed after line {count}")
        return 1
    with concurrent.futures.ThreadPoolExecutor(max_workers=parallel) as pool:
        return sum(pool.map(attempt, counts))


def every_line(build):
    """The first run of a few streams is killed after every other line."""
    bench = Bench(build, "lines", streams=SMALL)
    bench.load_warehouse()
    total = len(bench.run()[1])
    killed = kill_at_lines(bench, Target(), range(1, total, 2), "first run", harness.PARALLEL)
    return killed


def some_lines(build):
    """All default streams: the first run, and one a week later, are killed after some of their lines."""
    bench = Bench(build, "week", streams=None)
    bench.load_warehouse()
    first = Target()
    lines, _ = bench.resume(first)
    bench.require_equal(first, "first run")
    killed = kill_at_lines(bench, Target(), range(7, len(lines), len(lines) // 4), "default streams")
    bench.box.post("/control/clock", {"set": "2026-03-12T05:00:00Z"})
    for change in CHANGED:
        bench.box.post("/control/workspace", change)
    bench.load_warehouse()
    later = first.copy()
    lines, _ = bench.resume(later)
    bench.require_equal(later, "a week later")
    if later.counts["contacts"] > first.counts["contacts"] + 20:
        raise Failure(f"contacts are sent again: {first.counts['contacts']}, then {later.counts['contacts']}")
    killed += kill_at_lines(bench, first, range(20, len(lines), len(lines) // 6), "a week later")
    return killed


def other_sources(build):
    """The default streams of each other source, whole and killed after some of their lines."""
    killed = 0
    for source in sources.ALL:
        if source == "intercom":
            continue
        bench = Bench(build, source, desk=source, streams=None)
        bench.load_warehouse()
        target = Target()
        lines, _ = bench.resume(target)
        bench.require_equal(target, source)
        if len(target.counts) < 3:
            raise Failure(f"{source}: records of {sorted(target.counts)} only")
        killed += kill_at_lines(bench, Target(), range(len(lines) // 6, len(lines), len(lines) // 3), source)
    return killed


def every_request(build):
    """The first run of a few streams is killed at each request to the source."""
    bench = Bench(build, "requests", streams=SMALL)
    bench.load_warehouse()
    for nth in range(1, 200):
        target, path = Target(), bench.folder / "out.jsonl"
        bench.box.call("POST", "/control/faults", f"intercom * {nth} hang")
        before = len(bench.box.journal("intercom"))
        with open(path, "wb") as out, bench.start(bench.command(), out) as process:
            wait_for("the request, or the end", lambda: process.poll() is not None or
                     any(e["operation"] == "hung" for e in bench.box.journal("intercom")[before:]))
            ended = process.poll()
            process.kill()
            log = process.stderr.read()
        bench.box.call("DELETE", "/control/faults")
        if ended is not None and (ended != 0 or nth < len(SMALL)):
            raise Failure(f"it ended before request {nth} with {ended}: {log[-2000:]}")
        if ended is not None:
            return nth - 1
        target.load(whole_lines(path.read_bytes()))
        bench.resume(target)
        bench.require_equal(target, f"killed at request {nth}")
    raise Failure("more than 200 requests")


# --- stdout ---

def require_critical(process, log, code, text):
    last = log.decode().strip().split("\n")[-1]
    if process.returncode != code or not last.startswith("CRITICAL ") or text not in last:
        raise Failure(f"exit code {process.returncode}, not {code}: {last}")


def closed_reader(build):
    """A reader that goes away, a full disk, and one that takes nothing while the tap is to stop."""
    bench = Bench(build, "stdout", streams=SMALL)
    process = bench.start(bench.command(), subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    log = process.stderr.read()
    process.wait(harness.TIMEOUT_S)
    require_critical(process, log, 75, "stdout was closed by its reader")
    with open("/dev/full", "wb") as full, bench.start(bench.command(), full) as process:
        _, log = process.communicate(timeout=harness.TIMEOUT_S)
    require_critical(process, log, 75, "stdout can't be written: No space left on device")
    full_file(bench)
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, PIPE_BUF)
    process = bench.start(bench.command(), writer)
    os.close(writer)
    read_lines(reader, 20)  # the schemas: longer than one write
    wait_for("the pipe is full", lambda: unread(reader) > 0)
    process.send_signal(signal.SIGTERM)
    log = process.communicate(timeout=harness.TIMEOUT_S)[1]
    require_critical(process, log, 75, "stopped")
    whole_lines(os.read(reader, 1 << 20))
    os.close(reader)
    return 4


def unread(reader):
    """Bytes that a pipe holds."""
    return int.from_bytes(fcntl.ioctl(reader, FIONREAD, bytes(4)), sys.byteorder)


def full_file(bench):
    """The part of a line that still went into the file is taken back."""
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
    path = bench.folder / "small.jsonl"
    with open(path, "wb") as out, bench.start(bench.command(), out, preexec_fn=small_files) as process:
        _, log = process.communicate(timeout=harness.TIMEOUT_S)
    require_critical(process, log, 75, "stdout can't be written: File too large")
    if not path.read_bytes().endswith(b"\n"):
        raise Failure("the file ends within a line")
    Target().load(path.read_text().splitlines())


# --- selection, errors, logs ---

def catalog(build):
    """The streams and fields that a catalog selects are sent, and no others."""
    bench = Bench(build, "catalog", streams=["contacts"])
    code, lines, log = bench.run(None, "--discover")
    entries = {entry["tap_stream_id"]: entry for entry in json.loads("\n".join(lines))["streams"]}
    if code != 0 or log:
        raise Failure(f"--discover: {code} {log}")

    def run(selected, fields=(), state=None):
        chosen = copy.deepcopy([entries[name] for name in selected])
        for entry in chosen:
            for one in entry["metadata"]:
                if not one["breadcrumb"]:
                    one["metadata"]["selected"] = selected[entry["tap_stream_id"]]
                if tuple(one["breadcrumb"]) in fields:
                    one["metadata"]["selected"] = fields[tuple(one["breadcrumb"])]
        path = bench.folder / "catalog.json"
        path.write_text(json.dumps({"streams": chosen}))
        target = Target()
        code, lines, log = bench.run(state, "--catalog", str(path))
        if code == 0:
            target.load(lines)
        return code, target, log

    code, target, log = run({"contacts": True, "tags": False, "admins": "true"}, {
        ("properties", "email"): False, ("properties", "id"): False, ("properties", "name"): "false",
        ("properties", "location", "properties", "city"): False,
        ("properties", "tags", "properties", "data", "items", "properties", "type"): False})
    record = next(iter(target.rows["contacts"].values()))
    properties = target.schemas["contacts"]["schema"]["properties"]
    if set(target.schemas) != {"contacts", "admins"} or {"email", "name"} & {*record, *properties} or "id" not in record or \
            "city" in properties["location"]["properties"] or "country" not in properties["location"]["properties"]:
        raise Failure(f"selected fields: {target.schemas['contacts']}")
    if any("city" in one.get("location", {}) for one in target.rows["contacts"].values()):
        raise Failure("a nested field that is not selected is sent")
    if log.count("is the text") != 3:
        raise Failure(f"texts in place of true and false are not reported: {log}")
    _, target, _ = run({"conversation_parts": True})
    if set(target.schemas) != {"conversation_parts"} or not target.counts.get("conversation_parts"):
        raise Failure(f"a child without its parent: {target.counts}")
    _, both, _ = run({"conversations": True, "conversation_parts": True}, state=target.state)
    _, whole, _ = run({"conversations": True, "conversation_parts": True})
    if set(both.rows["conversations"]) != set(whole.rows["conversations"]):
        raise Failure(f"a parent that is selected later: {both.counts}, not {whole.counts}")
    code, _, log = run({"contacts": False})
    if code != 78 or "selects no stream" not in log:
        raise Failure(f"nothing is selected: {code} {log}")
    return 3


def errors(build):
    """Rejected records, forbidden and failing streams, states of others."""
    bench = Bench(build, "errors", streams=["contacts", "tags", "admins"])
    bench.box.post("/control/workspace", {"add": {"kind": "contacts", "record": {
        "type": "contact", "updated_at": 1772000000, "created_at": 1772000000, "email": "\u2028é🚀@example.com"}}})
    bench.box.call("POST", "/control/faults", "intercom tags * status 403")
    target = Target()
    _, log = bench.resume(target)
    rejected = [record for record in target.rows["rejected"].values()]
    if len(rejected) != 1 or json.loads(rejected[0]["record"])["email"] != "\u2028é🚀@example.com":
        raise Failure(f"rejected: {rejected}")
    if "WARNING tags: " not in log or "forbidden" not in log:
        raise Failure(f"a forbidden stream is not reported: {log}")
    bench.box.call("DELETE", "/control/faults")
    bench.box.call("POST", "/control/faults", "intercom tags * status 400")
    code, lines, log = bench.run()
    if code == 0 or not log.strip().split("\n")[-1].startswith("CRITICAL ") or "currently_syncing" not in lines[-1]:
        raise Failure(f"a stream failed: {code} {log[-500:]}")
    bench.box.call("DELETE", "/control/faults")
    foreign = copy.deepcopy(target.state)
    foreign["caseload"]["workspace"] = "another"
    for state, text in ((foreign, "is of workspace"), ([], "is not an object"), ({"type": "STATE", "value": {}}, "whole message"),
                        ({"bookmarks": {"contacts": {"days": [{"from": "2026-01-05"}]}}}, "bookmarks.contacts.days[0]"),
                        ({"bookmarks": {"contacts": {"updated_at": 7}}}, "bookmarks.contacts.updated_at")):
        code, lines, log = bench.run(state)
        if code == 0 or text not in log.strip().split("\n")[-1] or any('"RECORD"' in line and '"contacts"' in line for line in lines):
            raise Failure(f"the state {state}: {code} {log[-500:]}")
    return 8


def kept_state(build):
    """Unknown members of a state stay; the stream in progress goes first; a bookmark that is set back is obeyed."""
    bench = Bench(build, "state", streams=SMALL)
    target = Target()
    lines, log = bench.resume(target)
    check_log(lines, log, target)
    given = {**target.state, "mine": [1], "currently_syncing": "conversations"}
    given["bookmarks"]["other_stream"] = {"position": 7}
    given["bookmarks"]["contacts"] = {"updated_at": "2026-02-20T00:00:00Z", "mine": {"a": 1}}
    later = Target()
    later.load(bench.run(given)[1])
    if later.state["mine"] != [1] or later.state["bookmarks"]["other_stream"] != {"position": 7} or \
            later.state["bookmarks"]["contacts"]["mine"] != {"a": 1}:
        raise Failure(f"unknown members are lost: {later.state}")
    if later.records[0][0] != "conversations":
        raise Failure(f"the first record is of {later.records[0]}")
    wanted = {key for key, one in target.rows["contacts"].items() if one["updated_at"] >= "2026-02-20"}
    if set(later.rows["contacts"]) != wanted or len(wanted) == len(target.rows["contacts"]):
        raise Failure(f"{len(later.rows['contacts'])} contacts since the bookmark, not {len(wanted)}")
    return 3


def check_log(lines, log, target):
    counted = {}
    for line in log.splitlines():
        if line.split(" ")[0] not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
            raise Failure(f"a line of the log without a level: {line}")
        if line.startswith("INFO METRIC: "):
            metric = json.loads(line[len("INFO METRIC: "):])
            counted.setdefault(metric["metric"], []).append(metric)
    records = {m["tags"]["endpoint"]: m["value"] for m in counted["record_count"]}
    if records != {stream: target.counts.get(stream, 0) for stream in target.schemas}:
        raise Failure(f"record_count: {records}, not {target.counts}")
    if not all(m["tags"]["http_status_code"] == 200 and m["type"] == "timer" for m in counted["http_request_duration"]):
        raise Failure(f"http_request_duration: {counted['http_request_duration']}")
    if max(len(line) for line in lines) < PIPE_BUF:
        raise Failure("no line is longer than one write")


CASES = [every_line, some_lines, other_sources, every_request, closed_reader, catalog, errors, kept_state]


def main():
    build, part = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) > 2 else ""
    passed = failed = 0
    for case in CASES:
        if part not in case.__name__:
            continue
        began = time.monotonic()
        try:
            count = case(build)
            passed += count
            print(f"ok    {case.__name__:14} {count:4} {time.monotonic() - began:6.2f} s", flush=True)
        except Failure as failure:
            failed += 1
            print(f"FAIL  {case.__name__}: {failure}", flush=True)
        finally:
            Bench.stop_all()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
