# SPDX-License-Identifier: Apache-2.0
"""Tools of others accept what `caseload singer` writes: singer-check-tap, target-jsonl and jsonschema, from PyPI.

    tools.py BUILD

All streams of the sandbox are sent, once without a state and once with the last one. Run it with a Python that has
requirements.txt; clients.py does so.
"""
import copy
import json
import pathlib
import shutil
import subprocess
import sys

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness import Failure  # noqa: E402
from singer import Bench, CHANGED  # noqa: E402
from singer_target import Target  # noqa: E402

BIN = pathlib.Path(sys.executable).parent


def tool(bench, name, lines, *words):
    """(exit code, output). It runs in the folder of the test: singer-check-tap makes a folder where it is."""
    done = subprocess.run([str(BIN / name), *words], input="".join(line + "\n" for line in lines), capture_output=True,
                          cwd=bench.folder, text=True, timeout=300, check=False)
    return done.returncode, done.stdout, done.stderr


def validate(lines):
    """Each record fits the schema of its stream, with its formats. The number of records by stream."""
    checkers, counts = {}, {}
    for line in lines:
        message = json.loads(line)
        if message["type"] == "SCHEMA":
            jsonschema.Draft4Validator.check_schema(message["schema"])
            checkers[message["stream"]] = jsonschema.Draft4Validator(message["schema"], format_checker=jsonschema.FormatChecker())
        elif message["type"] == "RECORD":
            for problem in checkers[message["stream"]].iter_errors(message["record"]):
                raise Failure(f"{message['stream']}: {problem}")
            counts[message["stream"]] = counts.get(message["stream"], 0) + 1
    return counts


def check_tap(bench, lines):
    code, out, err = tool(bench, "singer-check-tap", lines)
    if code != 0:
        raise Failure(f"singer-check-tap: {out[-2000:]}{err[-2000:]}")


def broken(lines):
    """The lines with one value of another type."""
    at = next(i for i, line in enumerate(lines) if '"RECORD"' in line)
    message = json.loads(lines[at])
    message["record"]["id"] = 7
    return [*lines[:at], json.dumps(message), *lines[at + 1:]]


def load_jsonl(bench, lines, target):
    folder = bench.folder / "jsonl"
    config = bench.folder / "target.json"
    config.write_text(json.dumps({"destination_path": str(folder), "do_timestamp_file": False}))
    code, out, err = tool(bench, "target-jsonl", lines, "--config", str(config))
    if code != 0 or json.loads(out.strip().split("\n")[-1]) != target.state:
        raise Failure(f"target-jsonl: {code} {err[-2000:]}")
    for stream, count in target.counts.items():
        records = [json.loads(line) for line in (folder / f"{stream}.jsonl").read_text().splitlines()]
        keys = {tuple(record.get(name) for name in target.schemas[stream]["key_properties"]) for record in records}
        if len(records) != count or not set(target.rows[stream]) <= keys:
            raise Failure(f"target-jsonl holds {len(records)} records of {stream}, not {count}")


def select_all(bench):
    code, lines, log = bench.run(None, "--discover")
    catalog = json.loads("\n".join(lines))
    for entry in catalog["streams"]:
        entry["metadata"][0]["metadata"]["selected"] = True
    path = bench.folder / "catalog.json"
    path.write_text(json.dumps(catalog))
    return path, len(catalog["streams"])


def main():
    bench = Bench(pathlib.Path(sys.argv[1]).resolve(), "tools", streams=None, source={"custom_objects": ["Order"]})
    passed = 0
    try:
        bench.box.post("/control/workspace", {"add": {"kind": "contacts", "record": {
            "type": "contact", "updated_at": 1772000000, "created_at": 1772000000, "email": "no id"}}})
        catalog, streams = select_all(bench)
        shutil.rmtree(bench.folder / "jsonl", ignore_errors=True)
        (bench.folder / "jsonl").mkdir()
        state, target = None, Target()
        for run in ("first", "second"):
            code, lines, log = bench.run(state, "--catalog", str(catalog))
            if code != 0:
                raise Failure(f"the {run} run ended with {code}: {log[-2000:]}")
            counts = validate(lines)
            check_tap(bench, lines)
            target.load(lines)
            load_jsonl(bench, lines, target)
            if state is None and len(counts) < streams * 3 // 4:
                raise Failure(f"only {len(counts)} of {streams} streams have records: {sorted(counts)}")
            state = copy.deepcopy(target.state)
            passed += 3
            bench.box.post("/control/clock", {"advance_s": 86400})
            for change in CHANGED:
                bench.box.post("/control/workspace", change)
        if tool(bench, "singer-check-tap", broken(lines))[0] == 0:
            raise Failure("singer-check-tap accepts a record that does not fit its schema")
        passed += 1
    except Failure as failure:
        print(f"FAIL  {failure}\n{passed} passed, 1 failed")
        return 1
    finally:
        Bench.stop_all()
    print(f"{passed} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
