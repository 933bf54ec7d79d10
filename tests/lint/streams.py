#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tables of streams in README.md and docs are what the program says of itself.

    streams.py CASELOAD [--write]
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARKED = re.compile(r"(<!-- caseload streams((?: --source \w+)?): begin -->\n)(.*?)(<!-- caseload streams: end -->\n)", re.S)


def row(cells):
    return "| " + " | ".join(cells) + " |\n"


def key(table):
    return ", ".join(table["key"] + ([] if table["version"] in table["key"] else [table["version"]]))


def table(caseload, options):
    streams = json.loads(subprocess.check_output([caseload, "streams", "--json", *options], text=True))
    text = row(["stream", "kind", "key", "loaded", "requests", "what it can't see"]) + row(["---"] * 6)
    for stream in streams:
        own, *children = stream["tables"]
        text += row([f"`{stream['name']}`", stream["kind"], key(own), own["loaded"],
                     stream["requests"], stream.get("cannot_see", "")])
        for child in children:
            text += row([f"`{child['name']}`", "child", key(child), child["loaded"], "", ""])
    return text


def main():
    failed = False
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text()
        wanted = MARKED.sub(lambda found: found[1] + table(sys.argv[1], found[2].split()) + found[4], text)
        if text == wanted:
            continue
        if "--write" in sys.argv:
            path.write_text(wanted)
            continue
        failed = True
        print(f"{path.relative_to(ROOT)}: the table of streams is not what `caseload streams` says; "
              "tests/lint/streams.py CASELOAD --write mends it")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
