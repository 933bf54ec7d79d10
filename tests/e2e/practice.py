#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A sandbox to practise with, until Ctrl-C: `./dev sandbox` runs it.

    practice.py BUILD FOLDER HTTP_PORT PUBSUB_PORT

It makes the subscriptions caseload and caseload-backfills (with dead letters after 5 deliveries), fills the workspace, writes
FOLDER/caseload.json, and prints what to paste into another terminal.
"""
import json
import pathlib
import signal
import subprocess
import sys
import urllib.request

import harness
from harness import PROJECT


def send(port, method, path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", data=json.dumps(body).encode(), method=method)
    urllib.request.urlopen(request, timeout=60).read()


def prepare(port):
    """One topic with two subscriptions, as docs/deploy.md makes them, and records."""
    project = f"v1/projects/{PROJECT}"
    for topic in ("caseload", "caseload-dead"):
        send(port, "PUT", f"{project}/topics/{topic}", {})
    send(port, "PUT", f"{project}/subscriptions/caseload-dead", {"topic": f"projects/{PROJECT}/topics/caseload-dead"})
    for name, rule in (("caseload", 'NOT attributes.kind = "backfill"'), ("caseload-backfills", 'attributes.kind = "backfill"')):
        send(port, "PUT", f"{project}/subscriptions/{name}", {
            "topic": f"projects/{PROJECT}/topics/caseload", "filter": rule, "ackDeadlineSeconds": 600,
            "retainAckedMessages": True, "messageRetentionDuration": "604800s",
            "deadLetterPolicy": {"deadLetterTopic": f"projects/{PROJECT}/topics/caseload-dead", "maxDeliveryAttempts": 5}})
    for kind in ("contacts", "conversations"):
        send(port, "POST", "control/workspace", {"fill": {"kind": kind, "from": "2026-01-05", "to": "2026-03-01", "count": 300}})


def write_config(folder, port):
    path = folder / "caseload.json"
    path.write_text(json.dumps({
        "version": 1, "project": PROJECT, "subscription": "caseload", "backfill_subscription": "caseload-backfills",
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
# for gcloud and bq:
export {' '.join(f'{k}={v}' for k, v in harness.gcloud_environment(f"http://127.0.0.1:{ports['http']}").items())}
bq() {{ command bq --api=$CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB --project_id={PROJECT} --oauth_access_token=none "$@"; }}
# caseload run --config $CASELOAD_CONFIG
# gcloud pubsub topics publish caseload --message='{{}}'
# sqlite3 {folder / 'sandbox.db'} 'SELECT COUNT(*) FROM contacts'""", flush=True)
        try:
            return sandbox.wait()
        except KeyboardInterrupt:
            return sandbox.wait()


if __name__ == "__main__":
    sys.exit(main())
