#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every remedy about tables, datasets and settings that a text of src names is obeyed by a test.

A text that matches REMEDY must contain a phrase of OBEYED, whose scenarios or tests do what it says and count the rows.
No text advises to drop, delete or truncate anything.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
REMEDY = re.compile(r"\b(move|rename|drop|delete|truncate|remove|set|name another|use a|load into|load it|give caseload"
                    r"|run the statement|look at the table|load [a-z ]*again)\b", re.I)
ABOUT = re.compile(r"table|dataset|\\\"|setting|column|token|partition|zone|source\.type|SQL|statement", re.I)
COSTLY = re.compile(r"\b(drop|delete|truncate) (the|its|all|this)\b", re.I)
OBEYED = {
    "move the table": "remedies.scn",
    "RENAME COLUMN": "renamed_column.scn",
    "load into a new dataset": "remedies.scn",
    "use a token of that workspace": "foreign_workspace.scn",
    "set source.type back": "foreign_workspace.scn",
    "back\"": "other_zone.scn",
    "--deduplicate": "rows_doubled.scn",
    "set it to": "test_bigquery.c",  # the location
    "name another": "remedies.scn",  # dataset
    "the time zone that it was": "deleted_ledger.scn",
    "remove the partition": "test_bigquery_schema.c",
    "remove it (bq update": "test_bigquery_schema.c",
    "give caseload a dataset of its own": "remedies.scn",
    "runs in the": "old_ledger.scn",  # looking changes nothing
    "set reconcile_days to 0": "remedies.scn",
    "to keep it": "test_bigquery_latest.c",
    "remove it with bq rm": "doctor_fails.scn",  # its own dataset
    "known records have another content": "contents_disabled.scn",
    "`caseload backfill` with all days": "contacts_list_disagrees.scn",
    "set a larger max_rejected": "conversations_mended.scn",
    "add it to \"streams\"": "conversations_child_later.scn",
    "which is not named; add": "conversations_child_later.scn",
}
# Not about what is loaded: the machine, files of credentials, and texts that describe.
NO_REMEDY = ("SELECT MAX(filler)", "does another program", "Do not change it by hand", "time zone database", "download the file again",
             "download a new key", "token_lifetime_seconds", "the health port", "no port to ask", "is none of list, show",
             "the state: %s.days", "is given twice; remove")
LITERALS = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\s*(?:"((?:[^"\\]|\\.)*)"|PRId64))*')


def texts(path):
    """Each text with the literals that C joins."""
    if path.suffix == ".sql":
        yield from re.findall(r"MESSAGE = '([^']*)'", path.read_text())
        return
    for match in LITERALS.finditer(path.read_text()):
        yield "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match[0]))


def main():
    problems = []
    places = {p.name for p in (ROOT / "tests").rglob("*") if p.suffix in (".scn", ".c")}
    problems += [f"{place} is missing" for place in sorted(set(OBEYED.values()) - places)]
    files = sorted((ROOT / "src").rglob("*.c")) + sorted((ROOT / "src/bigquery/sql").glob("*.sql"))
    checked = 0
    for path in files:
        for text in texts(path):
            if COSTLY.search(text.replace("would delete", "")):
                problems.append(f"{path.relative_to(ROOT)}: advice that costs rows: {text[:90]}")
            if any(phrase in text for phrase in NO_REMEDY) or len(text.split()) < 4 or not REMEDY.search(text) or not ABOUT.search(text):
                continue
            checked += 1
            if not any(phrase in text.replace("\\", "") for phrase in OBEYED):
                problems.append(f"{path.relative_to(ROOT)}: no test obeys: {text[:150]}")
    print("\n".join(problems) or f"remedies: {checked} texts, each is obeyed by a test")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
