#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that each SQL function of the sandbox is used: by caseload's SQL, a scenario, a test of caseload, another
client, or the documentation."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SENDERS = ["README.md", "docs", "src/bigquery", "tests/e2e/scenarios", "tests/integration/bigquery",
           "tests/conformance/python", "tests/conformance/node"]
KEPT = {"IFNULL"}  # the shorter COALESCE


def served():
    text = (ROOT / "tests/sandbox/sql/rules.c").read_text()
    return set(re.findall(r'^\s*\{"(\w+)", "', text, re.M))


def sent():
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *SENDERS], cwd=ROOT, capture_output=True,
                           text=True, check=True).stdout.split()
    text = "\n".join((ROOT / f).read_text() for f in files if (ROOT / f).exists())
    return set(re.findall(r"\b([A-Z]\w+)\(", text))


def main():
    unused = sorted(served() - sent() - KEPT)
    if unused:
        print("tests/sandbox/sql/rules.c: not sent by anyone, delete: " + ", ".join(unused))
        return 1
    print(f"sql_functions: {len(served())} functions, each of them is sent")
    return 0


if __name__ == "__main__":
    sys.exit(main())
