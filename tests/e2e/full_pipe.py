#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A worker whose log has no reader ends within ten seconds of SIGTERM, and leaves no core file with its tokens.

    full_pipe.py CASELOAD
"""
import fcntl
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

F_SETPIPE_SZ = 1031
LIMIT_S = 10


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def full_pipe():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    return reader, writer


def start(program, folder, stderr):
    address = f"127.0.0.1:{closed_port()}"  # every request is refused and tried again, with a trace of each try
    config = folder / "config.json"
    config.write_text(json.dumps({
        "version": 1, "project": "demo-project", "subscription": "s", "dataset": "d", "location": "EU",
        "start_date": "2026-01-05", "log_level": "debug", "streams": ["contacts"],
        "source": {"type": "intercom", "base_url": f"http://{address}", "token": {"env": "INTERCOM_TOKEN"}}}))
    keep = {k: v for k, v in os.environ.items() if not k.startswith("CASELOAD_") and "proxy" not in k.lower()}
    return subprocess.Popen([program, "serve", "--config", str(config)], stdin=subprocess.DEVNULL, stderr=stderr,
                            env={**keep, "INTERCOM_TOKEN": "t", "BIGQUERY_EMULATOR_HOST": address,
                                 "PUBSUB_EMULATOR_HOST": address})


def core_limit(process):
    for line in pathlib.Path(f"/proc/{process.pid}/limits").read_text().split("\n"):
        if line.startswith("Max core file size"):
            return line.split()[4]
    return None


def main():
    reader, writer = full_pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = start(sys.argv[1], pathlib.Path(folder), writer)
        try:
            time.sleep(2)  # it has tried to log by now
            if process.poll() is not None:
                os.read(reader, 4096)
                sys.exit(f"full_pipe: the worker ended early with {process.returncode}: {os.read(reader, 4096)}")
            limit = core_limit(process)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            sys.exit(f"full_pipe: the worker did not end within {LIMIT_S} s of SIGTERM")
        finally:
            if process.poll() is None:
                process.kill()
    if limit != "0":
        sys.exit(f"full_pipe: the soft limit of core files is {limit}")
    print(f"full_pipe: ended with {process.returncode} after {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
