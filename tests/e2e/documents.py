#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every SQL statement of the documents in the sandbox, on tables that caseload loaded, and the block of commands
that the README shows, pasted as a whole. gcloud, where it is installed, reads the options of its commands.

    documents.py BUILD

The statements are the ```sql blocks of README.md and docs/*.md. Every table that they name is loaded first. The curl
commands of the README are sent to the sandbox before.
"""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import harness
from harness import Failure

ROOT = pathlib.Path(__file__).resolve().parents[2]
CURL = re.compile(r"^ +curl -s localhost:8080(/\S+) -d '(.*)'$", re.M)
BLOCK = re.compile(r"^```sql\n(.*?)^```", re.M | re.S)
TABLE = re.compile(r"\bintercom\.(\w+)")


CONTINUED = re.compile(r" *\\\n *")
GCLOUD = re.compile(r"^    (?:.*\| )?(gcloud .*)$|`(gcloud (?!auth |iam workload)[^`]* --?[^`]*)`", re.M)
WITH_LOCATION = ("gcloud scheduler jobs create",)  # gcloud itself asks for it only later


def gcloud_commands():
    """(file, command) of each gcloud command with options in the documents."""
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for match in GCLOUD.finditer(CONTINUED.sub(" ", path.read_text())):
            yield path.relative_to(ROOT), match.group(1) or match.group(2)


def gcloud_refusals(commands, folder):
    """[(command, what gcloud says against its words)]. One process reads them all, without an account."""
    def readable(command):
        return command.replace("$SA", "caseload@p.iam.gserviceaccount.com").replace("=...", "=2026-01-01")
    listed = folder / "commands.json"
    listed.write_text(json.dumps([{"command_string": readable(command)} for command in commands]))
    environment = {**os.environ, "CLOUDSDK_CONFIG": str(folder), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
                   "CLOUDSDK_CORE_PROJECT": "acme-data", "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false"}
    done = subprocess.run(["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={listed}"], env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
    try:
        answers = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise Failure(f"gcloud does not read the commands: {done.stdout}{done.stderr}") from None
    return [(command, answer["error_message"]) for command, answer in zip(commands, answers, strict=True)
            if not answer["success"]]


def check_gcloud(folder):
    """The places whose commands gcloud does not read."""
    commands = list(gcloud_commands())
    failed = [(place, command, "--location is missing") for place, command in commands
              if command.startswith(WITH_LOCATION) and "--location=" not in command]
    if not any(command.startswith("gcloud services enable") for _, command in commands):
        failed.append(("docs/deploy.md", "gcloud services enable", "no API is enabled"))
    if shutil.which("gcloud"):
        refusals = dict(gcloud_refusals(list(dict.fromkeys(command for _, command in commands)), folder))
        failed += [(*item, refusals[item[1]]) for item in commands if item[1] in refusals]
        print(f"ok    gcloud reads {len(commands) - len(refusals)} of {len(commands)} commands", flush=True)
    else:
        print("skip  gcloud is not installed", flush=True)
    for place, command, answer in failed:
        print(f"FAIL  {place}: {command}\n{answer}", flush=True)
    return [place for place, _, _ in failed]


def blocks():
    """(file:line, text) of each block."""
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text()
        for match in BLOCK.finditer(text):
            line = text[:match.start()].count("\n") + 2
            yield f"{path.relative_to(ROOT)}:{line}", match.group(1)


def tables():
    """The tables that the documents name, without _latest."""
    return {re.sub("_latest$", "", name) for _, text in blocks() for name in TABLE.findall(text)}


COLUMNS = re.compile(r"^\| `(attempts|runs|rejected)` \| meaning \|\n\|---\|---\|\n((?:^\|.*\n)+)", re.M)


def check_control_columns(box):
    """The tables of docs/analysts.md name each column of the control dataset's tables once."""
    told_of = COLUMNS.findall((ROOT / "docs/analysts.md").read_text())
    if [table for table, _ in told_of] != ["attempts", "runs", "rejected"]:
        raise Failure(f"docs/analysts.md tells the columns of {[table for table, _ in told_of]}")
    for table, lines in told_of:
        told = re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in lines.splitlines()))
        path = f"/bigquery/v2/projects/{harness.PROJECT}/datasets/intercom_caseload/tables/{table}"
        have = [field["name"] for field in box.get(path)["schema"]["fields"]]
        if sorted(told) != sorted(have):
            raise Failure(f"docs/analysts.md on {table}: {sorted(told)}, not {sorted(have)}")
        print(f"ok    docs/analysts.md: {len(have)} columns of {table}", flush=True)


def streams(build):
    """The streams to configure so that all these tables are loaded."""
    listed = subprocess.run([build / "src/app/caseload", "streams"], capture_output=True, text=True, check=True).stdout
    wanted, parent = tables(), None
    names = []
    for line in listed.splitlines()[1:]:
        name = line.split()[0] if line.split() else ""
        parent = parent if line.startswith(" ") else name
        if name in wanted:
            wanted.discard(name)
            names += [parent, name]
    if wanted:
        raise Failure(f"no stream has the tables {', '.join(sorted(wanted))}")
    always = {f"{name}_deleted" for name in names}
    return [name for name in dict.fromkeys(names) if name not in always]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def paste(build, folder):
    """Runs the README's commands as one block, at free ports. The block's last line prints the contacts' rows."""
    text = (ROOT / "README.md").read_text()
    block = re.search(r"^## Try it by hand$.*?((?:^    [^\n]*\n)+)", text, re.M | re.S).group(1)
    http, pubsub = free_port(), free_port()
    config = folder / "example.json"
    config.write_text((ROOT / "tests/data/example.json").read_text().replace(":8080", f":{http}"))
    for old, new in (("build/release", build), ("8080", http), ("8085", pubsub), ("/tmp/sandbox.db", folder / "pasted.db"),
                     ("tests/data/example.json", config)):
        block = block.replace(old, str(new))
    done = subprocess.run(["bash", "-c", f"{block}\nkill $!"], cwd=ROOT, capture_output=True, text=True, timeout=120,
                          check=False)
    rows = [line for line in done.stdout.splitlines() if re.fullmatch(r"\d*\|.*\|.*", line)]
    if len(rows) != 1 or not rows[0].startswith("5000|"):
        raise Failure(f"the README's commands gave {rows}:\n{done.stdout}{done.stderr}")
    print("ok    README.md, pasted as one block: 5000 rows", flush=True)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    folder = harness.work_folder(build, "documents")
    box = harness.Sandbox(build, folder)
    config = folder / "caseload.json"
    config.write_text(json.dumps(harness.base_config(box, streams=streams(build))))
    box.post("/control/subscription", {"project": harness.PROJECT, "subscription": harness.SUBSCRIPTION})
    box.post("/control/workspace", {"fill": {"kind": "contacts", "from": "2026-02-01", "to": "2026-03-01", "count": 50}})
    box.post("/control/workspace", {"fill": {"kind": "conversations", "from": "2026-02-01", "to": "2026-03-01", "count": 50, "children": 6}})
    failed = []
    try:
        for path, body in CURL.findall((ROOT / "README.md").read_text()):
            box.call("POST", path, body)
        code, out, err = harness.run_once(build, box, config)
        if code:
            raise Failure(f"`caseload run` ended with {code}:\n{out}{err}")
        journals = build / "journals"
        journals.mkdir(exist_ok=True)
        lines = [json.dumps(entry) for entry in box.journal("bigquery")]
        (journals / "documents.jsonl").write_text("\n".join(lines))  # for googlesql.py
        check_control_columns(box)
        paste(build, folder)
        gcloud_folder = folder / "gcloud"
        gcloud_folder.mkdir(exist_ok=True)
        failed += check_gcloud(gcloud_folder)
        for place, text in blocks():
            try:
                rows = box.query(text)
                print(f"ok    {place}: {len(rows)} rows", flush=True)
            except Failure as failure:
                failed.append(place)
                print(f"FAIL  {place}: {failure}\n{text}", flush=True)
    finally:
        box.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
