#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The operator's commands: what they print and how they end, on a terminal and elsewhere.

    commands.py BUILD [PART OF A NAME]
"""
import json
import pathlib
import re
import sys
import traceback

import harness
from harness import Failure


def demand(condition, text):
    if not condition:
        raise Failure(text)


class Case:
    """A sandbox of its own, and its configuration."""

    def __init__(self, build, name):
        self.build = build
        self.folder = harness.work_folder(build, f"commands_{name}")
        self.box = harness.Sandbox(build, self.folder)
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
    demand(harness.TOKEN not in text, "config show prints the token")
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


CASES = [init, config, plan, check, preview]


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
