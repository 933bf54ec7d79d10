#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows the main job step by step against the sandbox, for one source: demo.py BUILD [SOURCE]; ./dev demo calls it.

Each step starts a new worker, sends it one message, and stops it when the message is acknowledged. So a worker knows
only what it reads from the warehouse. Exits with 0 only if the warehouse equals the sandbox's truth at the end.
"""
import json
import pathlib
import signal
import sys
import time

import harness
from harness import Failure, Sandbox, Worker, wait_for

COLUMNS = ("stream", "from", "to", "units", "requests", "fetched", "inserted", "rejected", "seconds", "outcome")
WIDTHS = (25, 10, 10, 5, 8, 7, 8, 8, 7, 9)


def row(values):
    print("  " + "  ".join(str(value).rjust(width) if i not in (0, 9) else str(value).ljust(width)
                           for i, (value, width) in enumerate(zip(values, WIDTHS))).rstrip())


class Demo:
    """The steps of a source are those of a class of its own."""
    source, zone, settings = "intercom", "America/Los_Angeles", {}

    def __init__(self, build, folder):
        self.build = build
        self.sandbox = Sandbox(build, folder, source=self.source, zone=self.zone)
        self.sandbox.post("/control/subscription", {"project": harness.PROJECT, "subscription": harness.SUBSCRIPTION})
        self.config = folder / "caseload.json"
        config = harness.base_config(self.sandbox, **self.settings)
        del config["streams"]  # the default ones
        self.config.write_text(json.dumps(config, indent=2) + "\n")
        self.steps = 0
        self.last = {}  # the last event of each stream

    def change(self, **change):
        self.sandbox.change(change, self.source)

    def step(self, title, deliver):
        """deliver() publishes a message and returns its id; a new worker serves it."""
        self.steps += 1
        print(f"\n{self.steps}. {title}")
        worker = Worker(self.build, self.sandbox, self.config, f"worker-{self.steps}")
        try:
            identity = deliver()
            wait_for("the message is acknowledged", lambda: self.acked(worker, identity))
        finally:
            code = worker.end(signal.SIGTERM)
        if code != 0:
            raise Failure(f"the worker ended with {code}; see {worker.path}")
        row(COLUMNS)
        for event in worker.events("stream_finished"):
            row([event["stream"], event["from"] or "-", event["to"] or "-", event["units"], event["requests"],
                 event["fetched"], event["inserted"], event["rejected"], f"{event['milliseconds'] / 1000:.2f}",
                 event["outcome"]])
            self.last[event["stream"]] = event

    def acked(self, worker, identity):
        if worker.process.poll() is not None:
            raise Failure(f"the worker ended with {worker.process.returncode}; see {worker.path}")
        return self.sandbox.message(identity)["state"] == "acked"

    def want(self, what, good):
        if not good:
            raise Failure(f"step {self.steps}: {what}: {json.dumps(self.last)}")

    def seek(self, instant):
        """Seeks the subscription to that time; returns the id of the newest message."""
        newest = self.sandbox.get("/control/pubsub")["messages"][-1]["id"]
        self.sandbox.post("/control/seek", {"project": harness.PROJECT, "subscription": harness.SUBSCRIPTION,
                                            "time": instant})
        return newest

    def show(self):
        report = self.sandbox.get(f"/control/compare?dataset={self.source}&service={self.source}&latest=1")
        print("\nFrom the warehouse itself:")
        print("  table                        rows  distinct keys  first version         last version")
        for table in report["streams"]:
            keys = "-" if table["stream"].endswith("_latest") else table["keys"]
            print(f"  {table['stream']:<24} {table['rows']:>8}  {keys:>13}  {table.get('first', '-')[:19]:<20}  "
                  f"{table.get('last', '-')[:19]}")
        if not report["equal"]:
            raise Failure("the warehouse differs from the truth: " + json.dumps(report)[:3000])
        print("  It equals the sandbox's truth: it has every record's newest version, every row is a version that\n"
              "  existed, field by field, no key is there twice, and each _latest has exactly the records not deleted.")


class IntercomDemo(Demo):
    look = "contacts"

    def play(self):
        box = self.sandbox
        self.change(fill={"kind": "contacts", "from": "2026-01-05", "to": "2026-03-01", "count": 6000})
        self.change(fill={"kind": "conversations", "from": "2026-01-05", "to": "2026-03-01", "count": 250, "children": 6})
        self.step("The first tick: everything since the start date, in weeks", box.publish)
        self.want("it loads all contacts", self.last["contacts"]["inserted"] == 6000)
        self.want("it loads all conversations", self.last["conversations"]["fetched"] == 250)

        box.post("/control/clock", {"advance_s": 86400})
        for kind in ("contacts", "conversations", "admins"):
            self.change(touch={"kind": kind, "count": 300})
        self.change(touch={"kind": "companies", "count": 20})
        self.change(merge={"kind": "contacts", "count": 5})
        self.change(remove={"kind": "conversations", "count": 3})
        self.change(touch={"kind": "contacts", "every": 50})
        seen = box.get("/control/clock")["now"]
        self.step("A day later; 300 contacts have changed, some change again while they are read, five were merged into others,\n"
                  "   three conversations were deleted, twenty companies have changed: the next tick", box.publish)
        self.want("it loads only what is newer", 300 <= self.last["contacts"]["inserted"] < 1000)
        self.change(touch={"kind": "contacts", "every": 0})

        self.step("The same tick again (seek of the subscription): nothing to load",
                  lambda: self.seek(seen))
        self.want("it loads nothing", not any(event["inserted"] or event["requests"] for event in self.last.values()))

        self.step("A backfill of a past month: it is read again, and nothing is inserted twice",
                  lambda: box.publish(json.dumps({"streams": ["contacts", "conversations"],
                                                  "from": "2026-01-10", "to": "2026-02-10"})))
        self.want("it inserts nothing", self.last["contacts"]["inserted"] == 0)

        deleted = box.query("SELECT COUNT(*) FROM intercom.contacts WHERE partition_date = '2026-02-12'")[0][0]
        box.query("DELETE FROM intercom.contacts WHERE partition_date = '2026-02-12'")
        self.step(f"A day ({deleted} rows) was deleted from the table: the next tick loads it again", box.publish)
        self.want("it restores what the source still has", self.last["contacts"]["inserted"] > 0)

        box.post("/control/clock", {"advance_s": 7 * 86400})
        self.change(remove={"kind": "contacts", "count": 10})
        self.step("A week later, ten contacts were deleted in Intercom: a reconciliation finds them", box.publish)
        self.want("it finds the deleted contacts", self.last["contacts_reconciliation"]["inserted"] == 10)


class ComagicDemo(Demo):
    source, zone, look = "comagic", "Europe/Moscow", "calls"
    settings = {"timezone": "Europe/Moscow", "lookback_days": 30}

    def play(self):
        box = self.sandbox
        self.change(fill={"kind": "calls", "from": "2026-01-05", "to": "2026-03-01", "count": 2500})
        self.change(fill={"kind": "chats", "from": "2026-01-05", "to": "2026-03-01", "count": 300})
        self.change(fill={"kind": "chat_messages", "from": "2026-01-05", "to": "2026-03-01", "count": 2000})
        self.step("The first tick: everything since the start date, in weeks", box.publish)
        self.want("it loads all calls", self.last["calls"]["inserted"] >= 2500)

        box.post("/control/clock", {"advance_s": 86400})
        self.change(fill={"kind": "calls", "from": "2026-03-02", "to": "2026-03-02", "count": 60})
        seen = box.get("/control/clock")["now"]
        self.step("A day later, after 60 more calls: the next tick loads them", box.publish)
        self.want("it loads only what is newer", self.last["calls"]["inserted"] == 60)

        self.step("The same tick again (seek of the subscription): nothing to load", lambda: self.seek(seen))
        self.want("it loads nothing", not any(event["inserted"] or event["requests"] for event in self.last.values()))

        box.post("/control/clock", {"advance_s": 3600})
        self.change(touch={"kind": "calls", "count": 300})
        self.change(touch={"kind": "chats", "count": 100})
        self.step("Tags were put on 300 calls, and chats went on; CoMagic has no time of change: the last 30 days are read again",
                  box.publish)
        self.want("it sees the changes", self.last["calls"]["content_changes"] > 50)

        self.change(page_most=100)
        self.step("A backfill of a past month, with pages that are shorter than asked for: nothing is inserted twice",
                  lambda: box.publish(json.dumps({"streams": ["calls"], "from": "2026-02-10", "to": "2026-02-20"})))
        self.want("it inserts nothing", self.last["calls"]["inserted"] == 0)

        deleted = box.query("SELECT COUNT(*) FROM comagic.calls WHERE partition_date = '2026-02-12'")[0][0]
        box.query("DELETE FROM comagic.calls WHERE partition_date = '2026-02-12'")
        self.step(f"A day ({deleted} rows) was deleted from the table: the next tick loads it again", box.publish)
        self.want("it restores what the source still has", self.last["calls"]["inserted"] > 0)


class HelpscoutDemo(Demo):
    source, zone, look = "helpscout", "America/New_York", "conversations"
    settings = {}

    def play(self):
        box = self.sandbox
        self.change(fill={"kind": "conversations", "from": "2026-01-05", "to": "2026-03-01", "count": 300})
        self.change(fill={"kind": "customers", "from": "2026-01-05", "to": "2026-03-01", "count": 3000})
        self.change(fill={"kind": "happiness_ratings", "from": "2026-01-05", "to": "2026-03-01", "count": 200})
        self.step("The first tick: everything since the start date, day by day", box.publish)
        self.want("it loads all conversations", self.last["conversations"]["fetched"] == 300)
        self.want("it loads all customers", self.last["customers"]["inserted"] == 3000)

        box.post("/control/clock", {"advance_s": 86400})
        self.change(touch={"kind": "conversations", "count": 60})
        self.change(touch={"kind": "customers", "count": 200})
        self.change(touch={"kind": "conversations", "every": 20})
        seen = box.get("/control/clock")["now"]
        self.step("A day later; 60 conversations and 200 customers have changed, some change again while they are read", box.publish)
        self.want("it loads only what is newer", 200 <= self.last["customers"]["inserted"] < 1000)
        self.change(touch={"kind": "conversations", "every": 0})

        self.step("The same tick again (seek of the subscription): nothing to load", lambda: self.seek(seen))
        self.want("it loads nothing", not any(event["inserted"] or event["requests"] for event in self.last.values()))

        self.step("A backfill of a past month: it is read again, and nothing is inserted twice",
                  lambda: box.publish(json.dumps({"streams": ["conversations", "customers"],
                                                  "from": "2026-01-10", "to": "2026-02-10"})))
        self.want("it inserts nothing", self.last["customers"]["inserted"] == 0)


DEMOS = {demo.source: demo for demo in (IntercomDemo, HelpscoutDemo, ComagicDemo)}


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path("build/demo").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*"):
        old.unlink()
    began = time.monotonic()
    name = sys.argv[2] if len(sys.argv) > 2 else Demo.source
    if name not in DEMOS:
        print(f"there is no demo of {name}; there are: {', '.join(DEMOS)}", file=sys.stderr)
        return 64
    demo = DEMOS[name](build, folder)
    try:
        demo.play()
        demo.show()
    except Failure as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    finally:
        demo.sandbox.stop()
    database = pathlib.Path(demo.sandbox.database)
    if pathlib.Path.cwd() in database.parents:
        database = database.relative_to(pathlib.Path.cwd())
    print(f"\n{time.monotonic() - began:.0f} seconds. To look at the tables:")
    print(f"  sqlite3 -box {database} \"SELECT partition_date, COUNT(*) AS {demo.look} FROM {demo.look} GROUP BY 1 "
          "ORDER BY 1 DESC LIMIT 7\"")
    return 0


if __name__ == "__main__":
    sys.exit(main())
