#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs each command of docs/operating.md in the sandbox that `./dev sandbox` starts.

    operating.py BUILD

There is what the commands ask for: loaded days, a failed stream, a rejected record, a dead letter, a process that
serves. A command may find something (exit codes 0, 1 and 3), but must be understood. bq runs its lines where it is
installed; elsewhere the sandbox runs their SQL.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import harness
from harness import Failure, wait_for
from health import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = re.compile(r"^    ((?:caseload|bq) .*)$", re.M)
EXPORT = re.compile(r"(\w+)=(\S+)")


class Practice:
    """`./dev sandbox`, and what it printed."""

    def __init__(self, folder):
        self.process = subprocess.Popen([ROOT / "dev", "sandbox", "--http", str(free_port()), "--pubsub",
                                         str(free_port())], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("CASELOAD_")}
        for line in iter(self.process.stdout.readline, ""):
            if line.startswith("export ") and "PATH" not in line:
                self.environment.update(EXPORT.findall(line))
            if line.startswith("bq() "):
                self.function = line
            if line.startswith("# sqlite3"):
                break
        self.environment |= {"CLOUDSDK_CONFIG": str(folder / "gcloud"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
        self.config = pathlib.Path(self.environment.pop("CASELOAD_CONFIG"))
        settings = json.loads(self.config.read_text())
        settings["health"] = f"127.0.0.1:{free_port()}"
        self.config = folder / "caseload.json"
        self.config.write_text(json.dumps(settings))
        self.url = self.environment["BIGQUERY_EMULATOR_HOST"]

    def call(self, method, path, body=None):
        return harness.Sandbox.call(self, method, path, body)

    def post(self, path, body):
        return self.call("POST", path, body)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def run(build, practice, words):
    done = subprocess.run([str(build / "src/app/caseload"), *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, env=practice.environment, timeout=harness.TIMEOUT_S, check=False)
    return done.returncode, done.stdout, done.stderr


def prepare(build, practice):
    """Loaded days, a record without id, a stream that failed, a message that is not understood."""
    config = ["--config", str(practice.config)]
    practice.post("/control/workspace", {"add": {"kind": "contacts", "record": {
        "type": "contact", "created_at": 1772000000, "updated_at": 1772000000, "email": "keyless@example.com"}}})
    run(build, practice, ["run", *config])
    practice.post("/control/faults", "intercom conversations.search * status 400")
    run(build, practice, ["run", "--streams", "conversations", *config])
    practice.call("DELETE", "/control/faults")
    practice.post("/control/publish", {"project": harness.PROJECT, "subscription": "caseload-dead", "data": "hello"})
    code, text, err = run(build, practice, ["history", "--json", *config])
    if code:
        raise Failure(f"caseload history: {code} {err}")
    return json.loads(text)["attempts"][0]["run_id"]


def fill(command, practice, run_id):
    words = shlex.split(command)[1:]
    given = {"caseload.json": str(practice.config), "RUN_ID": run_id, "RECORD_ID": ""}
    return [given.get(word, word) for word in words]


def ask(practice, command):
    """A line of bq, with the function that `./dev sandbox` prints."""
    if not shutil.which("bq"):
        statement = re.search(r'"(SELECT .*)"', command).group(1)
        practice.post("/control/query", {"sql": statement, "project": harness.PROJECT})
        return
    done = subprocess.run(["bash", "-c", f"{practice.function}\n{command}"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, env=practice.environment, timeout=harness.TIMEOUT_S, check=False)
    if done.returncode or "contacts" not in done.stdout:
        raise Failure(f"{command}: {done.stdout}{done.stderr}")


def check(build, practice, run_id):
    commands = list(dict.fromkeys(COMMAND.findall((ROOT / "docs/operating.md").read_text())))
    for command in commands:
        if command.startswith("bq "):
            ask(practice, command)
            print(f"ok    {command}", flush=True)
            continue
        code, out, err = run(build, practice, fill(command, practice, run_id))
        if code not in (0, 1, 3) or not (out or "requeue" in command or "drop" in command):
            raise Failure(f"{command}: exit code {code}\n{out}{err}")
        print(f"ok    {code}  {command}", flush=True)
    if len(commands) < 15:
        raise Failure(f"docs/operating.md has only {len(commands)} commands")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    folder = harness.work_folder(build, "operating")
    practice = Practice(folder)
    try:
        run_id = prepare(build, practice)
        with subprocess.Popen([str(build / "src/app/caseload"), "serve", "--config", str(practice.config)],
                              env=practice.environment, stderr=open(folder / "serve.log", "w")) as server:
            wait_for("serve", lambda: run(build, practice, ["health", "--ready", "--config", str(practice.config)])[0] == 0)
            try:
                check(build, practice, run_id)
            finally:
                server.terminate()
    finally:
        practice.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
