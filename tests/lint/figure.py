#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The figure of the layers in docs/architecture.md is made from the table in layers.py.

    figure.py [--write]
"""
import pathlib
import sys

import layers

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/architecture.md"
BEGIN, END = "<!-- layers: begin -->\n", "<!-- layers: end -->\n"


def direct(table):
    """The includes of each folder without those that follow from others."""
    for folder, lower in table.items():
        yield folder, sorted(one for one in lower if not any(one in table[other] for other in lower if other != one))


def figure(table):
    """A mermaid flowchart; an arrow points to the folder whose headers may be included."""
    lines = ["```mermaid", "flowchart TD"]
    for folder, lower in direct(table):
        lines += [f"    {folder.replace('/', '_')}[\"{folder}\"]"] if "/" in folder else []
        lines += [f"    {folder.replace('/', '_')} --> {other.replace('/', '_')}" for other in lower]
    return "\n".join(lines + ["```"]) + "\n"


def main():
    text = DOCUMENT.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    wanted = figure(layers.ALLOWED)
    if text[begin:end] == wanted:
        return 0
    if "--write" in sys.argv:
        DOCUMENT.write_text(text[:begin] + wanted + text[end:])
        return 0
    print("docs/architecture.md: the figure of the layers differs from tests/lint/layers.py. "
          "Run tests/lint/figure.py --write.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
