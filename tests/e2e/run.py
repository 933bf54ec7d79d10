#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs scenarios: data files (*.scn) with one step a line, which drive caseload and the sandbox.

A *.each file is a template: it is run once for every stream of every source that `caseload streams` lists. {stream} is the stream's
name, {names} the list of streams to configure, {tables} its tables, {fill} the request that creates its records, and
{change} the request that changes some of them.

    run.py BUILD [PART OF A NAME]      run all scenarios whose name contains the part
    run.py BUILD --debug NAME          run one with debug logs, and print where its files are

A scenario's files stay in BUILD/e2e/NAME: logs of the workers and of the sandbox, configuration, database, journal.

Steps (a line that begins with # is a comment; `publish` takes quotes as a shell does):

    sandbox [option=value ...]            start it (default: done by the first other step); source=NAME: the source
                                          of this scenario, whose dataset has its name (default: intercom)
                                          credentials=self|exchange|user|machine: with TLS and these
    auth JSON                             change which credentials are valid: see /control/auth
    config key=JSON ...                   change the configuration; source.KEY is a setting of the source; null removes;
                                          $FOLDER is the scenario's folder
    file NAME TEXT                        write a file into that folder
    fill FROM TO COUNT | touch COUNT | touch-while-read EVERY | add JSON | workspace JSON
    clock +2d | clock +3h | clock 2026-03-03T04:00:00Z
    fault LINE                            see tests/sandbox/shared/faults.h; `faults clear`. Each has to happen
    serve [NAME]                          start a worker (w)
    drain [NAME]                          start `caseload drain` (w), which waits a second for another message; its
                                          configuration comes from a pipe
    kill|stop|freeze|thaw [NAME]          SIGKILL, SIGTERM (exit code 0 wanted), SIGSTOP, SIGCONT
    publish [NAME] [key=value ...]        publish a message; data=TEXT, the others are attributes (m)
    publish-backfill [NAME] [key=value ...]
                                          the same to the subscription "backfills"
    seek INSTANT                          deliver again what was published since then
    subscription JSON                     settings of the subscription; only before all other steps
    wait acked|leased|dead [NAME]         until the message is in that state
    wait nacked [NAME] [COUNT]            until it was nacked COUNT times (1)
    wait journal SERVICE OPERATION COUNT  until COUNT such requests came
    wait log [NAME] EVENT [key=value ...] until the worker logged it
    wait sql QUERY => JSON                until the query gives these rows
    wait end [NAME] CODE                  until the worker ended with this exit code
    run [arguments ...]                   `caseload run`; exit code 0 unless the next line expects another
    backfill [arguments ...]              `caseload backfill`; its messages are month-1, month-2, ...
    schema|status|history|show|rejected|dead|preview [arguments ...]
                                          the command of that name with the configuration; exit code as for run
    doctor [stop-at=OPERATION] [arguments ...]
                                          `caseload doctor`; exit code as for run. Stopped by SIGTERM once BigQuery has
                                          served this operation. No dataset may be added or changed
    expect exit CODE
    expect output TEXT                    in stdout or stderr of the last run; `expect no-output TEXT`: in neither
    expect equal [latest]                 the warehouse equals the sandbox's truth; also its _latest
    expect sql QUERY => JSON              rows as lists of texts
    expect rows TABLE ...                 each of these tables has rows
    mark                                  `expect journal`, `expect jobs` and `print` count from here
    print TEXT                            print the text and the time since the mark
    expect journal SERVICE OPERATION N    number of requests (*: of any operation); also >=N, <=N
    expect rate [used>=PERCENT] [used<=PERCENT]
                                          no request to Intercom was refused for its rate limit; used: the part of it in
                                          each window of 10 s from the second one, but for the last two
    expect jobs N TEXT                    number of queries that contain the text
    expect failed-jobs TEXT               a BigQuery job failed with such a message
    expect last STREAM key=N ...          fields of the stream's last `stream_finished` log entry
    expect log [NAME] EVENT [key=value ...]
    expect file NAME TEXT                 the file in the scenario's folder contains the text; `expect no-file NAME TEXT`
    expect no-log [NAME] EVENT [key=value ...]
    expect no-secrets                     none in logs, output, journal, files, arguments or environment
    sql STATEMENT                         change the warehouse directly
    deduplicate STREAM                    run the SQL that `caseload schema STREAM --deduplicate` prints
    rest METHOD PATH JSON                 call BigQuery's API; the path begins below the project
    older STREAM [-COLUMN] [+COLUMN=TYPE] [=COLUMN=NAME]
                                          create the stream's table, empty, without or with some columns
"""
import concurrent.futures
import json
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time
import traceback

import secret_scan
import sources
import harness
from harness import Failure, Sandbox, Worker, wait_for

SLOW = ("conversations_faults", "default_set", "long_threads", "rate_shared", "source_faults")  # started first
SCENARIOS = pathlib.Path(__file__).resolve().parent / "scenarios"
COMMANDS = ("schema", "status", "history", "show", "rejected", "dead", "preview")  # each is a step


class Scenario:
    def __init__(self, build, name, text, log_level=None):
        self.build = build
        self.name = name
        self.is_template = "." in name  # of each stream, which may make fewer calls than a fault needs
        self.text = text
        self.folder = harness.work_folder(build, name)
        self.box = None
        self.overrides = {"log_level": log_level} if log_level else {}
        self.workers = {}
        self.messages = {}
        self.last_run = None
        self.pending_exit = None
        self.settings = {}  # of the subscription
        self.source_tokens = []
        self.outputs = []
        self.marked = 0  # number of the journal's last entry that is not counted
        self.marked_s = time.monotonic()

    # --- helpers ---
    @property
    def sandbox(self):
        if not self.box:
            self.step_sandbox([])
        return self.box

    def config(self):
        path, new = self.folder / "caseload.json", self.folder / "caseload.json.new"
        new.write_text(json.dumps(harness.base_config(self.sandbox, **json.loads(json.dumps(self.overrides))),
                                  indent=1))
        new.replace(path)  # another worker may be reading it
        return path

    def worker(self, words, default="w"):
        name = words.pop(0) if words and words[0] in self.workers else default
        if name not in self.workers:
            raise Failure(f"no worker {name}")
        return self.workers[name]

    @property
    def source(self):
        return self.overrides.get("source", {}).get("type") or self.sandbox.source.name

    def change(self, body):
        self.sandbox.change(body, self.source)

    def count(self, service, operation):
        entries = self.sandbox.journal(service, self.marked)
        return sum(1 for e in entries if operation in (e["operation"], "*"))

    @staticmethod
    def demand(number, wanted, what):
        sign, wanted = re.fullmatch(r"([<>]=)?(\d+)", wanted).groups()
        good = {"<=": number <= int(wanted), ">=": number >= int(wanted), None: number == int(wanted)}[sign]
        if not good:
            raise Failure(f"{what}: {number}, not {sign or ''}{wanted}")

    def last_stream(self, stream):
        events = []
        for worker in self.workers.values():
            events += [e for e in worker.events("stream_finished") if e["stream"] == stream]
        if self.last_run:
            for line in self.last_run[2].split("\n"):
                event = json.loads(line) if line.startswith("{") else {}
                if event.get("event") == "stream_finished" and event["stream"] == stream:
                    events.append(event)
        if not events:
            raise Failure(f"no log entry stream_finished of {stream}")
        return max(events, key=lambda e: e["time"])

    @staticmethod
    def matches(event, pairs):
        return all(str(event.get(key)) == value for key, value in pairs)

    # --- steps ---
    def step_sandbox(self, words):
        options = dict(word.split("=", 1) for word in words)
        self.box = Sandbox(self.build, self.folder, **options)
        self.box.post("/control/subscription", {"project": harness.PROJECT, "subscription": harness.SUBSCRIPTION,
                                                **self.settings})
        self.box.post("/control/subscription", {"project": harness.PROJECT, "subscription": harness.BACKFILLS})

    def step_auth(self, words):
        change = json.loads(" ".join(words))
        self.source_tokens += [change["source_token"]] if "source_token" in change else []
        self.sandbox.post("/control/auth", change)

    def step_config(self, words):
        for word in words:
            key, value = word.split("=", 1)
            group, _, name = key.rpartition(".")
            target = self.overrides.setdefault(group, {}) if group else self.overrides
            target[name] = json.loads(value.replace("$FOLDER", str(self.folder)))

    def step_file(self, words):
        path = self.folder / words[0]
        path.write_text(" ".join(words[1:]))
        self.sandbox.given.add(path)

    def step_fill(self, words):
        self.change({"fill": {"kind": "contacts", "from": words[0], "to": words[1], "count": int(words[2])}})

    def step_touch(self, words):
        for kind in ("contacts", "conversations", "admins"):
            self.change({"touch": {"kind": kind, "count": int(words[0])}})

    def step_touch_while_read(self, words):
        for kind in ("contacts", "conversations"):
            self.change({"touch": {"kind": kind, "every": int(words[0])}})

    def step_add(self, words):
        record = json.loads(" ".join(words))
        kind = "conversations" if record.get("type") == "conversation" else "contacts"
        self.change({"add": {"kind": kind, "record": record}})

    def step_workspace(self, words):
        self.change(json.loads(" ".join(words)))

    def step_clock(self, words):
        moved = re.fullmatch(r"\+(\d+)([dhms])", words[0])
        if moved:
            seconds = int(moved[1]) * {"d": 86400, "h": 3600, "m": 60, "s": 1}[moved[2]]
            self.sandbox.post("/control/clock", {"advance_s": seconds})
        else:
            self.sandbox.post("/control/clock", {"set": words[0]})

    def step_fault(self, words):
        self.sandbox.call("POST", "/control/faults", " ".join(words))

    def step_faults(self, words):
        self.demand_faults()
        self.sandbox.call("DELETE", "/control/faults")

    def step_serve(self, words):
        name = words[0] if words else "w"
        self.workers[name] = Worker(self.build, self.sandbox, self.config(), name)

    def step_drain(self, words):
        name = words[0] if words else "w"
        self.workers[name] = Worker(self.build, self.sandbox, self.config(), name, ("drain", "--wait", "1"), True)

    def step_kill(self, words):
        self.worker(words).end(signal.SIGKILL)

    def step_stop(self, words):
        worker = self.worker(words)
        code = worker.end(signal.SIGTERM)
        if code != 0:
            raise Failure(f"worker {worker.name} ended with {code} on SIGTERM; see {worker.path}")

    def step_freeze(self, words):
        worker = self.worker(words)
        worker.send(signal.SIGSTOP)
        worker.frozen = True

    def step_thaw(self, words):
        worker = self.worker(words)
        worker.send(signal.SIGCONT)
        worker.frozen = False

    def step_publish(self, words, subscription=harness.SUBSCRIPTION):
        name = words.pop(0) if words and "=" not in words[0] else "m"
        attributes = dict(word.split("=", 1) for word in words)
        self.messages[name] = self.sandbox.publish(attributes.pop("data", ""), attributes, subscription)

    def step_publish_backfill(self, words):
        self.step_publish(words, harness.BACKFILLS)

    def step_backfill(self, words):
        self.ask("backfill", words)
        for number, line in enumerate(self.last_run[1].splitlines(), 1):
            self.messages[f"month-{number}"] = line.split()[0]

    def step_subscription(self, words):
        if self.box:
            raise Failure("`subscription` must come before all other steps")
        self.settings = json.loads(" ".join(words))

    def step_sql(self, words):
        self.sandbox.query(" ".join(words))

    def step_seek(self, words):
        self.sandbox.post("/control/seek", {"project": harness.PROJECT, "subscription": harness.SUBSCRIPTION,
                                            "time": words[0]})

    def step_older(self, words):
        described = harness.run_command(self.build, self.sandbox, "schema", words[0])[1]
        table = json.loads(described)[0]
        for word in words[1:]:
            name, _, kind = word[1:].partition("=")
            fields = [f for f in table["schema"]["fields"] if f["name"] != name]
            if word[0] == "=":  # renamed, where it stands
                fields = [{**f, "name": kind} if f["name"] == name else f for f in table["schema"]["fields"]]
                for group in table.get("clustering", {}).values():
                    group[:] = [kind if one == name else one for one in group]
            table["schema"]["fields"] = fields + ([{"name": name, "type": kind}] if word[0] == "+" else [])
        self.sandbox.make_table("intercom", words[0], table)

    def step_rest(self, words):
        self.sandbox.call(words[0], f"/bigquery/v2/projects/{harness.PROJECT}/{words[1]}", " ".join(words[2:]))

    def step_wait(self, words):
        what = words.pop(0)
        if what in ("acked", "nacked", "leased", "dead", "waiting"):
            name = words[0] if words else "m"
            count = int(words[1]) if len(words) > 1 else 1
            wait_for(f"message {name} {what}", lambda: self.message_is(name, what, count) or self.no_worker_left(what))
        elif what == "journal":
            wait_for(" ".join(words), lambda: self.count(words[0], words[1]) >= int(words[2]))
        elif what == "log":
            worker = self.worker(words)
            event, pairs = words[0], [w.split("=", 1) for w in words[1:]]
            wait_for(f"log {words}", lambda: any(self.matches(e, pairs) for e in worker.events(event)))
        elif what == "sql":
            query, _, wanted = " ".join(words).rpartition("=>")
            wait_for(" ".join(words), lambda: self.sandbox.query(query) == json.loads(wanted))
        elif what == "end":
            worker = self.worker(words)
            wait_for(f"the end of worker {worker.name}", lambda: worker.process.poll() is not None)
            code = worker.process.returncode
            if code != int(words[0]):
                raise Failure(f"worker {worker.name} ended with {code}; see {worker.path}")
        else:
            raise Failure(f"unknown: wait {what}")

    def no_worker_left(self, what):
        """Fails a wait for an ack that cannot come any more."""
        ended = [worker for worker in self.workers.values() if worker.process.poll() is not None]
        if what == "acked" and self.workers and len(ended) == len(self.workers):
            raise Failure("no worker runs: " + ", ".join(f"{w.name} ended with {w.process.returncode}" for w in ended))

    def message_is(self, name, what, count):
        message = self.sandbox.message(self.messages[name])
        if what == "nacked":
            return message and len(message["nack_delays"]) >= count
        return message and message["state"] == what

    def step_run(self, words):
        self.last_run = harness.run_once(self.build, self.sandbox, self.config(), *words)
        self.pending_exit = self.last_run[0]
        self.outputs += self.last_run[1:]

    def ask(self, command, words):
        self.last_run = harness.run_command(self.build, self.sandbox, command, *words, "--config", str(self.config()))
        self.pending_exit = self.last_run[0]
        self.outputs += self.last_run[1:]

    def datasets(self):
        """Name -> the tables in it, of all datasets."""
        base = f"/bigquery/v2/projects/{harness.PROJECT}/datasets"
        names = [d["datasetReference"]["datasetId"] for d in self.sandbox.get(base).get("datasets", [])]
        return {name: sorted(t["tableReference"]["tableId"] for t in
                             self.sandbox.get(f"{base}/{name}/tables?maxResults=1000").get("tables", []))
                for name in names}

    def step_doctor(self, words):
        stop_at = words.pop(0).removeprefix("stop-at=") if words and words[0].startswith("stop-at=") else None
        before = None if self.sandbox.way else self.datasets()
        arguments = ["doctor", *words, "--config", str(self.config())]
        if stop_at:
            mark = max((e["n"] for e in self.sandbox.journal()), default=0)
            reached = lambda: any(e["operation"] == stop_at for e in self.sandbox.journal("bigquery", after=mark))
            self.last_run = harness.run_stopped(self.build, self.sandbox, reached, *arguments)
        else:
            self.last_run = harness.run_command(self.build, self.sandbox, *arguments)
        self.pending_exit = self.last_run[0]
        self.outputs += self.last_run[1:]
        is_left = "remove it with bq rm" in self.last_run[1]  # and says so
        if before is not None and not is_left and self.datasets() != before:
            raise Failure(f"the doctor changed datasets: {before} -> {self.datasets()}")

    def step_deduplicate(self, words):
        code, text, errors = harness.run_command(self.build, self.sandbox, "schema", *words, "--deduplicate", "--config",
                                                 str(self.config()))
        if code:
            raise Failure(errors)
        self.sandbox.query(text)  # as people do: all of it at once

    def step_mark(self, words):
        self.marked = max((e["n"] for e in self.sandbox.journal(after=self.marked)), default=self.marked)
        self.marked_s = time.monotonic()

    def step_print(self, words):
        print(f"      {self.name}: {' '.join(words)}: {time.monotonic() - self.marked_s:.1f} s", flush=True)

    def step_expect(self, words):
        getattr(self, "expect_" + words[0].replace("-", "_"))(words[1:])

    # --- expectations ---
    def expect_exit(self, words):
        if self.last_run[0] != int(words[0]):
            raise Failure(f"exit code {self.last_run[0]}, not {words[0]}:\n{self.last_run[1]}{self.last_run[2]}")
        self.pending_exit = None

    def expect_output(self, words):
        text = " ".join(words)
        if text not in re.sub(" +", " ", self.last_run[1] + self.last_run[2]):
            raise Failure(f"not in the output: {text}\n{self.last_run[1]}{self.last_run[2]}")

    def expect_no_output(self, words):
        if " ".join(words) in self.last_run[1] + self.last_run[2]:
            raise Failure(f"in the output:\n{self.last_run[1]}{self.last_run[2]}")

    def expect_equal(self, words):
        latest = "&latest=1" if words == ["latest"] else ""
        dataset = self.sandbox.source.name
        report = self.sandbox.get(f"/control/compare?dataset={dataset}&service={self.source}{latest}")
        if not report["equal"]:
            raise Failure("the warehouse differs from the truth: " + json.dumps(report)[:2000])

    def expect_sql(self, words):
        query, _, wanted = " ".join(words).rpartition("=>")
        rows = self.sandbox.query(query)
        if rows != json.loads(wanted):
            raise Failure(f"{query} gives {json.dumps(rows)}")

    def expect_file(self, words):
        if " ".join(words[1:]) not in (self.folder / words[0]).read_text():
            raise Failure(f"not in {words[0]}")

    def expect_no_file(self, words):
        path = self.folder / words[0]
        if path.exists() and (len(words) == 1 or " ".join(words[1:]) in path.read_text()):
            raise Failure(f"{words[0]} is there, or holds it")

    def expect_rows(self, words):
        for table in words:
            if self.sandbox.query(f"SELECT COUNT(*) FROM {self.sandbox.source.name}.{table}") == [["0"]]:
                raise Failure(f"{table} is empty")

    def expect_journal(self, words):
        self.demand(self.count(words[0], words[1]), words[2], f"{words[0]} {words[1]}")

    def expect_rate(self, words):
        entries = [e for e in self.sandbox.journal("intercom", self.marked) if "window" in e]
        refused = [e for e in entries if e["status"] == 429]
        if refused:
            raise Failure(f"{len(refused)} requests were refused, such as {refused[0]}")
        windows = sorted({e["window"] for e in entries})
        counts = {w: sum(1 for e in entries if e["window"] == w) for w in windows}
        print(f"      {self.name}: requests in windows of 10 s: {list(counts.values())}, limit {entries[0]['limit']}",
              flush=True)
        if len(windows) < 4:
            raise Failure(f"the load is too short for a whole window: {counts}")
        for window in windows[1:-2]:
            for word in words:
                self.demand(100 * counts[window] / entries[0]["limit"], word.removeprefix("used"), "percent of the rate limit")

    def expect_jobs(self, words):
        text = " ".join(words[1:])
        jobs = [e for e in self.sandbox.journal("bigquery", self.marked) if e["operation"] == "job"]
        self.demand(sum(1 for e in jobs if text in e.get("query", "")), words[0], text)

    def expect_failed_jobs(self, words):
        text = " ".join(words)
        if not any(text in json.dumps(e) for e in self.sandbox.journal("bigquery") if e["operation"] == "job"):
            raise Failure(f"no job failed with: {text}")

    def expect_last(self, words):
        event = self.last_stream(words[0])
        for pair in words[1:]:
            key, wanted = pair.split("=", 1)
            value = str(event[key])
            if wanted.startswith(">"):
                good = int(value) > int(wanted[1:])
            else:
                good = value == wanted
            if not good:
                raise Failure(f"{key} is {value}, not {wanted}: {json.dumps(event)}")

    def expect_no_log(self, words):
        worker = self.worker(words)
        pairs = [w.split("=", 1) for w in words[1:]]
        if any(self.matches(e, pairs) for e in worker.events(words[0])):
            raise Failure(f"a log entry {words}; see {worker.path}")

    def expect_log(self, words):
        worker = self.worker(words)
        pairs = [w.split("=", 1) for w in words[1:]]
        if not any(self.matches(e, pairs) for e in worker.events(words[0])):
            raise Failure(f"not in {worker.path}: {words}")

    def expect_no_secrets(self, words):
        problem = secret_scan.search(self.sandbox, self.source_tokens, [w.process for w in self.workers.values()],
                                self.outputs)
        if problem:
            raise Failure(problem)

    def demand_faults(self):
        """A fault that did not happen tests nothing."""
        waiting = self.sandbox.get("/control/faults")["waiting"].splitlines()
        if waiting and not self.is_template:
            raise Failure(f"these faults did not happen: {waiting}")

    # --- running ---
    def play(self):
        for number, line in enumerate(self.text.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            words = shlex.split(line) if line.startswith("publish") else line.split()
            if self.pending_exit and words[:2] != ["expect", "exit"]:
                raise Failure(f"{self.name}: `caseload run` ended with {self.pending_exit}:\n"
                              f"{self.last_run[1]}{self.last_run[2]}")
            try:
                if words[0] in COMMANDS:
                    self.ask(words[0], words[1:])
                else:
                    getattr(self, "step_" + words[0].replace("-", "_"))(words[1:])
            except Failure as failure:
                raise Failure(f"{self.name}:{number}: {line.strip()}: {failure}") from None
        if self.pending_exit:
            raise Failure(f"`caseload run` ended with {self.pending_exit}: {self.last_run[2]}")
        if self.box:
            self.demand_faults()

    def end(self):
        for worker in self.workers.values():
            if worker.process.poll() is None:
                worker.end(signal.SIGKILL)
        if self.box:
            entries = self.box.journal()
            harness.write_journal(self.folder / "journal.jsonl", entries)
            harness.write_journal(self.build / "journals" / f"{self.name}.jsonl",
                                  [e for e in entries if e["service"] == "bigquery"])  # for googlesql.py
            self.box.stop()


def each_stream(build, path, source):
    """(name, text) of the template for each stream."""
    listed = json.loads(subprocess.check_output([str(build / "src/app/caseload"), "streams", "--json", "--source",
                                                 source.name], text=True))
    prefix = path.stem if source is sources.INTERCOM else f"{path.stem}.{source.name}"
    for stream in listed:
        if stream["kind"] == "reconciliation" or stream["name"] in source.skip:
            continue
        name = stream["name"]
        tables = [table["name"] for table in stream["tables"]]
        wanted = [table["name"] for table in stream["tables"][1:] if table["loaded"] != "always"]
        names = [name, *wanted, *source.also.get(name, [])]
        more = " ".join(f"{key}={json.dumps(value)}" for key, value in source.more.items())
        values = {"source": source.name, "stream": name, "names": json.dumps(names, separators=(",", ":")), "more": more,
                  "tables": " ".join(tables[:1] + wanted), "change": json.dumps(source.change(name)),
                  "fill": json.dumps(source.fill(name))}
        filled = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], path.read_text())
        yield f"{prefix}.{name}", filled


def scenarios(build):
    for path in sorted(SCENARIOS.rglob("*.each")):
        for source in sources.ALL.values():
            yield from each_stream(build, path, source)
    for path in sorted(SCENARIOS.rglob("*.scn")):
        yield path.stem, path.read_text()


def play(build, name, text, log_level=None):
    """None, or the reason of the failure."""
    scenario = Scenario(build, name, text, log_level)
    problem = None
    try:
        scenario.play()
    except Failure as failure:
        problem = str(failure)
    except Exception:  # a mistake in one scenario must not end the others
        problem = traceback.format_exc()
    try:
        scenario.end()
    except (Failure, OSError) as failure:
        problem = problem or str(failure)
    return problem


def print_files(folder):
    for path in sorted(folder.iterdir()):
        print(f"      {path}")


def debug(build, name):
    chosen = [(found, text) for found, text in scenarios(build) if found == name]
    if not chosen:
        names = [found for found, _ in scenarios(build) if name in found]
        print(f"no scenario is called {name}" + (f"; did you mean {', '.join(names)}?" if names else ""))
        return 64
    problem = play(build, *chosen[0], log_level="debug")
    print(f"FAIL  {name}\n      {problem}" if problem else f"ok    {name}")
    print("files:")
    print_files(build / "e2e" / name)
    return 1 if problem else 0


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    if sys.argv[2:3] == ["--debug"]:
        return debug(build, sys.argv[3])
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=harness.PARALLEL) as pool:
        began = time.monotonic()
        chosen = sorted(((name, text) for name, text in scenarios(build) if part in name),
                        key=lambda scenario: scenario[0] not in SLOW)
        played = {pool.submit(play, build, name, text): name for name, text in chosen}
        for future in concurrent.futures.as_completed(played):
            problem = future.result()
            name = played[future]
            print(f"{'FAIL' if problem else 'ok':4}  {name:40} at {time.monotonic() - began:6.2f} s", flush=True)
            if problem:
                print("      " + problem.replace("\n", "\n      "), flush=True)
                print("      files:")
                print_files(build / "e2e" / name)
            passed, failed = passed + (not problem), failed + bool(problem)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
