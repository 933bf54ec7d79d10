#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the SQL statements piece by piece and checks that a test fails each time; prints which.

The SQL is text, so a mutation is an edit of a copy of src/bigquery/sql; the worker and the tests are built with the copy.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SQL = ROOT / "src/bigquery/sql"
BUILD = ROOT / "build/mutate"
COPY = BUILD / "sql"
JOBS = str(os.cpu_count() or 2)
INTEGRATION = ["bigquery", "bigquery_contents", "bigquery_gone", "bigquery_missing", "bigquery_list", "bigquery_derived", "bigquery_latest"]

LOCK_CHECK = "  IF @@row_count != 1 THEN"
LOCK_SET = "SET commits = commits + 1, committed_at = CURRENT_TIMESTAMP()"

# name, file, [(what stands there, what is put in its place), ...]
MUTATIONS = [
    ("nothing", "commit_lock.sql", []),
    ("the lock UPDATE", "commit_lock.sql",
     [("UPDATE `${lock}`\n   " + LOCK_SET + "\n WHERE", "SET is_alone = EXISTS (SELECT 1 FROM `${lock}` WHERE"),
      ("committed_at <= @alone_since;\nSET is_alone = @@row_count = 1;", "committed_at <= @alone_since);"),
      ("  UPDATE `${lock}`\n     " + LOCK_SET + "\n   WHERE", "  IF NOT EXISTS (SELECT 1 FROM `${lock}` WHERE"),
      ("FROM `${lock}`) = 1;\n" + LOCK_CHECK, "FROM `${lock}`) = 1) THEN")]),
    ("the check of the lock row", "commit_lock.sql", [(LOCK_CHECK, "  IF FALSE THEN")]),
    ("the check that nobody has committed", "commit_lock.sql", [("\n   AND committed_at <= @alone_since", "\n   AND @alone_since IS NOT NULL")]),
    ("the count of lock rows", "commit_lock.sql", [("(SELECT COUNT(*) FROM `${lock}`) = 1", "(SELECT COUNT(*) FROM `${lock}`) >= 1")]),
    ("the anti-join's id", "commit_union.sql", [("ON ${version_match}", "ON k.updated_at = s.updated_at")]),
    ("the anti-join's version", "commit_union.sql", [("ON ${version_match}", "ON k.id = s.id")]),
    ("the anti-join's IS NULL", "commit_union.sql", [("WHERE k.${first_column} IS NULL", "WHERE TRUE")]),
    ("the range check", "commit_check.sql", [("COUNTIF(${misplaced})", "COUNTIF(FALSE AND (${misplaced}))")]),
    ("the ROW_NUMBER", "commit_union.sql", [("_seq DESC) = 1", "_seq DESC) >= 1")]),
    ("the staged count", "commit_check.sql", [("!= @${staged}", "< 0 AND @${staged} < 0")]),
    ("contents: not compared", "commit_union.sql", [("s._content IS NOT NULL AND k", "FALSE AND k")]),
    ("contents: unknown staged ones", "commit_union.sql", [("s._content IS NOT NULL AND k", "k")]),
    ("contents: unknown stored ones", "commit_union.sql", [("k._content IS DISTINCT FROM s._content", "k._content != s._content")]),
    ("contents: any, not the newest", "commit_union.sql", [("PARTITION BY ${version} ORDER BY _read_at DESC) = 1", "PARTITION BY ${version} ORDER BY _read_at) = 1")]),
    ("contents: read earlier", "commit_union.sql", [("AND (k._read_at IS NULL OR k._read_at < s._read_at)", "")]),
    ("contents: read at the same time", "commit_union.sql", [("k._read_at < s._read_at)", "k._read_at <= s._read_at)")]),
    ("contents: overtaken", "commit_union.sql", [("f.began_at > s._read_at", "FALSE")]),
    ("contents: overtaken on other days", "commit_union.sql", [("${day_match}", " /*${day_match}*/")]),
    ("contents: an incomplete reading first", "commit_union.sql", [("ORDER BY _content IS NULL, _read_at DESC", "ORDER BY _read_at DESC")]),
    ("contents: the newest reading of one fetch", "commit_union.sql", [("_read_at DESC, _seq DESC", "_seq DESC")]),
    ("contents: two readings of a set", "commit_union.sql", [("${newest_set}", " /*${newest_set}*/")]),
    ("contents: later fetches", "commit_later.sql", [("AND began_at > @began_at", "AND began_at < @began_at")]),
    ("list: older than the first day", "commit_union.sql", [("IS NULL${from_day}", "IS NULL /*${from_day}*/")]),
    ("list: known versions only", "commit_union.sql", [("IS NULL${from_day}", "IS NULL${from_day} AND '${from_day}' = ''")]),
    ("list: another form", "commit_union.sql", [("${agreed}", " /*${agreed}*/")]),
    ("list: another form of a few", "commit_compare.sql", [("n_compared <= 1000 OR ", "")]),
    ("list: another form of less than half", "commit_compare.sql", [("2 * n_differing <= n_compared", "n_differing = 0")]),
    ("list: another form than unknown contents", "commit_compare.sql", [("WHERE k._content IS NOT NULL", "WHERE TRUE")]),
    ("list: overtakes fetches", "commit_later.sql", [("stream IN (${readers})", "stream IN (${readers}) AND stream = ${reader}")]),
    ("list: of all days", "commit_later.sql", [("IF(stream = ${reader}, from_date, DATE '0001-01-01')", "from_date")]),
    ("claims: rows added later", "commit_ledger.sql", [("AND _loaded_at >= transaction_began_at", "AND FALSE")]),
    ("claims: counted rows added later", "state.sql", [("n.row_count + COALESCE(a.row_count, 0)", "n.row_count")]),
    ("children of scans: a scan that left them out", "state_scan.sql", [("   AND l.committed_at IS NULL\n", "")]),
    ("children of scans: a hole", "state_scan.sql", [("WHERE e.row_count > COALESCE(h.row_count, 0)", "WHERE FALSE AND h.row_count > 0")]),
    ("children of scans: a hole that can't heal", "commit_children_scan.sql", [("c.day >= @children_from", "FALSE AND c.day >= @children_from")]),
    ("children of scans: unread", "state_scan.sql", [("AND mended_at IS NULL", "AND mended_at IS NOT NULL")]),
    ("claims: a child that was left out", "state.sql", [("AND l.committed_at = n.committed_at", "AND l.committed_at > n.committed_at")]),
    ("claims: children that are missing", "state.sql", [("WHERE e.row_count > COALESCE(h.row_count, 0)", "WHERE FALSE AND e.row_count > h.row_count")]),
    ("claims: children that came later", "state.sql", [("n.row_count + COALESCE(SUM(a.added), 0)", "n.row_count")]),
    ("claims: children that are new", "commit_children.sql", [("COUNTIF(_run_id", "COUNTIF(FALSE AND _run_id")]),
    ("doubled: the same reading", "commit_doubled.sql", [("${repeated} IS NOT DISTINCT FROM LAG", "FALSE AND ${repeated} IS NOT DISTINCT FROM LAG")]),
    ("_latest table: stale rows", "latest_refresh.sql", [("IN UNNEST(these_days) AND ${is_stale}", "IN UNNEST(these_days) AND FALSE AND ${is_stale}")]),
    ("_latest table: rows it has", "latest_refresh.sql", [("      ON ${match}\n   WHERE l.${first_column} IS NULL", "      ON ${match}\n   WHERE TRUE")]),
    ("_latest: the set read last", "latest_set.sql", [("_read_at IS NOT DISTINCT FROM MAX(_read_at)", "TRUE OR _read_at = MAX(_read_at)")]),
    ("the next slice of days", "commit_union.sql", [("AS d WHERE d > last_day", "AS d WHERE FALSE AND d > last_day")]),
    ("the ledger INSERT", "commit_ledger.sql", None),
    ("the transaction", "commit_lock.sql", [("BEGIN TRANSACTION;\n", "")]),
    ("the rejects' anti-join", "commit_rejected.sql", [("WHERE k.content_hash IS NULL", "WHERE TRUE")]),
    ("the rejects' bound", "commit_rejected.sql", [(">= @renewed_since", ">= @renewed_since AND FALSE")]),
    ("the doubled child", "commit_doubled.sql", [("SET n_doubled = n_doubled + (", "SET n_doubled = (")]),
    ("gone: who is listed", "suspects.sql", [("WHERE s.${key} IS NULL AND", "WHERE")]),
    ("gone: a reject without id", "suspects.sql", [("AND NOT (${is_unnamed})", "AND NOT (FALSE AND ${is_unnamed})")]),
    ("gone: newer than the list", "suspects.sql", [(" AND t.newest < @began_at", "")]),
    ("gone: known already", "suspects.sql", [("(g.missing IS NULL OR g.missing < t.newest)", "TRUE")]),
    ("gone: known, but back since", "suspects.sql", [(" OR g.missing < t.newest", "")]),
    ("gone: the newest version", "suspects.sql", [("MAX(${version}) AS newest", "MIN(${version}) AS newest")]),
    ("gone: who was not asked for", "commit_reconcile.sql", [("(a.${key} IS NOT NULL OR r.id IS NOT NULL)", "TRUE")]),
    ("gone: two lists of one day", "commit_reconcile.sql", [(" AND list_began_at <= @day_before", "")]),
    ("gone: an unconfirmed list", "commit_reconcile.sql", [("AND @confirmed ", "")]),
    ("gone: an older list behind a younger", "commit_reconcile.sql", [("fetch_began_at > @began_at) = 0", "fetch_began_at > @began_at) >= 0")]),
    ("gone: taking back", "commit_reconcile_back.sql", [("WHERE partition_date", "WHERE FALSE AND partition_date")]),
    ("gone: taking back the younger", "commit_reconcile_back.sql", [("AND seen_missing_at < TIMESTAMP_SUB(@began_at, INTERVAL 1 HOUR)", "")]),
    ("gone: taking back who has just gone", "commit_reconcile_back.sql", [("TIMESTAMP_SUB(@began_at, INTERVAL 1 HOUR)", "@began_at")]),
    ("gone: taking back all", "commit_reconcile_back.sql", [("AND ${key} IN (${listed})", "AND (${key} IN (${listed}) OR TRUE)")]),
    ("gone: an empty list", "commit_reconcile_empty.sql", [("IF EXISTS (", "IF FALSE AND EXISTS (")]),
    ("_latest: the gone", "latest_gone.sql", [("WHERE g.missing IS NULL OR", "WHERE TRUE OR g.missing IS NULL OR")]),
    ("_latest: gone, but back since", "latest_gone.sql",
     [(" OR g.missing < r.${version}", " AND r.${version} IS NOT NULL")]),
    ("_latest: the newest version", "latest.sql", [("ORDER BY ${newest}) = 1", "ORDER BY ${newest}) >= 1")]),
    ("_latest: the owner's version", "latest_set.sql",
     [("AND o.newest = r.${version}", "AND r.${version} IS NOT NULL")]),
    ("_custom: the newest list", "latest_day.sql",
     [("AND partition_date = (SELECT MAX(", "AND partition_date <= (SELECT MAX(")]),
    ("_custom: only the workspace's", "attributes.sql", [("WHERE ${custom}", "WHERE TRUE OR ${custom}")]),
]


