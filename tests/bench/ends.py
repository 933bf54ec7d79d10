# SPDX-License-Identifier: Apache-2.0
"""The two ends of a measured load: bench_source and bench_bigquery, and the records that the source serves."""
import collections
import http.client
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402
import sources  # noqa: E402

FROM_DAY, TO_DAY, TODAY = "2026-01-05", "2026-03-01", "2026-03-02"
FROM_S, TO_S = 1767571200, 1772323200  # the same, in seconds; the last day's records changed before its end
NOW_S = 1772424000  # 2026-03-02 04:00: both ends' clock at their start
SAMPLE = 600  # records that are served in turn, with other ids and times
HEADERS = {"Authorization": "Bearer " + sources.TOKEN, "Intercom-Version": "2.16", "Accept": "application/json",
           "Content-Type": "application/json"}
KINDS = {  # streams, member of the page, query of a search, query of one record, list of its parts
    "contacts": (["contacts"], "data", "?include_merge_history=true", None, None),
    "conversations": (["conversations", "conversation_parts"], "conversations",
                      "?include_monitors=true&include_scorecards=true", "?display_as=plaintext", "conversation_parts"),
    "tickets": (["tickets", "ticket_parts"], "tickets", "", None, "ticket_parts"),
}
MADE = ("type", "id", "created_at", "updated_at")  # members that the source makes itself


def call(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request(method, path, json.dumps(body) if body else None, HEADERS)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise harness.Failure(f"{method} {path}: {answer.status} {text[:200]}")
    return json.loads(text)


def search(port, kind, per_page=150, after=None):
    pagination = {"per_page": per_page, **({"starting_after": after} if after else {})}
    return call(port, "POST", f"/{kind}/search{KINDS[kind][2]}",
                {"query": {"field": "updated_at", "operator": ">", "value": 0}, "pagination": pagination,
                 "sort": {"field": "updated_at", "order": "ascending"}})


def tail(record):
    """A record without the members that the source makes, nor its opening brace."""
    return json.dumps({key: value for key, value in record.items() if key not in MADE}, separators=(",", ":"),
                      ensure_ascii=False)[1:]


def is_ordinary(value, name=""):
    """No list of it has to be asked for again, and it has none of the wrong values that real data has: peers stop at them."""
    if isinstance(value, dict):
        return not value.get("has_more") and all(is_ordinary(member, key) for key, member in value.items())
    if isinstance(value, list):
        return all(is_ordinary(element, name) for element in value)
    if name.endswith("_at") or name in ("height", "width", "filesize"):
        return value is None or (isinstance(value, int) and 0 <= value < 1 << 31)
    return name != "unsubscribed_from_emails" or isinstance(value, bool)


def sample(build, folder, kind):
    """Writes kind.list and kind.item from the sandbox's records. Returns the parts of each of them."""
    _, member, _, query, parts = KINDS[kind]
    box = harness.Sandbox(build, harness.work_folder(build, "bench-sample"))
    try:
        fill = {"kind": kind, "from": FROM_DAY, "to": TO_DAY, "count": SAMPLE}
        box.post("/control/workspace", {"fill": {**fill, **({"children": 5} if parts else {})}})
        records, after = [], None
        while len(records) < SAMPLE:
            page = search(box.ports["http"], kind, after=after)
            records += page[member]
            after = page["pages"].get("next", {}).get("starting_after")
            if not after:
                break
        items = [call(box.ports["http"], "GET", f"/{kind}/{record['id']}{query}") if query else record for record in records]
    finally:
        box.stop()
    ordinary = [pair for pair in zip(records, items) if all(map(is_ordinary, pair))]
    (folder / f"{kind}.list").write_text("".join(tail(record) + "\n" for record, _ in ordinary))
    if query:
        (folder / f"{kind}.item").write_text("".join(tail(item) + "\n" for _, item in ordinary))
    # The opening message of a conversation is a part, too.
    return [len(item[parts][parts]) + (kind == "conversations") for _, item in ordinary] if parts else None


class End:
    """A program of the bench that serves HTTP on a port of its own."""

    def __init__(self, build, name, *arguments):
        self.process = subprocess.Popen([str(build / "tests/bench" / name), *map(str, arguments)], stdout=subprocess.PIPE,
                                        text=True)
        line = self.process.stdout.readline()
        if not line.startswith("port "):
            raise harness.Failure(f"{name} did not start")
        self.port = int(line.split()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.spent = self.cpu()  # before the first request

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def counts(self):
        return call(self.port, "GET", "/bench")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def start_source(build, folder, kind, records, latency_ms=0, rate=0):
    return End(build, "bench_source", "--kind", kind, "--records", records, "--from", FROM_S, "--to", TO_S, "--now", NOW_S,
               "--folder", folder, "--latency", latency_ms, "--rate", rate)


def start_bigquery(build, realistic):
    return End(build, "bench_bigquery", "--now", NOW_S, "--realistic", int(realistic))


def environment(bigquery):
    keep = {key: value for key, value in os.environ.items() if not key.startswith("CASELOAD_") and "proxy" not in key.lower()}
    return {**keep, **sources.ENVIRONMENT, "BIGQUERY_EMULATOR_HOST": bigquery.url}


def configure(folder, source, streams, **more):
    path = folder / "caseload.json"
    path.write_text(json.dumps({
        "version": 1, "project": harness.PROJECT, "subscription": harness.SUBSCRIPTION, "dataset": "intercom",
        "location": "EU", "start_date": FROM_DAY, "streams": streams, "reconcile_days": 0,
        "source": {"type": "intercom", "base_url": source.url, "rate_share": 1, **sources.ALL["intercom"].settings}, **more}))
    return path


def command(build, path):
    return [str(build / "src/app/caseload"), "run", "--config", str(path)]


Run = collections.namedtuple("Run", "status began_ms wall_s cpu_s peak_mib")
# A small process starts the program: the memory of the process that starts it counts as the program's.
STARTER = """
import json, os, sys, time
began = time.monotonic()
_, status, usage = os.wait4(os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ), 0)
with open(sys.argv[1], "w") as out:
    json.dump([os.waitstatus_to_exitcode(status), int(began * 1000), time.monotonic() - began,
               usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024], out)
"""


def run(arguments, log_path, output=os.devnull, **options):
    """Runs a program that must succeed; its children are counted."""
    result = log_path.with_suffix(".usage")
    with open(log_path, "wb") as log, open(output, "wb") as out:
        subprocess.run([sys.executable, "-IS", "-c", STARTER, result, *arguments], stdout=out, stderr=log, check=True, **options)
    load = Run(*json.loads(result.read_text()))
    if load.status:
        raise harness.Failure(f"{arguments[0]} ended with {load.status}; see {log_path}")
    return load


def expected_rows(kind, records, parts):
    """Rows of each table: record i is sample i of as many as there are, in turn."""
    streams = KINDS[kind][0]
    rows = {f"{streams[0]}.0": records}
    if parts:
        whole, rest = divmod(records, len(parts))
        rows[f"{streams[0]}.1"] = whole * sum(parts) + sum(parts[:rest])
    return rows
