#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A sandbox to practise with, until Ctrl-C: `./dev sandbox` runs it.

    practice.py BUILD FOLDER HTTP_PORT PUBSUB_PORT

It makes the subscriptions caseload (with dead letters after 5 deliveries) and backfills, fills the workspace, writes
FOLDER/caseload.json, and prints what to paste into another terminal.
"""
import json
import pathlib
import signal
import subprocess
import sys
import urllib.request

PROJECT = "demo-project"


def post(port, path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/control/{path}", data=json.dumps(body).encode())
    urllib.request.urlopen(request, timeout=60).read()


def prepare(port):
    post(port, "subscription", {"project": PROJECT, "subscription": "caseload", "max_delivery_attempts": 5})
    post(port, "subscription", {"project": PROJECT, "subscription": "backfills"})
    for kind in ("contacts", "conversations"):
        post(port, "workspace", {"fill": {"kind": kind, "from": "2026-01-05", "to": "2026-03-01", "count": 300}})


def write_config(folder, port):
    path = folder / "caseload.json"
    path.write_text(json.dumps({
        "version": 1, "project": PROJECT, "subscription": "caseload", "backfill_subscription": "backfills",
        "dataset": "intercom", "location": "EU", "start_date": "2026-01-05", "health": "127.0.0.1:19090",
        "source": {"type": "intercom", "base_url": f"http://127.0.0.1:{port}", "token": {"env": "INTERCOM_TOKEN"}},
        "streams": ["contacts", "conversations", "conversation_parts", "admins"],
    }, indent=1) + "\n")
    return path


def main():
    build, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    command = [build / "tests/sandbox/caseload-sandbox", "--database", folder / "sandbox.db",
               "--http", sys.argv[3], "--pubsub", sys.argv[4]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        signal.signal(signal.SIGTERM, lambda *_: sandbox.terminate())
        line = sandbox.stdout.readline()  # when it is ready
        if not line:
            return sandbox.wait()
        ports = json.loads(line)
        prepare(ports["http"])
        config = write_config(folder, ports["http"])
        print(f"""# Ready. Paste this into another terminal; Ctrl-C here ends the sandbox.
export BIGQUERY_EMULATOR_HOST=http://127.0.0.1:{ports['http']} PUBSUB_EMULATOR_HOST=127.0.0.1:{ports['pubsub']}
export INTERCOM_TOKEN=sandbox-token CASELOAD_CONFIG={config}
export PATH="{build / 'src/app'}:$PATH"
# caseload run --config $CASELOAD_CONFIG
# sqlite3 {folder / 'sandbox.db'} 'SELECT COUNT(*) FROM contacts'""", flush=True)
        try:
            return sandbox.wait()
        except KeyboardInterrupt:
            return sandbox.wait()


if __name__ == "__main__":
    sys.exit(main())
