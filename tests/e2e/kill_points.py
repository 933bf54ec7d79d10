#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at a request: the nth call to the source or the warehouse hangs, the worker is killed there, another one
serves the message that comes back. The warehouse must equal the truth each time.

Two places: contacts that are loaded for the first time, where n grows until a run passes untouched; and a workspace
of which every default stream was loaded a week ago, in which everything has changed since and the reconciliations are
due, where n is a sample.

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
from harness import Failure, Sandbox, Worker, wait_for

LIMIT = 200
SAMPLE = 10  # of each service's calls
SERVICES = ["intercom", "bigquery"]
FIRST = [{"fill": {"from": "2026-02-20", "to": "2026-03-02", "count": 60}}]
LOADED = [
    {"fill": {"from": "2026-02-01", "to": "2026-03-01", "count": 40}},
    {"fill_conversations": {"from": "2026-02-25", "to": "2026-03-01", "count": 12, "parts": 3}},
]
CHANGED = [
    {"touch": {"count": 8}},
    {"touch_companies": {"count": 8}},
    {"touch_tickets": {"count": 4}},
    {"admins": "join"},
    {"merge": {"count": 2}},
    {"delete_contacts": {"count": 2}},
    {"delete_conversations": {"count": 2}},
    {"delete_companies": {"count": 2}},
]


class Place:
    """A world, a configuration, and what the warehouse holds when the message comes."""

    def __init__(self, build, name, settings, world, changed=(), database=None):
        self.build, self.name, self.settings = build, name, settings
        self.world, self.changed = world, changed
        self.database = database  # a file; None: nothing was loaded yet

    def open(self, folder):
        """A sandbox, and the configuration for it. What was loaded is a copy; the world is made again."""
        database = shutil.copy(self.database, folder / "sandbox.db") if self.database else ":memory:"
        box = Sandbox(self.build, folder, database=str(database))
        box.post("/control/subscription", {"project": harness.PROJECT, "subscription": harness.SUBSCRIPTION})
        for change in self.world:
            box.post("/control/world", change)
        if self.changed:
            box.post("/control/clock", {"set": "2026-03-09T05:00:00Z"})
        for change in self.changed:
            box.post("/control/world", change)
        config = folder / "caseload.json"
        config.write_text(json.dumps(harness.base_config(box, **self.settings)))
        return box, config


def judge(box, what):
    report = box.get("/control/compare?dataset=intercom&latest=1")
    if not report["equal"]:
        raise Failure(f"{what}: the warehouse differs: {report}")


def attempt(place, service, nth):
    """True: the nth call came, the worker was killed there, and nothing was lost or doubled."""
    folder = harness.work_folder(f"kill-{place.name}-{service}-{nth}")
    box, config = place.open(folder)
    workers = []
    try:
        box.call("POST", "/control/faults", f"{service} * {nth} hang")
        identity = box.publish()
        workers.append(Worker(place.build, box, config, "first"))
        killed = wait_for("the call, or the end", lambda: reached(box, service, identity)) == "hung"
        workers[0].end(signal.SIGKILL)
        box.call("DELETE", "/control/faults")
        if killed:  # the call is still done, and a scroll of the dead worker's may begin with it
            wait_for("the call is answered", lambda: answered(box, service))
        box.post("/control/clock", {"advance_s": 3600})
        workers.append(Worker(place.build, box, config, "second"))
        wait_for("the message is acknowledged", lambda: box.message(identity)["state"] == "acked")
        judge(box, f"{place.name}, killed at {service} call {nth}")
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


def every_point(place, service):
    """A few at a time, until one passes untouched."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=harness.SIDE_BY_SIDE) as pool:
        for first in range(1, LIMIT, harness.SIDE_BY_SIDE):
            numbers = range(first, first + harness.SIDE_BY_SIDE)
            killed = list(pool.map(lambda nth: attempt(place, service, nth), numbers))
            if not all(killed):
                return first - 1 + sum(killed)
    raise Failure(f"{service}: more than {LIMIT} calls")


def sampled_points(place, service, calls):
    """Evenly spread over so many calls."""
    numbers = [1 + calls * (2 * i + 1) // (2 * SAMPLE) for i in range(SAMPLE)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=harness.SIDE_BY_SIDE) as pool:
        return sum(pool.map(lambda nth: attempt(place, service, nth), numbers))


def load(place, folder):
    """Runs once, undisturbed; how many calls that took, by service."""
    box, config = place.open(folder)
    try:
        before = {service: len(box.journal(service)) for service in SERVICES}
        code, _, errors = harness.run_once(place.build, box, config)
        if code != 0:
            raise Failure(f"{place.name}: `caseload run` ended with {code}: {errors}")
        calls = {service: len(box.journal(service)) - before[service] for service in SERVICES}
        judge(box, place.name)
        return calls
    finally:
        box.stop()


def week_later(build):
    """The place, and how many calls its message takes."""
    settings, folder = {"streams": None}, harness.work_folder("kill-loaded")
    empty, loaded = folder / "empty.db", folder / "loaded.db"
    empty.touch()
    load(Place(build, "loaded", settings, LOADED, database=empty), folder)
    (folder / "sandbox.db").rename(loaded)
    place = Place(build, "week", settings, LOADED, CHANGED, loaded)
    return place, load(place, folder)


def main():
    build, services = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:] or SERVICES
    contacts = Place(build, "contacts", {"start_date": "2026-02-20"}, FIRST)
    week, calls = week_later(build)
    points = 0
    for service in services:
        began = time.monotonic()
        killed = every_point(contacts, service)
        print(f"ok    killed at each of {killed} calls to {service:10} {time.monotonic() - began:6.2f} s", flush=True)
        began = time.monotonic()
        some = sampled_points(week, service, calls[service])
        print(f"ok    killed at {some} of {calls[service]} calls to {service}, a week later "
              f"{time.monotonic() - began:6.2f} s", flush=True)
        points += killed + some
    print(f"{points} passed, 0 failed")
    return 0 if points > 10 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"FAIL  {failure}\n0 passed, 1 failed")
        sys.exit(1)
