# SPDX-License-Identifier: Apache-2.0
"""Runs the sandbox's GoogleSQL cases (tests/data/sql/*.sqltest) with Google's engine instead of the sandbox.

Cases of scripts, of views and with the differences listed below are skipped: the engine runs single statements only.
"""
import collections
import datetime
import json

from engine import Json, Refused
from script import Unknown, Warehouse

NOW = datetime.datetime(2026, 3, 2, 4, 0, 0, 123456, tzinfo=datetime.timezone.utc)  # the clock of test_sql.c
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

# Known differences between BigQuery and Google's engine with all language features enabled.
KNOWN = {
    "JSON can't be compared": "BigQuery does not compare JSON",
    "grouping by JSON is refused": "BigQuery does not group by JSON",
    "a type that is not supported": "the sandbox leaves NUMERIC out",
    "subqueries": "BigQuery does not compare arrays",
    "stars": "BigQuery's results need distinct names",
    "partitioning by what is no day": "the engine partitions by anything",
    "partitioning by a TIMESTAMP itself": "the engine partitions by anything",
    "clustering by JSON": "BigQuery does not group by JSON",
    "clustering by too many columns": "BigQuery's own limit",
    "an option that nobody knows": "options are BigQuery's",
    "another project": "the engine has no projects",
    "a function that is BigQuery's only": "the sandbox serves what is sent to it",
    "extract": "the sandbox serves what is sent to it",
    "a full join is refused by name": "the sandbox serves what is sent to it",
    "columns of a join are named in its condition": "the sandbox serves what is sent to it",
    "an instant and an interval": "the sandbox serves what is sent to it",
    "a part of a text": "CONTAINS_SUBSTR is BigQuery's",
    "a job does not write into more days": "BigQuery's own limit",
    "nor does one that makes a table": "BigQuery's own limit",
    "a correlated query without an equality": "the engine joins anything",
    "a correlated query with a limit": "the engine joins anything",
    "a table is not replaced by one of another layout": "BigQuery's own rule",
    "nor one without any": "BigQuery's own rule",
    "aggregates of nothing": "BigQuery shows an array that is NULL as an empty one",
}

Case = collections.namedtuple("Case", "name place setup query rows error")


def read_cases(path):
    case, part = None, None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("case: "):
            if case:
                yield finished(case)
            place = f"{path.name}:{number}"
            case, part = {"name": line[6:], "place": place, "setup": [], "query": [], "rows": []}, None
        elif line in ("setup", "query", "rows"):
            part = case[line]
        elif line.startswith("error: "):
            case["error"], part = line[7:], None
        elif part is not None and line:
            part.append(line)
    if case:
        yield finished(case)


def finished(case):
    return Case(case["name"], case["place"], "\n".join(case["setup"]), "\n".join(case["query"]), case["rows"],
                case.get("error"))


def plain(value):
    """As test_sql.c prints it inside of arrays."""
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return str((value - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value if value is None else str(value)


def cell(value):
    if isinstance(value, (list, tuple)):
        return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False)
    if isinstance(value, Json):
        return json.dumps(json.loads(value), separators=(",", ":"), ensure_ascii=False)
    return "NULL" if value is None else plain(value)


def judge_cases(engine, folder):
    """(cases judged, problems)."""
    judged, problems = 0, []
    for path in sorted(folder.glob("*.sqltest")):
        for case in read_cases(path) if path.stem != "script" else ():
            try:
                problem = None if case.name in KNOWN else judge_case(engine, case)
            except Unknown:
                continue
            judged += case.name not in KNOWN
            problems += [problem] if problem else []
    return judged, problems


def judge_case(engine, case):
    """None: as the case says; a text: otherwise."""
    warehouse = Warehouse(engine, {})
    if case.setup:
        setup = warehouse.run(case.setup, {}, NOW)
        if setup.error:
            raise Unknown(setup.error)
    try:
        outcome = warehouse.run(case.query, {}, NOW)
    except Refused as refusal:  # it does not even parse
        return None if case.error else f"{case.place}: {case.name}: Google's engine refuses: {refusal}"
    if outcome.error and "UNIMPLEMENTED" in outcome.error:  # the engine knows its types, and leaves the rest to BigQuery
        return f"{case.place}: {case.name}: to be refused" if case.error else None
    if case.error:
        return None if outcome.error else f"{case.place}: {case.name}: Google's engine does not refuse it"
    if outcome.error:
        return f"{case.place}: {case.name}: Google's engine refuses: {outcome.error}"
    rows = sorted(" | ".join(cell(value) for value in row) for row in outcome.rows or [])
    if rows != sorted(case.rows):
        return f"{case.place}: {case.name}\n  GoogleSQL: {rows}\n  the case:  {sorted(case.rows)}"
    return None
