#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The operator's commands: what they print and how they end, on a terminal and elsewhere.

    commands.py BUILD [PART OF A NAME]
"""
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import pty
import re
import signal
import socket
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


def several(case):
    """Streams that are loaded at the same time have a line each; with one worker one follows the other."""
    case.fill(count=600)
    case.fill(kind="conversations", count=60)
    path = case.config(streams=["contacts", "conversations"])
    for kind in ("contacts", "conversations"):
        case.box.call("POST", "/control/faults", f"intercom {kind}.search 2 hang")
    shown = Terminal(case, "run", "-c", path)
    shown.until(r"contacts +unit [^\n]*\n[^\n]*conversations +unit [^\n]*\n[^\n]*overall +\d+ %")
    shown.process.send_signal(signal.SIGUSR1)
    shown.until(r"info +contacts +unit[^$]*info +conversations +unit")
    code, _ = shown.end(signal.SIGTERM)
    demand(code == 75, f"exit code {code}: {shown.text}")
    for line in shown.lines():
        demand(len(line) <= 80 or re.match(r"\d\d:\d\d:\d\d  |caseload: ", line), f"{len(line)} columns: {line}")
    one = Terminal(case, "run", "-c", path, "--workers", "1")
    one.until(r"contacts +unit [^\n]*\n[^\n]*overall +\d+ %")
    one.end(signal.SIGTERM)
    demand(not re.search(r"^conversations", "\n".join(one.lines()), re.M), one.text)


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
# Commands that only read. RUN and RECORD are ids from `history` and `rejected list`.
QUESTIONS = {"check": ["check"], "plan": ["plan"], "preview": ["preview", "contacts"], "status": ["status"],
             "history": ["history"], "show": ["show", "RUN"], "rejected": ["rejected", "list"],
             "rejected show": ["rejected", "show", "RECORD"], "dead": ["dead", "list"]}
ANSWERED = {"check": 0, "plan": 0, "preview": 0, "status": 0, "history": 0, "show": 0, "rejected": 0, "rejected show": 0,
            "dead": 0}
# Of commands that ask BigQuery alone, when it is not there or refuses.
UNANSWERED = ("plan", "status", "history", "show", "rejected", "rejected show")


@dataclasses.dataclass
class State:
    """Faults and statements for the sandbox, settings, and the exit codes; those of ANSWERED are left out."""
    name: str
    codes: dict
    run: int
    faults: tuple = ()
    overrides: dict = dataclasses.field(default_factory=dict)
    statements: tuple = ()


HOLES = "DELETE FROM intercom.contacts WHERE partition_date BETWEEN DATE '2026-02-10' AND DATE '2026-02-12'"
STATES = (
    State("nothing loaded", {"status": 1, "show": 64, "rejected show": 64}, 3),  # a record has no id
    State("loaded", {}, 0),
    State("holes", {"status": 1}, 0, statements=(HOLES,)),
    State("a stream fails", {"check": 69, "plan": 65, "preview": 65}, 3, ("intercom contacts.search * status 400",)),
    State("after a failure", {"status": 1}, 0),
    State("BigQuery refuses", {"check": 77, **dict.fromkeys(UNANSWERED, 77)}, 77,
          ("bigquery * * status 403 reason=accessDenied",)),
    State("a dead BigQuery", {"check": 69, **dict.fromkeys(UNANSWERED, 69)}, 69, (),
          {"endpoints": {"bigquery": DEAD}}),
    State("a dead source", {"check": 69, "plan": 69, "preview": 69}, 69, (), {"source": {"base_url": DEAD}}),
    State("a dead Pub/Sub", {"check": 69, "dead": 69}, 0, (), {"endpoints": {"pubsub": DEAD}}),
    State("no permission", {"check": 77, "preview": 77}, 3,
          ("intercom contacts.search * status 403", "intercom tags * status 403")),
    State("after no permission", {"status": 1}, 0),
)


def ask(case, state, path, given, name):
    """One command in both forms: its exit code, 80 columns, and one JSON document or none. Returns what is wrong."""
    wrong = []
    for form in ([], ["--json"]):
        words = [given.get(word, word) for word in QUESTIONS[name]]
        code, out, err = harness.run_command(case.build, case.box, *words, "-c", path, *form)
        wanted = {**ANSWERED, **state.codes}[name]
        what = f"{state.name}: caseload {' '.join([*words, *form])}: "
        if code != wanted:
            wrong.append(f"{what}exit code {code}, not {wanted}: {out[-300:]}{err[-300:]}")
        if code and not out and not err:
            wrong.append(f"{what}it says nothing")
        if form and out:
            try:
                assert json.loads(out)["version"] == 1
            except (ValueError, KeyError, AssertionError):
                wrong.append(f"{what}no document with a version: {out[:300]}")
        is_wrapped = not form and name != "rejected show"  # which shows a record as it came
        wrong += [f"{what}{len(line)} columns: {line}" for line in out.splitlines() if is_wrapped and len(line) > 80]
    return wrong


def given_ids(case, path):
    """A run and a record, if there are any."""
    runs = harness.run_command(case.build, case.box, "history", "-c", path, "--json")
    records = harness.run_command(case.build, case.box, "rejected", "list", "-c", path, "--json")
    run = json.loads(runs[1])["attempts"] if runs[0] == 0 else []
    record = json.loads(records[1])["rejected"] if records[0] == 0 else []
    return {"RUN": run[0]["run_id"] if run else "none", "RECORD": record[0]["id"] if record else "none"}


def table(case):
    """Each command in each state, in one sandbox; those that only read run beside each other."""
    case.fill(count=40)
    case.box.post("/control/subscription", {"project": harness.PROJECT, "subscription": "caseload",
                                            "max_delivery_attempts": 5})
    case.box.post("/control/workspace", {"add": {"kind": "contacts", "record": {
        "type": "contact", "created_at": 1770000000, "updated_at": 1770000000, "name": {"a": 1}}}})
    wrong, given = [], {"RUN": "none", "RECORD": "none"}
    with concurrent.futures.ThreadPoolExecutor(harness.PARALLEL) as pool:
        for state in STATES:
            path = case.config(streams=["contacts", "tags"], patience="1s", **state.overrides)
            for statement in state.statements:
                case.box.query(statement)
            for fault in state.faults:
                case.box.call("POST", "/control/faults", fault)
            for found in pool.map(lambda name: ask(case, state, path, given, name), QUESTIONS):
                wrong += found
            code, out, err = harness.run_command(case.build, case.box, "run", "-c", path)
            if code != state.run:
                wrong.append(f"{state.name}: caseload run: exit code {code}, not {state.run}: {out[-300:]}{err[-300:]}")
            case.box.call("DELETE", "/control/faults")
            if given["RUN"] == "none":
                given = given_ids(case, case.config(streams=["contacts", "tags"]))
    demand(not wrong, "\n".join(wrong))


class SilentPort:
    """A port of this machine at which connections hang: the kernel does not even answer."""

    def __init__(self):
        self.sockets = [socket.socket()]
        self.sockets[0].bind(("127.0.0.1", 0))
        self.sockets[0].listen(0)
        self.address = "{}:{}".format(*self.sockets[0].getsockname())
        for _ in range(8):  # they fill its queue
            self.sockets.append(socket.socket())
            self.sockets[-1].setblocking(False)
            self.sockets[-1].connect_ex(self.sockets[0].getsockname())


def hangs(case):
    """A connection that hangs is logged before its service is given up, for each service; both within seconds."""
    silent = SilentPort()
    url = f"http://{silent.address}"
    asked = (("the source", ["preview", "contacts"], {"source": {"base_url": url}}, {}),
             ("BigQuery", ["status"], {"endpoints": {"bigquery": url}}, {}),
             ("Pub/Sub", ["backfill", "--from", "2026-01-05", "--to", "2026-02-01"], {"endpoints": {"pubsub": url}}, {}),
             ("the metadata server", ["status"], {"endpoints": {"bigquery": "https://bigquery.googleapis.com"}},
              {"GCE_METADATA_HOST": silent.address, "GOOGLE_APPLICATION_CREDENTIALS": "", "HOME": str(case.folder)}))

    def ask_one(number):
        name, words, overrides, variables = asked[number]
        path = case.folder / f"hangs-{number}.json"
        path.write_text(json.dumps(harness.base_config(case.box, patience="4s", streams=["contacts"], **overrides)))
        env = {**harness.environment(case.box), **variables}
        code, _, err = harness.run_command(case.build, case.box, *words, "-c", str(path), env=env)
        events = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
        names = [event["event"] for event in events]
        demand({"waiting_for_service", "waiting_for_credentials"} & set(names), f"{name}: nothing is logged before it is given up: {err}")
        demand(silent.address in err and code in (69, 78), f"{name}: exit code {code}: {err}")

    with concurrent.futures.ThreadPoolExecutor(len(asked)) as pool:
        for _ in pool.map(ask_one, range(len(asked))):
            pass


CASES = [init, config, plan, plan_sources, check, preview, progress, several, elsewhere, table, hangs]


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
