#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks caseload's SQL, and the sandbox that executes it, with Google's own SQL engine.

    googlesql.py BUILD [--seed N] [--worlds COUNT]

1. Every statement that the scenarios sent (BUILD/journals, left by tests/e2e/run.py and documents.py) and every one in
   the documents parses as GoogleSQL, and its names and types are right against the tables that the worker made.
2. Random small worlds: the worker's statements, and the scripts of its commits, leave the same rows, results and
   errors in the sandbox as they do when Google's engine answers every expression in them (script.py).
   `--seed N` runs that world alone and shows it.
3. The sandbox's own cases of GoogleSQL (tests/data/sql) hold for Google's engine too.

A statement of the commit takes at most 3,000 days at once, and a list is judged if more than 1,000 of its records can be
compared. In the worlds both sides take DAYS_AT_ONCE and COMPARED, so that small ones go round the loop too. As sent, the
first is tried by a world of more days, in the sandbox alone: the engine would need minutes.
"""
import argparse
import datetime
import json
import multiprocessing
import pathlib
import re
import subprocess
import sys
import time
import traceback
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import documents  # noqa: E402
import harness  # noqa: E402
from cases import judge_cases  # noqa: E402
from engine import GoogleSql, Refused  # noqa: E402
from script import Text, Unknown, Warehouse, statements  # noqa: E402
from warehouse import Client, shown, to_kind  # noqa: E402
from worlds import make_many_days, make_world  # noqa: E402
from worlds_people import make_people_world  # noqa: E402

ROOT = HERE.parent.parent
CACHE = ROOT / ".cache/zetasql-0.1.5/googlesql.cwasm"
WORLDS = 200
DAYS_AT_ONCE = 3
COMPARED = 1
PROCESSES = 2
# Later than anything in a world: what is stored with such a time was stored now.
START = datetime.datetime(2090, 1, 1, 4, 10, tzinfo=datetime.timezone.utc)
# Statements that make a _latest table equal to its view: the table, and the view.
REFRESHED = {"people_latest_refresh": ("desk.people_latest", "people_latest"),
             "people_latest_rebuild": ("desk.people_latest", "people_latest"),
             "people_teams_latest_refresh": ("desk.people_teams_latest", "people_teams_latest"),
             "people_list_latest_refresh": ("desk.people_attributes_latest", "people_list_latest")}
STAGE_NONCE = re.compile(r"\bstage_(\w+?)_[0-9a-f]{16}_(\w+)")
DOCTOR_NONCE = re.compile(r"\bcaseload_doctor_[0-9a-f]{16}\b")


# --- 1. what was sent ---
def steady(text):
    """Without what differs from run to run."""
    return DOCTOR_NONCE.sub("caseload_doctor_0", STAGE_NONCE.sub(r"stage_\1_0_\2", text))


def project_of(entry):
    path = re.search(r"/projects/([^/]+)/", entry.get("path", ""))
    made = entry["resource"].get("tableReference", {}).get("projectId", harness.PROJECT)
    return urllib.parse.unquote(path.group(1)) if path else made


def read_journals(folder):
    """({table in full: fields}, {script: [(parameter, kind)]})."""
    schemas, scripts = {}, {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().split("\n"):
            entry = json.loads(line) if line else {}
            if "resource" in entry and entry.get("operation") in ("tables.insert", "job") and entry["status"] == 200:
                name = f"{project_of(entry)}.{entry['table']}"  # of a table, of a view, or of what a statement made
                known = schemas.setdefault(steady(name), [])  # a staging table has other columns where other streams are chosen
                names = {field["name"] for field in known}
                known += [field for field in entry["resource"]["schema"]["fields"] if field["name"] not in names]
                if "view" in entry["resource"]:
                    scripts.setdefault(steady(entry["resource"]["view"]["query"]), [])
            if entry.get("operation") == "job" and entry.get("query"):
                parameters = [(p["name"], to_kind(p["parameterType"])) for p in entry.get("queryParameters") or []]
                scripts.setdefault(steady(entry["query"]), parameters)
    return schemas, scripts


def documented():
    """The documents' statements, with the names of tables in full."""
    for _, text in documents.blocks():
        yield re.sub(r"\b(intercom(?:_caseload)?)\.(\w+)", rf"`{harness.PROJECT}.\1.\2`", text), []


def judge_scripts(engine, scripts):
    """(statements judged, problems)."""
    known, problems = sorted(engine.schemas), []
    judged = set()
    for script, parameters in scripts:
        try:
            text = Text(engine, script, known)
            pieces = list(statements(text))
        except (Refused, Unknown) as refusal:
            problems.append(f"does not parse: {refusal}\n{script}")
            continue
        given = sorted({**dict(parameters), **text.variables}.items(), key=lambda pair: pair[0])
        for _, node, statement in pieces:
            if (statement, str(given)) in judged:
                continue
            judged.add((statement, str(given)))
            try:
                engine.analyze(statement, given)
            except Refused as refusal:
                if "CONTAINS_SUBSTR" in str(refusal):  # BigQuery's own
                    continue
                problems.append(f"{refusal}\n{statement}\n  at {text.place(node)} of the script {script[:200]} ...")
    return len(judged), problems


