# SPDX-License-Identifier: Apache-2.0
"""tap-intercom and dlt from PyPI, on the same server in the same run as caseload.

The tap writes its messages to a file, dlt compressed files; neither sends anything, while caseload's rows are uploaded and
committed. So what a peer's loader would cost is not counted."""
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys

import ends
import harness

HERE = pathlib.Path(__file__).resolve().parent
HOME = HERE.parents[1] / ".cache/peers"
PACKAGES = ("tap-intercom==2.2.5", "dlt[filesystem]==1.31.0")


def install():
    """Whether the peers are there; why not is printed."""
    marker = HOME / "packages"
    if marker.is_file() and marker.read_text() == " ".join(PACKAGES):
        return True
    try:
        subprocess.run([sys.executable, "-m", "venv", HOME], check=True, capture_output=True, text=True)
        subprocess.run([HOME / "bin/pip", "install", "--quiet", *PACKAGES], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as failure:
        reason = (getattr(failure, "stderr", "") or str(failure)).strip().splitlines()[-1]
        print(f"skipped: {' and '.join(PACKAGES)} can't be installed: {reason}")
        return False
    marker.write_text(" ".join(PACKAGES))
    return True


def environment():
    return {**{key: value for key, value in os.environ.items() if "proxy" not in key.lower()}, "DO_NOT_TRACK": "1",
            "RUNTIME__DLTHUB_TELEMETRY": "false"}


def check(name, found, wanted):
    if found != wanted:
        raise harness.Failure(f"void: {name} wrote {found} instead of {wanted}")


def run_tap(folder, source, kind, wanted, rate):
    config, catalog = folder / "tap.json", folder / "catalog.json"
    config.write_text(json.dumps({"access_token": "sandbox-token", "start_date": "2026-01-01T00:00:00Z", "user_agent": "bench"}))
    arguments = [HOME / "bin/python", HERE / "peer_tap.py", source.url, "limited" if rate else "lifted", "--config", config]
    listed = json.loads(subprocess.run([*arguments, "--discover"], check=True, capture_output=True, env=environment()).stdout)
    for stream in listed["streams"]:
        selected = stream["tap_stream_id"] in ends.KINDS[kind][0]
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = selected
    catalog.write_text(json.dumps(listed))
    output = folder / "tap.jsonl"
    load = ends.run([*arguments, "--catalog", catalog], folder / "tap.log", output=output, env=environment())
    counts = collections.Counter()
    with open(output, encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(line)
            if message["type"] == "RECORD":
                counts[message["stream"]] += 1
    output.unlink()
    check("tap-intercom", dict(counts), wanted)
    return load


def run_dlt(folder, source, kind, wanted, _rate):
    target = folder / "dlt"
    shutil.rmtree(target, ignore_errors=True)
    output = folder / "dlt.json"
    load = ends.run([HOME / "bin/python", HERE / "peer_dlt.py", source.url, kind, ends.KINDS[kind][1], target],
                    folder / "dlt.log", output=output, env=environment())
    counts = json.loads(output.read_text().strip().splitlines()[-1])
    shutil.rmtree(target)
    parts = f"threads__{ends.KINDS[kind][4]}__{ends.KINDS[kind][4]}" if kind == "conversations" else None
    check("dlt", {stream: counts.get(parts if stream.endswith("_parts") else stream) for stream in wanted}, wanted)
    return load


def compare(build, samples, kinds, records, latency_ms, measure):
    if not install():
        return
    print("  ".join(f"{head:>13}" for head in ("stream", "records", "latency ms", "program", "records/s", "CPU s/M", "peak MiB",
                                               "times slower", "times the CPU")), flush=True)
    rate = 1667 if latency_ms else 0
    for kind in kinds:
        folder, parts = samples.of(kind)
        ours = measure(build, samples, kind, records, latency_ms, "instant", rate)[1]
        loads = [("caseload", ours)]
        wanted = {ends.KINDS[kind][0][0]: records}
        if kind == "conversations":  # the opening message is no part to them
            wanted["conversation_parts"] = ends.expected_rows(kind, records, parts)["conversations.1"] - records
        for name, runner in (("tap-intercom", run_tap), ("dlt", run_dlt)):
            if name == "tap-intercom" and kind == "tickets":
                continue  # it has no tickets
            source = ends.start_source(build, folder, kind, records, latency_ms, rate)
            try:
                loads.append((name, runner(folder, source, kind, wanted, rate)))
            finally:
                source.stop()
        for name, load in loads:
            cells = (kind, records, latency_ms, name, f"{records / load.wall_s:.0f}", f"{load.cpu_s * 1e6 / records:.1f}",
                     f"{load.peak_mib:.1f}", f"{load.wall_s / ours.wall_s:.1f}", f"{load.cpu_s / ours.cpu_s:.1f}")
            print("  ".join(f"{cell:>13}" for cell in cells), flush=True)
