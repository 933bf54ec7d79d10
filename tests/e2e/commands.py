#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The operator's commands: what they print and how they end, on a terminal and elsewhere.

    commands.py BUILD [PART OF A NAME]
"""
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import threading
import traceback

import harness
import sources
from harness import Failure


def demand(condition, text):
    if not condition:
        raise Failure(text)


class Terminal:
    """A command whose standard error is a terminal of 80 columns."""

    def __init__(self, case, *words, env=None):
        master, slave = pty.openpty()
        self.text = ""
        self.process = subprocess.Popen([str(case.build / "src/app/caseload"), *words], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=slave, text=True,
                                        env={**harness.environment(case.box), "TERM": "xterm", **(env or {})})
        os.close(slave)
        self.reader = threading.Thread(target=self.read, args=(master,))
        self.reader.start()

    def read(self, master):
        try:
            while data := os.read(master, 65536):
                self.text += data.decode(errors="replace")
        except OSError:  # the other end is closed
            pass
        os.close(master)

    def until(self, pattern):
        harness.wait_for(f"on the terminal: {pattern}", lambda: re.search(pattern, self.text))

    def end(self, number=None):
        """(exit code, stdout)"""
        if number:
            self.process.send_signal(number)
        out = self.process.communicate(timeout=harness.TIMEOUT_S)[0]
        self.reader.join()
        return self.process.returncode, out

    def lines(self):
        return [line for line in re.sub(r"\x1b\[[0-9]*[A-Za-z]", "", self.text).replace("\r", "").split("\n") if line]


class Case:
    """A sandbox of its own, and its configuration."""

    def __init__(self, build, name, **options):
        self.build = build
        self.folder = harness.work_folder(build, f"commands_{name}")
        self.box = harness.Sandbox(build, self.folder, **options)
        self.box.post("/control/subscription", {"project": harness.PROJECT, "subscription": harness.SUBSCRIPTION})

    def config(self, **overrides):
        path = self.folder / "caseload.json"
        path.write_text(json.dumps(harness.base_config(self.box, **overrides), indent=1))
        return str(path)

    def fill(self, kind="contacts", count=100, **more):
        self.box.post("/control/workspace",
                      {"fill": {"kind": kind, "from": "2026-01-05", "to": "2026-03-01", "count": count, **more}})

    def run(self, *words, code=0, env=None):
        """(stdout, stderr) of a command, which ends with this code."""
        done = harness.run_command(self.build, self.box, *words, env=env)
        demand(done[0] == code, f"caseload {' '.join(words)}: exit code {done[0]}, not {code}:\n{done[1]}{done[2]}")
        return done[1], done[2]

    def json(self, *words, code=0):
        document = json.loads(self.run(*words, "--json", code=code)[0])
        demand(document["version"] == 1, f"{words}: no version: {document}")
        return document

    def requests(self, service="intercom"):
        return len(self.box.journal(service))


def narrow(text):
    """No line is wider than a terminal."""
    for line in text.splitlines():
        demand(len(line) <= 80, f"{len(line)} columns: {line}")
    return text


def init(case):
    path = case.folder / "new.json"
    case.run("init", "--output", str(path))
    written = path.read_text()
    demand("refus" not in case.run("init", "--output", str(path), code=64)[0], "init overwrote a file")
    demand(path.read_text() == written, "init overwrote a file")
    shown = {row["setting"]: row["value"] for row in case.json("config", "show", "-c", str(path))["settings"]}
    described = case.run("config", "show", "-c", str(path))[0]
    for name in shown:
        demand(f'"{name.split(".")[-1]}":' in written, f"init does not write {name}")
        demand(name in described, f"config show lacks {name}")
    # each default that is a comment is the default: nothing changes when it is turned on
    turned_on = re.sub(r'^( *)// ("\w+": (?!.*"\.\.\.").*,)$', r"\1\2", written, flags=re.M)
    turned_on = re.sub(r'^ *"(maximum_bytes_billed|log_level)".*\n', "", turned_on, flags=re.M)
    demand(turned_on != written, "init writes no defaults")
    path.write_text(turned_on)
    again = {row["setting"]: row["value"] for row in case.json("config", "show", "-c", str(path))["settings"]}
    demand(again == shown, f"a default of init is another one: {set(again.items()) ^ set(shown.items())}")


def config(case):
    path = case.config()
    env = {**harness.environment(case.box), "CASELOAD_SETTLE_MINUTES": "7"}
    text = narrow(case.run("config", "show", "-c", path, "--origin", "--lookback-days", "3", env=env)[0])
    for line in (r"^lookback_days +flag +3$", r"^settle_minutes +environment +7$", r"^dataset +file +intercom$",
                 r"^timezone +default +Etc/UTC$", r"^source.token +file +\*\*\* from \{\"env\":\"INTERCOM_TOKEN\"\}$"):
        demand(re.search(line, text, re.M), f"not there: {line}\n{text}")
    demand(sources.TOKEN not in text, "config show prints the token")
    demand("show" in case.run("config", "shwo", "-c", path, code=64)[1], "no hint")
    demand(case.requests() == 0, "config show makes requests")


def plan(case):
    case.fill(count=3000)
    case.fill("conversations", count=150, children=4)
    path = case.config(streams=["contacts", "conversations", "conversation_parts", "admins"])
    before = case.box.get("/bigquery/v2/projects/demo-project/datasets").get("datasets", [])
    for words in (["plan"], ["run", "--dry-run"]):
        text = narrow(case.run(*words, "-c", path)[0])
        demand("Nothing was loaded." in text and re.search(r"^contacts .*3,000 ", text, re.M), f"not there: {text}")
    planned = {row["stream"]: row for row in case.json("plan", "-c", path, "--detailed-exitcode", code=2)["streams"]}
    demand(case.box.get("/bigquery/v2/projects/demo-project/datasets").get("datasets", []) == before, "plan made a dataset")
    loaded = {row["stream"]: row for row in case.json("run", "-c", path)["streams"]}
    for name in ("contacts", "conversations", "admins"):
        plan, load = planned[name], loaded[name]
        print(f"      {name}: planned {plan['records']} records, {plan['requests']} requests; "
              f"loaded {load['fetched']}, {load['requests']}")
        demand(plan["records"] == load["fetched"], f"{name}: {plan} {load}")
        demand(abs(plan["requests"] - load["requests"]) <= max(1, load["requests"] // 10), f"{name}: {plan} {load}")
    again = {row["stream"]: row for row in case.json("plan", "-c", path)["streams"]}
    demand(again["admins"]["units"] == 0, f"admins are read again: {again}")
    demand(again["contacts"]["units"] < planned["contacts"]["units"], f"contacts are read again: {again}")
    case.box.call("POST", "/control/faults", "intercom contacts.search * status 403")
    demand("forbidden" in case.run("plan", "-c", path)[0], "a forbidden stream is not shown")


# By source: what fills the workspace, the streams, and settings.
FROM_TO = {"from": "2026-01-05", "to": "2026-03-01"}
PLANNED = {
    "intercom": (
        [{"fill": {"kind": "contacts", **FROM_TO, "count": 1200}},
         {"fill": {"kind": "conversations", **FROM_TO, "count": 200, "children": 5}}],
        ["contacts", "conversations", "conversation_parts", "companies", "company_segments",
         "tickets", "ticket_parts", "activity_logs", "articles", "tags"], {}),
    "helpscout": (
        [{"fill": {"kind": "conversations", **FROM_TO, "count": 600}}, {"fill": {"kind": "customers", **FROM_TO, "count": 700}},
         {"fill": {"kind": "happiness_ratings", **FROM_TO, "count": 450}}],
        ["conversations", "conversation_threads", "customers", "happiness_ratings", "organizations", "mailboxes",
         "mailbox_fields", "mailbox_folders", "users", "teams", "team_members", "workflows", "tags"], {}),
    "comagic": (
        [{"fill": {"kind": kind, **FROM_TO, "count": 300}} for kind in sources.REPORTS] +
        [{"fill": {"kind": "calls", "from": "2026-02-01", "to": "2026-02-02", "count": 21000}}],
        [*sources.REPORTS, "campaign_daily_stat", "employees", "campaigns", "sites", "tags", "contacts"], {}),
}


def plan_of(case, path):
    """The plan is compared with the load that follows: records exact, requests within a tenth."""
    plan = case.json("plan", "-c", path)
    after = max(entry["n"] for entry in case.box.journal(None))
    load = case.json("run", "-c", path)
    planned, loaded = ({row["stream"]: row for row in part["streams"]} for part in (plan, load))
    for name, row in loaded.items():
        told = planned[name]
        print(f"      {name}: planned {told['records']} records, {told['child_rows']} child rows, {told['requests']} requests; "
              f"loaded {row['fetched']}, {row['inserted'] - row['fetched']}, {row['requests']}")
        demand(told["records"] == row["fetched"], f"{name}: {told} {row}")
        demand(abs(told["requests"] - row["requests"]) <= max(1, row["requests"] // 10), f"{name}: {told} {row}")
    billed = sum(entry["billed"] for entry in case.box.journal("bigquery", after)
                 if entry["operation"] == "job" and entry["type"] == "QUERY")
    print(f"      planned {plan['bytes_billed'] // 10**6} MB billed, {plan['bytes']} bytes; billed {billed // 10**6} MB")
    demand(0.7 * billed <= plan["bytes_billed"] <= 1.4 * billed, f"planned to bill {plan['bytes_billed']}, billed {billed}")
    return planned, loaded, plan


def plan_sources(case):
    for name, (fills, streams, settings) in PLANNED.items():
        one = Case(case.build, f"plan_{name}", source=name)
        try:
            for fill in fills:
                one.box.change(fill, name)
            path = one.config(streams=streams, source=settings)
            planned, loaded, plan = plan_of(one, path)
            demand(plan["bytes"] is None and plan["is_billed_least"], f"sizes are known before a load: {plan}")
            if "conversations" in planned:  # of a sample: it tells the order
                rows = loaded["conversations"]["inserted"] - loaded["conversations"]["fetched"]
                demand(abs(planned["conversations"]["child_rows"] - rows) <= rows // 3, f"{planned['conversations']} {rows}")
            text = narrow(one.run("plan", "-c", path, "--from", "2026-01-05", "--to", "2026-02-28")[0])
            demand("as earlier loads were measured" in text and "?" not in text, f"not there: {text}")
        finally:
            one.box.stop()


def check(case):
    case.fill(count=30)
    streams = ["contacts", "tags"]
    datasets = "/bigquery/v2/projects/demo-project/datasets"

    def statuses(*words, code=0, **overrides):
        before = case.box.get(datasets)
        document = case.json("check", "-c", case.config(**overrides), *words, code=code)
        narrow(case.run("check", "-c", case.config(**overrides), *words, code=code)[0])
        demand(case.box.get(datasets) == before, "check wrote something")
        return {row["check"]: (row["status"], row["text"]) for row in document["checks"]}

    found = statuses("--offline", streams=streams)
    demand(list(found) == ["settings"] and case.requests() == 0, f"--offline asks: {found}")
    found = statuses(streams=streams)
    demand(found["intercom"][0] == "ok" and "2 of 2 streams" in found["intercom"][1], f"{found}")
    demand("the first run makes it" in found["bigquery"][1], f"{found}")
    demand(found["pub/sub"][0] == "warn" and "no dead letters" in found["pub/sub"][1], f"{found}")
    case.run("run", "-c", case.config(streams=streams))
    found = statuses("--strict", streams=streams, code=1)
    demand(found["tables"] == ("ok", "3 tables, all as this version wants them"), f"{found}")
    found = statuses(streams=streams, timezone="Europe/Paris", code=78)
    demand(found["origin"][0] == "FAIL" and "Etc/UTC" in found["origin"][1], f"{found}")
    case.box.call("POST", "/control/faults", "intercom tags * status 403")
    found = statuses(streams=streams)
    demand(found["tags"] == ("warn", 'the token lacks "Read tags"; tags is skipped until it has it'), f"{found}")
    case.box.call("DELETE", "/control/faults")
    case.box.call("POST", "/control/faults", "intercom * * status 401")
    demand(statuses(streams=streams, code=77)["intercom"][0] == "FAIL", "a refused token")
    case.box.call("DELETE", "/control/faults")
    found = statuses(streams=streams, endpoints={"bigquery": "http://127.0.0.1:9"}, code=69)
    demand(found["bigquery"][0] == "FAIL" and "within 5 s" in found["bigquery"][1], f"{found}")
    demand(found["intercom"][0] == "ok" and found["pub/sub"][0] == "warn", f"one dead service hides another: {found}")
    found = statuses(streams=streams, source={"base_url": "http://127.0.0.1:9"}, code=69)
    demand(found["intercom"][0] == "FAIL" and found["tables"][0] == "ok", f"{found}")
    demand("subscription" in statuses(streams=streams, subscription=None)["pub/sub"][1], "no subscription")


def preview(case):
    case.fill("conversations", count=12, children=3)
    case.box.post("/control/workspace", {"add": {"kind": "contacts", "record": {
        "type": "contact", "updated_at": 1772000000, "created_at": 1772000000, "email": "a\x1b[31mb", "new_field": 7}}})
    path = case.config(streams=["contacts", "conversations", "conversation_parts"])
    document = case.json("preview", "conversations", "-c", path, "--limit", "2")
    own = [row for row in document["rows"] if row["table"] == "conversations"]
    demand(len(own) == 2 and len(document["rows"]) >= 4, f"{document}")
    demand(all(row["row"]["partition_date"] for row in document["rows"]), f"{document}")
    rejected = case.json("preview", "contacts", "-c", path)["rejected"]
    demand(len(rejected) == 1 and "id" in rejected[0]["reason"], f"{rejected}")
    text = narrow(case.run("preview", "conversations", "-c", path)[0])
    demand("partition_date" in text and "Nothing was loaded." in text, text)
    demand("did you mean" in case.run("preview", "contcts", "-c", path, code=64)[1], "no hint")
    case.run("preview", "contacts", "-c", path, "--limit", "0", code=64)
    demand(case.requests("bigquery") == 0, "preview asks BigQuery")


def progress(case):
    case.fill(count=600)
    path = case.config()
    case.box.call("POST", "/control/faults", "intercom contacts.search 3 hang")
    shown = Terminal(case, "run", "-c", path)
    shown.until(r"contacts +unit \d+ of 9   2026-\d\d-\d\d   [\d,]+ records   [\d,]+/s")
    shown.until(r"overall +\d+ %   requests \d+   rejected 0")
    shown.process.send_signal(signal.SIGUSR1)
    shown.until(r"info +contacts +unit")
    code, out = shown.end(signal.SIGINT)
    demand(code == 75, f"exit code {code}: {shown.text}")
    demand(re.search(r"^stopped; \d+ of 9 units are committed, the same command goes on from there$",
                     "\n".join(shown.lines()), re.M), shown.text)
    for line in shown.lines():
        demand(len(line) <= 80 or re.match(r"\d\d:\d\d:\d\d  |caseload: ", line), f"{len(line)} columns: {line}")
    demand("{" not in shown.lines()[0], "JSON on a terminal")
    narrow(out)
    case.box.call("DELETE", "/control/faults")
    for env, colours in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        path = case.config(streams=["contacts", "tags"])
        case.box.call("POST", "/control/faults", "intercom tags * status 403")
        done = Terminal(case, "run", "-c", path, env=env)
        demand(done.end()[0] == 3, done.text)
        demand(("\x1b[33m" in done.text) == colours, f"{env}: {done.text!r}")
        demand(env != {"TERM": "dumb"} or "\x1b" not in done.text, f"{done.text!r}")
    case.box.call("DELETE", "/control/faults")
    quiet = Terminal(case, "run", "-c", path, "--quiet")
    demand(quiet.end()[0] == 0 and quiet.text == "", f"--quiet: {quiet.text!r}")


def elsewhere(case):
    """Without a terminal: SIGUSR1 logs a record and does not kill."""
    case.fill(count=600)
    case.box.call("POST", "/control/faults", "intercom contacts.search 3 hang")
    worker = harness.Worker(case.build, case.box, case.config(), "run", ("run",))
    harness.wait_for("a page", lambda: any(e["operation"] == "contacts.search" and e.get("status") == 200
                                           for e in case.box.journal("intercom")))
    worker.send(signal.SIGUSR1)
    harness.wait_for("progress", lambda: worker.events("progress"))
    event = worker.events("progress")[0]
    demand(event["severity"] == "INFO" and "units" in event and "requests" in event, f"{event}")
    case.box.call("DELETE", "/control/faults")
    worker.end(signal.SIGTERM)


DEAD = "http://127.0.0.1:9"
# A state: what is done to the sandbox, what the configuration has, and the exit codes of the commands below.
STATES = (
    ("nothing loaded", [], {}, {"check": 0, "plan": 0, "preview": 0, "run": 0}),
    ("loaded", [], {}, {"check": 0, "plan": 0, "preview": 0, "run": 0}),
    ("a stream fails", ["intercom contacts.search * status 400"], {},
     {"check": 69, "plan": 65, "preview": 65, "run": 3}),
    ("no permission", ["intercom contacts.search * status 403", "intercom tags * status 403"], {},
     {"check": 77, "plan": 0, "preview": 77, "run": 3}),
    ("a dead BigQuery", [], {"endpoints": {"bigquery": DEAD}}, {"check": 69, "plan": 69, "preview": 0, "run": 69}),
    ("a dead source", [], {"source": {"base_url": DEAD}}, {"check": 69, "plan": 69, "preview": 69, "run": 69}),
)


def table(case):
    """Each command in each state: its exit code, 80 columns, and one JSON document or none."""
    case.fill(count=40)
    for name, faults, overrides, codes in STATES:
        path = case.config(streams=["contacts", "tags"], patience="1s", **overrides)
        for fault in faults:
            case.box.call("POST", "/control/faults", fault)
        for command, code in codes.items():
            words = [command, *(["contacts"] if command == "preview" else []), "-c", path]
            for form in ([], ["--json"]):
                try:
                    out, err = case.run(*words, *form, code=code)
                except Failure as failure:
                    raise Failure(f"{name}: {failure}") from None
                demand(code == 0 or out or err, f"{name}: {command} ends with {code} and says nothing")
                if form and out:
                    demand(json.loads(out)["version"] == 1, f"{name}: {command}: {out}")
                elif not form:
                    narrow(out)
        case.box.call("DELETE", "/control/faults")


CASES = [init, config, plan, plan_sources, check, preview, progress, elsewhere, table]


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    failed = 0
    for run in CASES:
        if part not in run.__name__:
            continue
        case = Case(build, run.__name__)
        try:
            run(case)
            print(f"ok    {run.__name__}")
        except Exception as problem:  # a mistake in one case must not end the others
            failed += 1
            print(f"FAIL  {run.__name__}: {problem if isinstance(problem, Failure) else traceback.format_exc()}")
        finally:
            case.box.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