# --- 2. worlds ---
def world_of(seed):
    """Every third is of people who may be gone, all others of a stream with a child."""
    return make_people_world(seed) if seed % 3 == 0 else make_world(seed)


class Bench:
    """One sandbox and one engine, on which worlds are tried one after another."""

    def __init__(self, build, kit, name):
        self.folder = harness.work_folder(build, f"conformance-{name}")
        self.sandbox = harness.Sandbox(build, self.folder, start=START.isoformat().replace("+00:00", "Z"))
        self.client = Client(self.sandbox.ports["http"], "judge")
        self.kit = kit
        self.texts = {name: text.replace(" 3000", f" {DAYS_AT_ONCE}").replace("<= 1000", f"<= {COMPARED}")
                      for name, text in kit["statements"].items()}
        schemas = kit["schemas"]
        self.schemas = {
            "desk.tickets": schemas["tickets"], "desk.replies": schemas["replies"],
            "desk_caseload.stage_tickets_0_0": schemas["stage_tickets"],
            "desk_caseload.stage_tickets_0_1": schemas["stage_replies"],
            "desk_caseload.stage_tickets_0_rejected": schemas["stage_rejected"],
            "desk_caseload.lock_tickets": schemas["lock"], "desk_caseload.runs": schemas["runs"],
            "desk_caseload.rejected": schemas["rejected"],
            "desk.people": schemas["people"], "desk.people_deleted": schemas["people_deleted"],
            "desk.people_teams": schemas["people_teams"], "desk.people_attributes": schemas["people_attributes"],
            "desk.people_latest": schemas["people"], "desk.people_teams_latest": schemas["people_teams"],
            "desk.people_attributes_latest": schemas["people_attributes"], "desk_caseload.stage_people_0_0": schemas["stage_people"],
            "desk_caseload.stage_people_0_1": schemas["stage_people_scan"],
            "desk_caseload.stage_people_0_2": schemas["stage_people_deleted"],
            "desk_caseload.stage_people_0_rejected": schemas["stage_rejected"],
            "desk_caseload.missing": schemas["missing"],
            "desk_caseload.stage_people_1_0": schemas["stage_people_scan"],
            "desk_caseload.stage_people_1_1": schemas["stage_people_teams"],
            "desk_caseload.lock_people": schemas["lock"],
        }
        named = {f"judge.{name}": fields for name, fields in self.schemas.items()}
        self.warehouse = Warehouse(GoogleSql(CACHE, {}), named)

    def place(self, world, name):
        """Each world has datasets of its own in the sandbox."""
        return name.replace("desk", f"w{world.seed}", 1)

    def fill(self, world):
        self.client.make_dataset(self.place(world, "desk"))
        self.client.make_dataset(self.place(world, "desk_caseload"))
        for name, rows in world.tables.items():
            day = "rejected_date" if name == "desk_caseload.rejected" else "partition_date" if name.startswith("desk.") else None
            self.client.make_table(self.place(world, name), self.schemas[name], day)
            if rows:
                self.client.load(self.place(world, name), self.schemas[name], rows)

    def ask(self, world, text, parameters):
        return self.client.query(text.replace("judge.desk", f"judge.w{world.seed}"), parameters)

    def steps(self, world):
        """Problems, as texts."""
        self.warehouse.tables = {f"judge.{name}": world.tables.get(name, []) for name in self.schemas}
        for number, step in enumerate(world.steps):
            text = self.texts[step.statement]
            there = self.ask(world, text, step.parameters)
            here = self.warehouse.run(text, step.parameters, START + datetime.timedelta(seconds=number))
            about = f"step {number + 1}, {step.statement}"
            if bool(here.error) != bool(there.error) or (here.error and plain(here.error) not in there.error):
                yield f"{about}: error\n  GoogleSQL: {here.error}\n  sandbox:   {there.error}"
            elif shown(here.rows, START) != shown(there.rows, START):
                yield f"{about}: result" + difference(here.rows, there.rows)
            for name in world.tables:
                fields = self.schemas[name]
                ours = self.warehouse.tables[f"judge.{name}"]
                theirs = self.client.rows(self.place(world, name), fields)
                if shown(ours, START) != shown(theirs, START):
                    yield f"{about}: rows of {name}" + difference(ours, theirs)
            if step.statement in REFRESHED:
                name, view = REFRESHED[step.statement]
                kept, wanted = self.client.rows(self.place(world, name), self.schemas[name]), self.ask(world, self.texts[view], {})
                if wanted.error or shown(kept, START) != shown(wanted.rows, START):
                    yield f"{about}: {name} is not what {view} shows {wanted.error or ''}" + difference(wanted.rows or [], kept)

    def clear(self, world):
        self.client.drop_dataset(self.place(world, "desk"))
        self.client.drop_dataset(self.place(world, "desk_caseload"))

    def judge(self, seed):
        """None, or what differs."""
        world = world_of(seed)
        self.fill(world)
        problem = next(self.steps(world), None)
        self.clear(world)
        return problem

    def judge_many_days(self):
        """None, or what a commit of more days than a statement takes leaves otherwise than one of small bites."""
        left = []
        for number, bite in enumerate([" 3000", " 700"]):
            world = make_many_days()._replace(seed=f"_many_{number}")
            self.fill(world)
            step, = world.steps
            text = self.kit["statements"][step.statement].replace(" 3000", bite)
            outcome = self.ask(world, text, step.parameters)
            left.append([outcome.error, shown(outcome.rows, START)])
            for name in world.tables:
                left[-1].append(shown(self.client.rows(self.place(world, name), self.schemas[name]), START))
            self.clear(world)
        (error, rows, tickets, *_), other = left
        staged = len(world.tables["desk_caseload.stage_tickets_0_0"])
        if error or [row[:7] for row in rows] != [(staged, 0, 0, 0, 0, 0, 0)] or len(tickets) != staged:
            return f"many days: {error or rows}, {len(tickets)} rows"
        return None if left[0] == other else "many days: bites of 3000 and of 700 days leave different rows"

    def show(self, seed):
        world = world_of(seed)
        for name, rows in world.tables.items():
            print(name, [f["name"] for f in self.schemas[name]])
            for row in shown(rows, START):
                print("   ", row)
        for step in world.steps:
            print(step.statement, {name: str(value) for name, (_, value) in step.parameters.items()})