def mutate(name, file, edits):
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(SQL, COPY)
    path = COPY / file
    text = path.read_text()
    if edits is None:  # the INSERT goes, the COMMIT stays
        begin, end = text.index("INSERT INTO"), text.index("COMMIT TRANSACTION;")
        text = text[:begin] + text[end:]
    for old, new in edits or []:
        if old not in text:
            sys.exit(f"mutate: \"{name}\": {file} does not hold: {old}")
        text = text.replace(old, new)
    path.write_text(text)
    if name == "the transaction":
        ledger = COPY / "commit_ledger.sql"
        ledger.write_text(ledger.read_text().replace("COMMIT TRANSACTION;", ""))


def run(*command):
    environment = {**os.environ, "CASELOAD_E2E_TIMEOUT": "60"}  # a broken commit may never be acknowledged
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def build():
    configure = run("cmake", "-S", ".", "-B", str(BUILD / "tree"), "-G", "Ninja", "-DCMAKE_C_COMPILER=gcc",
                    "-DCMAKE_BUILD_TYPE=RelWithDebInfo", f"-DCASELOAD_SQL_DIR={COPY}")
    if configure.returncode == 0:
        configure = run("cmake", "--build", str(BUILD / "tree"), "-j", JOBS, "--target", "caseload",
                        "caseload-sandbox", *(f"test_integration_bigquery_{name}" for name in INTEGRATION))
    if configure.returncode != 0:
        sys.exit("mutate: the build failed:\n" + configure.stdout[-4000:])


