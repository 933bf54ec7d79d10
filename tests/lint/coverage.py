#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the executed lines and branches of each source folder from gcovr's summary; fails below a minimum.

    coverage.py SUMMARY
"""
import json
import sys

MINIMUM = {"base": 95, "core": 95}  # percent of lines


def main():
    folders = {}
    for file in json.load(open(sys.argv[1], encoding="utf-8"))["files"]:
        sums = folders.setdefault(file["filename"].split("/")[1], [0, 0, 0, 0])
        for i, key in enumerate(("line_covered", "line_total", "branch_covered", "branch_total")):
            sums[i] += file[key]
    print(f"{'folder':12} {'lines':>7} {'executed':>9} {'branches':>9} {'executed':>9}")
    low = []
    for name, (lines, all_lines, branches, all_branches) in sorted(folders.items()):
        print(f"{name:12} {all_lines:7} {lines / all_lines:9.1%} {all_branches:9} {branches / max(1, all_branches):9.1%}")
        if 100 * lines < MINIMUM.get(name, 0) * all_lines:
            low.append(f"{name}: below {MINIMUM[name]} % of lines")
    low += [f"{name}: no figures" for name in MINIMUM if name not in folders]
    print("\n".join(low), end="\n" if low else "")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
