#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs caseload with Google's own Pub/Sub emulator; BigQuery and Intercom are the sandbox.

    emulator.py BUILD

The emulator uses real time, so two waits are unavoidable and run in parallel: one nack's delay (20 s) and one lease
that lapses (10 s). Exit code 77 if no emulator is installed.
"""
import concurrent.futures
import copy
import datetime
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
import harness  # noqa: E402
from harness import PROJECT, Failure, wait_for  # noqa: E402

SKIPPED = 77
PACKAGE = "google-cloud-cli-pubsub-emulator"


def find_jar():
    if not shutil.which("java") or not shutil.which("dpkg-query"):
        return None
    listing = subprocess.run(["dpkg-query", "-L", PACKAGE], capture_output=True, text=True, check=False).stdout
    return next((line for line in listing.splitlines() if line.endswith("-all.jar")), None)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Emulator:
    """The emulator and its REST interface, which shares the port with gRPC."""

    def __init__(self, jar, folder):
        self.port = free_port()
        self.log = open(folder / "emulator.log", "wb")
        self.process = subprocess.Popen(["java", "-jar", jar, "--host=127.0.0.1", f"--port={self.port}"],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_for("the emulator listens", self.answers)

    def answers(self):
        try:
            return self.call("GET", "topics") is not None
        except OSError:
            return False

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/projects/{PROJECT}/{path}", method=method,
                                         data=json.dumps(body).encode() if body is not None else None,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def make(self, name, **settings):
        self.call("PUT", f"topics/{name}")
        self.call("PUT", f"subscriptions/{name}",
                  {"topic": f"projects/{PROJECT}/topics/{name}", "ackDeadlineSeconds": 10,
                   "retainAckedMessages": True, **settings})

    def publish(self, name, **attributes):
        message = {"attributes": {"sent-by": "the test", **attributes}}
        return self.call("POST", f"topics/{name}:publish", {"messages": [message]})["messageIds"][0]

    def pull(self, name):
        body = {"maxMessages": 10, "returnImmediately": True}
        return self.call("POST", f"subscriptions/{name}:pull", body).get("receivedMessages", [])

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


class Bench:
    """One subscription with a sandbox, and so a warehouse, of its own."""

    def __init__(self, build, emulator, folder, name, **settings):
        self.build, self.emulator, self.name = build, emulator, name
        self.folder = folder / name
        self.folder.mkdir(exist_ok=True)
        # The warehouse's clock stands still between calls: ahead of the emulator's, or its ticks would seem younger
        # than any run.
        start = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        self.sandbox = harness.Sandbox(build, self.folder, database=":memory:", start=f"{start:%Y-%m-%dT%H:%M:%SZ}")
        days = [start.date() - datetime.timedelta(days=n) for n in (20, 1)]
        self.sandbox.post("/control/workspace", {"fill": {"kind": "contacts", "from": str(days[0]), "to": str(days[1]), "count": 200}})
        emulator.make(name, **settings)
        self.config = self.folder / "caseload.json"
        self.config.write_text(json.dumps(harness.base_config(
            self.sandbox, subscription=name, start_date=str(days[0]), lease_seconds=10)))
        self.places = copy.copy(self.sandbox)
        self.places.pubsub = f"127.0.0.1:{emulator.port}"
        self.workers = []

    def serve(self):
        name = f"worker-{len(self.workers) + 1}"
        self.workers.append(harness.Worker(self.build, self.places, self.config, name))
        return self.workers[-1]

    def close(self):
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
        self.sandbox.stop()

    def finished(self, worker, identity, count=1, event="message_finished"):
        """The entries of the message in the worker's log, once there are so many."""
        def ask():
            if worker.process.poll() is not None:
                raise Failure(f"the worker ended with {worker.process.returncode}; see {worker.path}")
            found = [e for e in worker.events(event) if e["message_id"] == identity]
            return found if len(found) >= count else None
        return wait_for(f"message {identity} of {self.name} is served {count} times", ask)

    def hang(self):
        """The next search of contacts is never answered."""
        self.sandbox.post("/control/faults", "intercom contacts.search 1 hang\n")

    def hung(self, count):
        wait_for("a worker hangs", lambda: len([e for e in self.sandbox.journal("intercom")
                                                if e["operation"] == "hung"]) >= count)

    def expect_equal(self):
        answer = self.sandbox.get("/control/compare?dataset=intercom")
        if not answer["equal"]:
            raise Failure(f"the warehouse differs from the truth: {json.dumps(answer)[:500]}")

    def stop(self, worker):
        code = worker.end(signal.SIGTERM)
        if code != 0:
            raise Failure(f"the worker ended with {code}; see {worker.path}")


# --- cases: each gets a bench of its own ---

