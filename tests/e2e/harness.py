# SPDX-License-Identifier: Apache-2.0
"""Runs the two binaries for a scenario: a sandbox, the workers that use it, and queries to both.

Tests wait for facts (a message is acknowledged, a request is in the journal), never for time to pass. TIMEOUT_S only
ends a wait that will not succeed; it is long, since a loaded machine is slow.
"""
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.error
import urllib.request

import credentials
import sources

TIMEOUT_S = int(os.environ.get("CASELOAD_E2E_TIMEOUT", "600"))
PARALLEL = 4 * (os.cpu_count() or 2)  # most of them wait
PROJECT = "demo-project"
SUBSCRIPTION = "caseload"
BACKFILLS = "backfills"


class Failure(Exception):
    """An expectation of a test that did not hold."""


def wait_for(what, ask, timeout_s=TIMEOUT_S):
    """Calls ask() until its result is true, and returns that."""
    until = time.monotonic() + timeout_s
    pause = 0.01
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > until:
            raise Failure(f"not within {timeout_s} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


class Sandbox:
    def __init__(self, build, folder, **options):
        self.folder = pathlib.Path(folder)
        self.database = options.pop("database", str(self.folder / "sandbox.db"))
        command = [str(build / "tests/sandbox/caseload-sandbox"), "--database", self.database]
        self.source = sources.ALL[options.pop("source", "intercom")]
        self.way = options.pop("credentials", None)  # one of credentials.WAYS; None: no service asks for any
        self.given = {self.folder / "key.json", self.folder / "credentials.json"}
        command += credentials.options(self.folder) if self.way else []
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.log = open(self.folder / "sandbox.log", "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"the sandbox did not start; see {self.folder}/sandbox.log")
        self.ports = json.loads(line)
        self.url = f"http://127.0.0.1:{self.ports['http']}"
        self.pubsub = f"127.0.0.1:{self.ports['pubsub']}"

    def call(self, method, path, body=None):
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise Failure(f"{method} {path}: {error.code} {error.read().decode()[:500]}") from error

    def get(self, path):
        return json.loads(self.call("GET", path))

    def change(self, body, service=None):
        """Changes records; service: of this help desk, where the change does not name one."""
        name, what = next(iter(body.items()))
        if service and isinstance(what, dict) and "kind" in what:
            what = {"service": service, **what}
        self.post("/control/workspace", {name: what})

    def post(self, path, body):
        text = self.call("POST", path, body)
        return json.loads(text) if text else None

    def journal(self, service=None, after=0):
        query = f"?after={after}" + (f"&service={service}" if service else "")
        return [json.loads(line) for line in self.call("GET", "/control/journal" + query).split("\n") if line]

    def publish(self, data="", attributes=None, subscription=SUBSCRIPTION):
        return self.post("/control/publish", {"project": PROJECT, "subscription": subscription, "data": data,
                                              "attributes": attributes or {}})["id"]

    def message(self, identity):
        return next((m for m in self.get("/control/pubsub")["messages"] if m["id"] == identity), None)

    def query(self, sql):
        """The result as lists of texts."""
        rows = self.post("/control/query", {"sql": sql, "project": PROJECT})["rows"] or []
        return [[cell["v"] for cell in row["f"]] for row in rows]

    def make_table(self, dataset, name, table):
        """Creates a table from the body of tables.insert, and its dataset if it is missing."""
        datasets = f"/bigquery/v2/projects/{PROJECT}/datasets"
        names = [d["datasetReference"]["datasetId"] for d in self.get(datasets).get("datasets", [])]
        if dataset not in names:
            self.post(datasets, {"datasetReference": {"projectId": PROJECT, "datasetId": dataset}, "location": "EU"})
        reference = {"projectId": PROJECT, "datasetId": dataset, "tableId": name}
        self.post(f"{datasets}/{dataset}/tables", {**table, "tableReference": reference})

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise Failure("the sandbox did not stop within 30 s") from None
        self.log.close()
        if self.process.returncode != 0:
            raise Failure(f"the sandbox ended with {self.process.returncode}; see {self.folder}/sandbox.log")


def gcloud_environment(url):
    """The variables that point gcloud at the sandbox."""
    return {"CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB": f"{url}/", "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
            "CLOUDSDK_CORE_PROJECT": PROJECT}


class Worker:
    """One `caseload serve`, or another command that logs, and its log."""

    def __init__(self, build, sandbox, config, name, command=("serve",), is_piped=False):
        """is_piped: the configuration comes from a pipe, which can be read once."""
        self.name = name
        self.path = sandbox.folder / f"{name}.log"
        self.log = open(self.path, "ab")
        self.start = self.path.stat().st_size
        path = "/dev/stdin" if is_piped else str(config)
        self.process = subprocess.Popen([str(build / "src/app/caseload"), *command, "--config", path],
                                        stdin=subprocess.PIPE, stdout=self.log, stderr=self.log,
                                        env=environment(sandbox))
        if is_piped:
            self.process.stdin.write(config.read_bytes())
        self.process.stdin.close()
        self.frozen = False

    def events(self, name=None):
        lines = self.path.read_bytes()[self.start:].decode(errors="replace").split("\n")
        events = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [e for e in events if name is None or e.get("event") == name]

    def send(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM, timeout_s=30):
        """Sends the signal, waits, and returns the exit code."""
        if self.process.poll() is None:
            if self.frozen:
                self.send(signal.SIGCONT)
            self.send(number)
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure(f"worker {self.name} did not end within {timeout_s} s of signal {number}") from None
        finally:
            self.log.close()
        return code


def environment(sandbox, **more):
    keep = {k: v for k, v in os.environ.items() if not k.startswith("CASELOAD_") and "proxy" not in k.lower()}
    if sandbox.way:
        return {**keep, **credentials.environment(sandbox), **more}
    return {**keep, **sources.ENVIRONMENT, "BIGQUERY_EMULATOR_HOST": sandbox.url,
            "PUBSUB_EMULATOR_HOST": sandbox.pubsub, **more}


def base_config(sandbox, **overrides):
    kind = sources.ALL.get(overrides.get("source", {}).get("type"), sandbox.source)
    config = {
        "version": 1, "project": PROJECT, "subscription": SUBSCRIPTION, "dataset": sandbox.source.name,
        "location": "EU", "start_date": "2026-01-05", "streams": sandbox.source.streams,
        "source": {"type": kind.name, "base_url": sandbox.url, "rate_share": 1, **kind.settings},
    }
    if sandbox.way:
        guard = credentials.config(sandbox)
        config["source"].update(guard.pop("source"))
        config.update(guard)
    source = overrides.pop("source", {})
    config.update(overrides)
    config["source"] = {**config["source"], **source}
    return {key: value for key, value in config.items() if value is not None}


def run_once(build, sandbox, config, *arguments, env=None, timeout_s=TIMEOUT_S):
    """`caseload run`: (exit code, stdout, stderr)."""
    return run_command(build, sandbox, "run", "--config", str(config), *arguments, env=env, timeout_s=timeout_s)


def run_command(build, sandbox, *arguments, env=None, timeout_s=TIMEOUT_S):
    """A command of caseload that ends by itself: (exit code, stdout, stderr)."""
    done = subprocess.run([str(build / "src/app/caseload"), *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s,
                          env=env or environment(sandbox), check=False)
    return done.returncode, done.stdout, done.stderr


def run_stopped(build, sandbox, reached, *arguments):
    """The same, stopped by SIGTERM once reached() is true."""
    with subprocess.Popen([str(build / "src/app/caseload"), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=environment(sandbox)) as process:
        try:
            wait_for(f"{arguments[0]} came so far", reached)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=TIMEOUT_S)
        except BaseException:
            process.kill()
            raise
    return process.returncode, out, err


def write_journal(path, entries):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def work_folder(build, name):
    """An empty folder for the files of one test; it stays afterwards."""
    folder = pathlib.Path(build).resolve() / "e2e" / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.is_file():
            old.unlink()
    return folder
