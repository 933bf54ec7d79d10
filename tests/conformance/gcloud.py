#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Google's command-line tools bq and gcloud pubsub run the lines of the documents, and others that people type, against
the sandbox.

    gcloud.py BUILD

Prints the lines that failed and "N passed, M failed"; exits 0 if none failed, and 77 where the tools are not installed.
They start slowly, so three run at a time.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import documents  # noqa: E402
import harness  # noqa: E402

SKIPPED, LINE_S = 77, 120
ROWS = '{"id":"a","day":"2026-02-01"}\n{"id":"b","day":"2026-02-02"}\n'
TABLE = "scratch.contacts"

# Everyday lines, and a pattern that the output must have.
LINES = (
    ("bq mk --location=EU --dataset P:scratch", "successfully created"),
    ("bq mk --table --time_partitioning_field=day --clustering_fields=id --label=app:x --expiration=0 "
     f"{TABLE} id:STRING,day:DATE", "successfully created"),
    (f"bq load --source_format=NEWLINE_DELIMITED_JSON {TABLE} rows.json", "DONE"),
    ("bq load --source_format=NEWLINE_DELIMITED_JSON --replace scratch.fresh rows.json id:STRING,day:DATE", "DONE"),
    (f"bq show {TABLE}", r"id: string +2 +\d+ .*DAY \(field: day\).*app:x"),
    (f"bq head -n 1 {TABLE}", r"\| a  \| 2026-02-01 \|"),
    (f"bq update --description=told --expiration=0 --set_label=team:support {TABLE}", "successfully updated"),
    ("bq update --default_table_expiration=0 P:scratch", "successfully updated"),
    ("bq ls scratch", "(?s)contacts +TABLE.*team:support.*fresh +TABLE"),
    (f"bq query --nouse_legacy_sql --parameter=id::b 'SELECT day FROM {TABLE} WHERE id = @id'", "2026-02-02"),
    (f"bq query --nouse_legacy_sql --dry_run 'SELECT id FROM {TABLE}'", "will process [1-9]"),
    (f"echo 'BEGIN TRANSACTION; DELETE FROM {TABLE} WHERE TRUE; COMMIT TRANSACTION; SELECT 7 AS seven' | "
     "bq query --nouse_legacy_sql", r"(?s)DELETE.*affected rows: 2.*\| +7 \|"),
)


# The same for Pub/Sub, in a subscription of their own.
PUBSUB_LINES = (
    ("gcloud pubsub topics create scratch", "Created topic"),
    ("gcloud pubsub subscriptions create scratch --topic=scratch --message-filter='hasPrefix(attributes.kind, \"b\")' "
     "--retain-acked-messages", "Created subscription"),
    ("gcloud pubsub subscriptions create wrong --topic=scratch --message-filter='kind = \"b\"'", "!Invalid filter"),
    ("gcloud pubsub topics publish scratch --message=one --attribute=kind=backfill", "messageIds"),
    ("gcloud pubsub topics publish scratch --message=two --attribute=kind=tick", "messageIds"),
    ("gcloud pubsub subscriptions pull scratch --limit=9 --format='value(message.data.decode(base64),ackId)'",
     r"\Aone\sack-\S+\n\Z"),
    ("gcloud pubsub subscriptions modify-message-ack-deadline scratch --ack-deadline=0 --ack-ids=$(gcloud pubsub "
     "subscriptions pull scratch --limit=1 --format='value(ackId)')", "!"),
    ("gcloud pubsub subscriptions list --format='value(name)'", "subscriptions/scratch"),
)

CONTINUED = re.compile(r" *\\\n *")
LINE = re.compile(r"^    ((?:bq|gcloud pubsub) .*|.*\| bq .*)$|`(gcloud pubsub [^`]+)`", re.M)


def lines_of(path):
    return [a or b for a, b in LINE.findall(CONTINUED.sub(" ", (ROOT / path).read_text()))]


def document_lines():
    """The documents' lines: in their order, and those that end everything."""
    lines = lines_of("docs/deploy.md")
    last = [line for line in lines if re.search(r"^(bq rm|gcloud pubsub \w+ delete) ", line)]
    others = lines_of("docs/analysts.md") + lines_of("docs/operating.md") + lines_of("docs/sandbox.md")
    return [line for line in lines if line not in last] + others, last