def plain(error):
    """Without the engine's own kind of error, which BigQuery does not show."""
    return re.sub(r"^\[\w+\] ", "", error)


def difference(ours, theirs):
    ours, theirs = shown(ours, START), shown(theirs, START)
    lines = ["  GoogleSQL only: " + repr(row) for row in leftover(ours, theirs)]
    lines += ["  sandbox only:   " + repr(row) for row in leftover(theirs, ours)]
    return "\n" + "\n".join(lines)


def leftover(rows, others):
    others = list(others)
    for row in rows:
        if row in others:
            others.remove(row)
        else:
            yield row


# --- two processes ---
def scripts_task(build, index):
    schemas, scripts = read_journals(build / "journals")
    if not scripts:
        return 0, [f"there are no journals in {build}/journals: run tests/e2e/run.py first"] if index == 0 else []
    scripts.update(documented())
    mine = [pair for i, pair in enumerate(sorted(scripts.items())) if i % PROCESSES == index]
    return judge_scripts(GoogleSql(CACHE, schemas), mine)


def cases_task():
    return judge_cases(GoogleSql(CACHE, {}), ROOT / "tests/data/sql")


def worlds_task(build, index, seeds, alone):
    printed = subprocess.run([build / "tests/conformance/conformance_scripts"], capture_output=True, check=True).stdout
    bench = Bench(build, json.loads(printed), str(index))
    problems = []
    if alone:
        bench.show(seeds[0])
    for seed in seeds:
        problem = bench.judge(seed)
        if problem:
            problems.append(f"world {seed}: {problem}\n  again: googlesql.py {build} --seed {seed}")
    many = index == 0 and not alone
    problem = bench.judge_many_days() if many else None
    problems += [problem] if problem else []
    bench.sandbox.stop()
    return len(seeds) + many, problems


def perform(task):
    name, *arguments = task
    try:
        return name, *{"scripts": scripts_task, "worlds": worlds_task, "cases": cases_task}[name](*arguments)
    except Exception:  # the other tasks shall still be heard
        return name, 1, [traceback.format_exc()]


def main():
    parser = argparse.ArgumentParser(description="Google's SQL engine against the worker's SQL and the sandbox")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seed", type=int, help="only this world, and show it")
    parser.add_argument("--worlds", type=int, default=WORLDS)
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    began = time.monotonic()
    if arguments.seed is not None:
        tasks = [("worlds", build, 0, [arguments.seed], True)]
    else:
        GoogleSql(CACHE, {})  # compiles, if that was not done yet
        tasks = [("scripts", build, i) for i in range(PROCESSES)] + [("cases",)]
        tasks += [("worlds", build, i, list(range(1 + i, arguments.worlds + 1, PROCESSES)), False)
                  for i in range(PROCESSES)]
    passed = failed = 0
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        for name, count, problems in pool.imap_unordered(perform, tasks):
            spent = time.monotonic() - began
            print(f"{name}: {count} judged, {len(problems)} problems, after {spent:.1f} s", flush=True)
            for problem in problems:
                print("FAIL " + problem, flush=True)
            passed, failed = passed + max(0, count - len(problems)), failed + len(problems)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
