#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a worker with SIGKILL at each of its requests and checks that no row is lost or doubled.

The nth call to a service hangs, the worker is killed there, and another worker serves the message that is redelivered.
The warehouse must equal the truth each time.

There are two cases. In the first, some records are loaded for the first time, and n grows until a run makes fewer
calls. In the second, every default stream was loaded a week ago, all have changed, and reconciliations are due; n is a
sample. sources.py has the records. Of other sources than the first, the calls to the source itself are tried.

    kill_points.py BUILD [SERVICE ...]
"""
import concurrent.futures
import json
import pathlib
import shutil
import signal
import sys
import time

import harness
import sources
from harness import Failure, Sandbox, Worker, wait_for

LIMIT = 200
SAMPLE = 10  # of each service's calls
class Case:
    """A case: records of the source, a configuration, and the warehouse as it is when the message is published."""

    def __init__(self, build, source, name, settings, world, changed=(), database=None):
        self.build, self.source, self.name, self.settings = build, source, f"{source.name}-{name}", settings
        self.world, self.changed = world, changed
        self.database = database  # a file; None: an empty warehouse

    def open(self, folder):
        """Starts a sandbox on a copy of the database, creates its records, and writes the configuration."""
        database = shutil.copy(self.database, folder / "sandbox.db") if self.database else ":memory:"
        box = Sandbox(self.build, folder, database=str(database), source=self.source.name)
        box.post("/control/subscription", {"project": harness.PROJECT, "subscription": harness.SUBSCRIPTION})
        for change in self.world:
            box.change(change, self.source.name)
        if self.changed:
            box.post("/control/clock", {"set": "2026-03-09T05:00:00Z"})
        for change in self.changed:
            box.change(change, self.source.name)
        config = folder / "caseload.json"
        config.write_text(json.dumps(harness.base_config(box, **self.settings)))
        return box, config


def require_equal(box, what):
    report = box.get(f"/control/compare?dataset={box.source.name}&service={box.source.name}&latest=1")
    if not report["equal"]:
        raise Failure(f"{what}: the warehouse differs: {report}")


def attempt(case, service, nth):
    """True: the worker was killed at the nth call, and no row was lost or doubled. False: there was no nth call."""
    folder = harness.work_folder(case.build, f"kill-{case.name}-{service}-{nth}")
    box, config = case.open(folder)
    workers = []
    try:
        box.call("POST", "/control/faults", f"{service} * {nth} hang")
        identity = box.publish()
        workers.append(Worker(case.build, box, config, "first"))
        killed = wait_for("the call, or the end", lambda: reached(box, service, identity)) == "hung"
        workers[0].end(signal.SIGKILL)
        box.call("DELETE", "/control/faults")
        if killed:  # the sandbox still completes the call, which may start a scroll
            wait_for("the call is answered", lambda: answered(box, service))
        box.post("/control/clock", {"advance_s": 3600})
        workers.append(Worker(case.build, box, config, "second"))
        wait_for("the message is acknowledged", lambda: box.message(identity)["state"] == "acked")
        require_equal(box, f"{case.name}, killed at {service} call {nth}")
        return killed
    finally:
        for worker in workers:
            worker.end(signal.SIGKILL)
        box.stop()


def reached(box, service, identity):
    if any(e["operation"] == "hung" for e in box.journal(service)):
        return "hung"
    return "done" if box.message(identity)["state"] == "acked" else None


def answered(box, service):
    return any(e["operation"] != "hung" and (e.get("fault") or "").endswith("hang") for e in box.journal(service))


def every_point(case, service):
    """Tries n = 1, 2, ... until a run makes fewer calls; some in parallel."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=harness.PARALLEL) as pool:
        for first in range(1, LIMIT, harness.PARALLEL):
            numbers = range(first, first + harness.PARALLEL)
            killed = list(pool.map(lambda nth: attempt(case, service, nth), numbers))
            if not all(killed):
                return first - 1 + sum(killed)
    raise Failure(f"{service}: more than {LIMIT} calls")


def sampled_points(case, service, calls):
    """Tries SAMPLE values of n, evenly spread over the calls."""
    numbers = [1 + calls * (2 * i + 1) // (2 * SAMPLE) for i in range(SAMPLE)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=harness.PARALLEL) as pool:
        return sum(pool.map(lambda nth: attempt(case, service, nth), numbers))


def load(case, folder):
    """Runs once without faults; returns the number of calls by service."""
    box, config = case.open(folder)
    try:
        services = (case.source.name, "bigquery")
        before = {service: len(box.journal(service)) for service in services}
        code, _, errors = harness.run_once(case.build, box, config)
        if code != 0:
            raise Failure(f"{case.name}: `caseload run` ended with {code}: {errors}")
        calls = {service: len(box.journal(service)) - before[service] for service in services}
        require_equal(box, case.name)
        return calls
    finally:
        box.stop()


def week_later(build, source):
    """The second case, and the number of calls that its message takes."""
    settings, folder = {"streams": None}, harness.work_folder(build, f"kill-{source.name}-loaded")
    empty, loaded = folder / "empty.db", folder / "loaded.db"
    empty.touch()
    load(Case(build, source, "loaded", settings, source.kill.loaded, database=empty), folder)
    (folder / "sandbox.db").rename(loaded)
    case = Case(build, source, "week", settings, source.kill.loaded, source.kill.changed, loaded)
    return case, load(case, folder)


def try_source(build, source, services):
    first = Case(build, source, "first", {"start_date": source.kill.start}, source.kill.first)
    week, calls = week_later(build, source) if source.kill.loaded else (None, {})
    points = 0
    for service in services:
        began = time.monotonic()
        killed = every_point(first, service)
        print(f"ok    killed at each of {killed} calls to {service:10} {time.monotonic() - began:6.2f} s", flush=True)
        points += killed
        if not week:
            continue
        began = time.monotonic()
        some = sampled_points(week, service, calls[service])
        print(f"ok    killed at {some} of {calls[service]} calls to {service}, a week later "
              f"{time.monotonic() - began:6.2f} s", flush=True)
        points += some
    return points


def main():
    build, wanted = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    points = 0
    for source in sources.ALL.values():
        services = [source.name] + (["bigquery"] if source is sources.INTERCOM else [])
        services = [service for service in services if not wanted or service in wanted]
        points += try_source(build, source, services) if services else 0
    print(f"{points} passed, 0 failed")
    return 0 if points > 10 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"FAIL  {failure}\n0 passed, 1 failed")
        sys.exit(1)
