#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The README's table of streams is what the program says of itself.

    streams.py CASELOAD [--write]
"""
import json
import pathlib
import subprocess
import sys

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- caseload streams: begin -->\n", "<!-- caseload streams: end -->\n"


def row(cells):
    return "| " + " | ".join(cells) + " |\n"


def key(table):
    return ", ".join(table["key"] + ([] if table["version"] in table["key"] else [table["version"]]))


def table(caseload):
    streams = json.loads(subprocess.check_output([caseload, "streams", "--json"], text=True))
    text = row(["stream", "kind", "key", "loaded", "requests", "what it can't see"]) + row(["---"] * 6)
    for stream in streams:
        own, *children = stream["tables"]
        text += row([f"`{stream['name']}`", stream["kind"], key(own), own["loaded"],
                     stream["requests"], stream.get("cannot_see", "")])
        for child in children:
            text += row([f"`{child['name']}`", "child", key(child), child["loaded"], "", ""])
    return text


def main():
    text = README.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    wanted = table(sys.argv[1])
    if text[begin:end] == wanted:
        return 0
    if "--write" in sys.argv:
        README.write_text(text[:begin] + wanted + text[end:])
        return 0
    print("README.md: the table of streams is not what `caseload streams` says; "
          "tests/lint/streams.py CASELOAD --write mends it")
    return 1


if __name__ == "__main__":
    sys.exit(main())