def first_failure():
    """The first test that fails, or None."""
    for name in INTEGRATION:
        test = run("ctest", "--test-dir", str(BUILD / "tree"), "-R", f"^integration/bigquery/{name}$", "--no-tests=error",
                   "--output-on-failure")
        if test.returncode != 0:
            failed = re.findall(r"\[  FAILED  \] ([a-z]\w+)", test.stdout)
            return f"integration/bigquery/{name}: " + (failed[0] if failed else "crashed")
    for part in ("daily", "overlapping_commits", "atomic", "rejected", "companies_segments", "child_permitted"):
        scenarios = run(sys.executable, "tests/e2e/run.py", str(BUILD / "tree"), part)
        if scenarios.returncode != 0:
            return f"e2e: {part}"
    return None


def main():
    BUILD.mkdir(parents=True, exist_ok=True)
    parts = sys.argv[1:]  # of names; none: all mutations
    wanted = [m for m in MUTATIONS if m[0] == "nothing" or not parts or any(part in m[0] for part in parts)]
    survived = 0
    for name, file, edits in wanted:
        mutate(name, file, edits)
        build()
        caught = first_failure()
        if name == "nothing":
            if caught:
                sys.exit(f"mutate: the unbroken script fails already: {caught}")
            print(f"{'removed':28}  caught by", flush=True)
            continue
        survived += caught is None
        print(f"{name:28}  {caught or 'NOTHING: add a test'}", flush=True)
    print(f"{len(wanted) - 1 - survived} passed, {survived} failed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
