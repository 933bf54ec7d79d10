#!/usr/bin/env python3
"""kill -9 at every request: the nth call to the source or the warehouse hangs, the worker is killed there, another one
serves the message that comes back. n grows until a run passes untouched. The warehouse must equal the truth each time.

    kill_points.py BUILD [SERVICE ...]
"""
import concurrent.futures
import json
import os
import pathlib
import signal
import sys
import time

import harness
from harness import Failure, Sandbox, Worker, wait_for

LIMIT = 200


def attempt(build, service, nth):
    """True: the nth call came, the worker was killed there, and nothing was lost or doubled."""
    folder = harness.work_folder(f"kill-{service}-{nth}")
    box = Sandbox(build, folder, database=":memory:")
    workers = []
    try:
        box.post("/control/subscription", {"project": harness.PROJECT, "subscription": harness.SUBSCRIPTION})
        box.post("/control/world", {"fill": {"from": "2026-02-20", "to": "2026-03-02", "count": 60}})
        config = folder / "caseload.json"
        config.write_text(json.dumps(harness.base_config(box, start_date="2026-02-20")))
        box.call("POST", "/control/faults", f"{service} * {nth} hang")
        identity = box.publish()
        workers.append(Worker(build, box, config, "first"))
        killed = wait_for("the call, or the end", lambda: reached(box, service, identity)) == "hung"
        workers[0].end(signal.SIGKILL)
        box.call("DELETE", "/control/faults")
        box.post("/control/clock", {"advance_s": 3600})
        workers.append(Worker(build, box, config, "second"))
        wait_for("the message is acknowledged", lambda: box.message(identity)["state"] == "acked")
        report = box.get("/control/compare?dataset=intercom")
        if not report["equal"]:
            raise Failure(f"killed at {service} call {nth}: the warehouse differs: {report}")
        return killed
    finally:
        for worker in workers:
            worker.end(signal.SIGKILL)
        box.stop()


def reached(box, service, identity):
    if any(e["operation"] == "hung" for e in box.journal(service)):
        return "hung"
    return "done" if box.message(identity)["state"] == "acked" else None


def points_of(build, service):
    """A few at a time, until one passes untouched."""
    side_by_side = os.cpu_count() or 2
    with concurrent.futures.ThreadPoolExecutor(max_workers=side_by_side) as pool:
        for first in range(1, LIMIT, side_by_side):
            killed = list(pool.map(lambda nth: attempt(build, service, nth), range(first, first + side_by_side)))
            if not all(killed):
                return first - 1 + sum(killed)
    raise Failure(f"{service}: more than {LIMIT} calls")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    points = 0
    for service in sys.argv[2:] or ["intercom", "bigquery"]:
        began = time.monotonic()
        killed = points_of(build, service)
        print(f"ok    killed at each of {killed} calls to {service:10} {time.monotonic() - began:6.2f} s", flush=True)
        points += killed
    print(f"{points} passed, 0 failed")
    return 0 if points > 10 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"FAIL  {failure}\n0 passed, 1 failed")
        sys.exit(1)