class Shell:
    """A shell in which the tools use the sandbox, and caseload is the one of this build."""

    def __init__(self, build, box):
        self.box, self.folder = box, box.folder
        tools = self.folder / "bin"
        shutil.rmtree(tools, ignore_errors=True)
        tools.mkdir()
        (tools / "caseload").symlink_to(build / "src/app/caseload")
        flags = f"--api={box.url} --project_id={harness.PROJECT} --oauth_access_token=none"
        (tools / "bq").write_text(f'#!/bin/sh\nexec {shutil.which("bq")} {flags} "$@"\n')
        (tools / "bq").chmod(0o755)
        (self.folder / "rows.json").write_text(ROWS)
        self.environment = harness.environment(
            box, PATH=f"{tools}:{os.environ['PATH']}", HOME=str(self.folder), CLOUDSDK_CONFIG=str(self.folder / "gcloud"),
            CLOUDSDK_CORE_DISABLE_PROMPTS="1", CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK="1",
            CLOUDSDK_CORE_DISABLE_USAGE_REPORTING="1", SA="caseload@demo-project.iam.gserviceaccount.com",
            AGENT="service-1@gcp-sa-pubsub.iam.gserviceaccount.com", CLOUDSDK_CORE_CHECK_GCE_METADATA="false",
            **harness.gcloud_environment(box.url))
        self.passed, self.failed = [], []

    def run(self, line, pattern="", stdin=None):
        """Keeps the line as passed or failed. A pattern that begins with ! is of a line that fails."""
        text = re.sub(r"\bP\b(?=[.:])", harness.PROJECT, line).replace("=...", "=2026-01-01T00:00:00Z")
        done = subprocess.run(["bash", "-o", "pipefail", "-c", text], input=stdin or "", cwd=self.folder, text=True,
                              env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LINE_S,
                              check=False)
        good = (done.returncode != 0) == pattern.startswith("!") and re.search(pattern.removeprefix("!"), done.stdout)
        (self.passed if good else self.failed).append(line)
        if not good:
            print(f"FAILED: {line}\n{done.stdout}(exit {done.returncode}; wanted {pattern})", flush=True)

    def everyday(self, lines):
        for line, pattern in lines:
            self.run(line, pattern)

    def load(self, build):
        config = self.folder / "caseload.json"
        config.write_text(json.dumps(harness.base_config(self.box, streams=documents.streams(build))))
        code, out, err = harness.run_once(build, self.box, config)
        if code:
            raise harness.Failure(f"`caseload run` ended with {code}:\n{out}{err}")

    def by_the_documents(self, build):
        lines, last = document_lines()
        is_loaded = False
        for line in lines:
            if "caseload schema" in line and not is_loaded:
                self.load(build)
                is_loaded = True
            self.run(line)
        script = ";\n".join(text.strip().rstrip(";") for _, text in documents.blocks())
        self.run("bq query --nouse_legacy_sql --location=EU --job_id=documents", stdin=script)
        children = self.box.get(f"/bigquery/v2/projects/{harness.PROJECT}/jobs?parentJobId=documents")["jobs"]
        statements = script.count(";") + 1
        (self.passed if len(children) == statements else self.failed).append(f"{statements} child jobs")
        access = self.box.get(f"/bigquery/v2/projects/{harness.PROJECT}/datasets/intercom")["access"]
        granted = any(entry.get("role") == "WRITER" and entry.get("userByEmail", "").startswith("caseload@")
                      for entry in access)
        (self.passed if granted else self.failed).append("the grant in the dataset's access list")
        for line in last:
            self.run(line, stdin="y\n")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: gcloud.py BUILD")
    if not shutil.which("bq") or not shutil.which("gcloud"):
        print("skipped: gcloud and bq are not installed; https://cloud.google.com/sdk/docs/install tells how")
        return SKIPPED
    build = pathlib.Path(sys.argv[1]).resolve()
    box = harness.Sandbox(build, harness.work_folder(build, "clients-gcloud"), database=":memory:")
    try:
        box.post("/control/workspace", {"fill": {"kind": "contacts", "from": "2026-02-01", "to": "2026-03-01", "count": 5}})
        shell = Shell(build, box)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for part in [pool.submit(shell.everyday, LINES), pool.submit(shell.everyday, PUBSUB_LINES),
                         pool.submit(shell.by_the_documents, build)]:
                part.result()
    finally:
        box.stop()
    for name in shell.failed:
        print(f"FAILED: {name}")
    print(f"{len(shell.passed)} passed, {len(shell.failed)} failed")
    return 1 if shell.failed else 0


if __name__ == "__main__":
    sys.exit(main())