def tick_and_seek(bench):
    """A tick loads and is acknowledged; a seek into the past brings it back, and it is satisfied."""
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
    worker = bench.serve()
    tick = bench.emulator.publish(bench.name)
    first = bench.finished(worker, tick, 2, "stream_finished")  # contacts, and all their ids
    bench.finished(worker, tick)
    if [event["outcome"] for event in first] != ["loaded"] * 2:
        raise Failure(f"the tick did not load: {first}")
    bench.expect_equal()
    bench.emulator.call("POST", f"subscriptions/{bench.name}:seek", {"time": before.isoformat().replace("+00:00", "Z")})
    again = bench.finished(worker, tick, 4, "stream_finished")[2:]
    if [event["outcome"] for event in again] != ["satisfied"] * 2:
        raise Failure(f"the replayed tick was not satisfied: {again}")
    bench.stop(worker)
    time.sleep(11)  # longer than the deadline: what was not acknowledged would be there again
    if bench.emulator.pull(bench.name):
        raise Failure("the tick came again although it was acknowledged")


def nack_delay(bench):
    """A message that is not understood is given back, and comes again after the nack's delay, not before."""
    worker = bench.serve()
    bad = bench.emulator.publish(bench.name, stream="contacts")
    first, second = bench.finished(worker, bad, 2)[:2]
    pause = (datetime.datetime.fromisoformat(second["time"]) - datetime.datetime.fromisoformat(first["time"]))
    if not 19 <= pause.total_seconds() <= 60:
        raise Failure(f"it came again after {pause.total_seconds()} s, not after about 20 s")
    if [first["attempt"], second["attempt"]] != [1, 2]:
        raise Failure(f"the attempts are {first['attempt']} and {second['attempt']}, not 1 and 2")
    bench.stop(worker)


def killed(bench):
    """After kill -9 the message comes back when its lease is over, and everything arrives once."""
    bench.hang()
    first = bench.serve()
    tick = bench.emulator.publish(bench.name)
    bench.hung(1)
    if first.end(signal.SIGKILL) != -signal.SIGKILL:
        raise Failure("the worker was not killed")
    bench.sandbox.call("DELETE", "/control/faults")
    second = bench.serve()
    bench.finished(second, tick)
    bench.expect_equal()
    bench.stop(second)


def dead_letters(bench):
    """Five workers get SIGTERM during the load and return the message at once: it becomes a dead letter.

    (Five nacks of a bad message would take 20 + 40 + 80 + 160 s. The emulator counts deliveries, not nacks.)
    """
    attempts = 5
    tick = bench.emulator.publish(bench.name)
    for number in range(1, attempts + 1):
        bench.hang()
        worker = bench.serve()
        bench.hung(number)
        bench.stop(worker)
        bench.sandbox.call("DELETE", "/control/faults")
    worker = bench.serve()  # the emulator buries a message when it would be handed out once more
    wait_for("a sixth worker serves", lambda: worker.events("serving"))
    letters = wait_for("the dead letter is there", lambda: bench.emulator.pull("buried"))
    bench.stop(worker)
    if worker.events("stream_finished"):
        raise Failure("it was handed out a sixth time")
    if letters[0]["message"]["attributes"].get("sent-by") != "the test" or not tick:
        raise Failure(f"this is not our message: {letters}")
    if bench.emulator.pull(bench.name):
        raise Failure("it is in both subscriptions")


def run_case(build, emulator, folder, case, settings):
    bench = None
    try:
        bench = Bench(build, emulator, folder, case.__name__.replace("_", "-"), **settings)
        case(bench)
        return None
    except (Failure, OSError, KeyError, IndexError) as error:
        return f"{case.__name__}: {type(error).__name__}: {error}"
    finally:
        if bench:
            bench.close()


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: emulator.py BUILD")
    jar = find_jar()
    if not jar:
        print(f"skipped: Google's Pub/Sub emulator ({PACKAGE}, with java) is not installed")
        sys.exit(SKIPPED)
    build = pathlib.Path(sys.argv[1])
    folder = harness.work_folder(build, "emulator")
    emulator = Emulator(jar, folder)
    try:
        emulator.make("buried")
        dead = {"deadLetterPolicy": {"deadLetterTopic": f"projects/{PROJECT}/topics/buried", "maxDeliveryAttempts": 5}}
        cases = ((tick_and_seek, {}), (nack_delay, dead), (killed, {}), (dead_letters, dead))
        with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
            results = list(pool.map(lambda case: run_case(build, emulator, folder, *case), cases))
    finally:
        emulator.stop()
    for failure in filter(None, results):
        print(f"FAILED: {failure}")
    failed = len(list(filter(None, results)))
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
