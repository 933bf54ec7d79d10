#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures whole loads, from a source of pre-rendered pages to rows counted by a BigQuery that runs no SQL.

    bench.py BUILD [--records N,N] [--latency MS,MS] [--streams contacts,conversations,tickets] [--rate N]
                   [--jobs instant,realistic] [--all] [--ceiling] [--peers] [--plot] [--profile]
    bench.py BUILD --reconciliation [--records N,N] [--latency MS,MS]
    bench.py BUILD --kinds | --bigquery [--realistic FACTOR] | --two-years [--realistic FACTOR] | --record-path

Without options: 10,000 and 100,000 records at 0 ms, 10,000 at 200 ms a request, and 10,000 with realistic jobs. --all adds
a million records and every combination: hours. An option limits a dimension; --records 1000000 --latency 0 is one claim.

Columns: records per second of wall time; CPU seconds of the worker per million records; its peak memory; requests to the
source per 1,000 records; the share that was used of the allowed rate (at 0 ms there is no limit; at others 1,667
requests in 10 s, as Intercom's, or --rate, 0: none), and how many were refused; milliseconds from the start of the
process to its first request; CPU seconds per million records of both ends, which run on the same machine. Figures are
printed only if as many rows were committed as records were served, with all their parts; otherwise the bench fails.

--reconciliation: the same for the list of all contacts, which is read every `reconcile_days`.
--ceiling: what both ends can do: a client that discards pages, and one that uploads prepared rows.
--peers: tap-intercom and dlt from PyPI, on the same server in the same run; ratios to caseload.
--plot: throughput and memory over size, as docs/performance.svg (needs gnuplot).
--profile: where the worker's CPU time goes, by perf (50,000 records, or --records).
--kinds: loads every stream once from the sandbox. Prints the requests of each per 1,000 records, how many of them were
pages of a search (150 records each at best: 6.67), and the requests that were made twice.
--bigquery: what a first load, the first tick of a day and a further tick with nothing new cost in BigQuery, of the default
streams and of all: statements, jobs, calls, and the bytes billed. --realistic 1: with the seconds that people will see.
--two-years: a first load of the default streams over two years: 10,000 contacts, 4,000 conversations, 10,000 tickets.
--realistic 0.1 has a tenth of BigQuery's seconds.
--record-path: the CPU time of a record, step by step from the answer to the compressed row.
"""
import argparse
import pathlib
import sys

import ceiling
import cpu_profile
import costs
import ends
import harness
import peers
import plot

RATE, WINDOW_S = 1667, 10
HEADS = ("stream", "records", "latency ms", "BigQuery", "records/s", "CPU s/M", "peak MiB", "requests/k", "rate used", "refused",
         "start ms", "ends' CPU s/M", "seconds")


class Samples:
    """Sampled records of each kind, made once: kind -> (folder, parts of each)."""

    def __init__(self, build):
        self.build, self.made = build, {}

    def of(self, kind):
        if kind not in self.made:
            folder = harness.work_folder(self.build, f"bench-{kind}")
            self.made[kind] = folder, ends.sample(self.build, folder, kind)
        return self.made[kind]


def measure(build, samples, kind, records, latency_ms, jobs, rate, lists_all=False):
    """The figures of one load, by the names of HEADS. lists_all: only the list of all records has any."""
    folder, parts = samples.of(kind)
    more = {"start_date": ends.TODAY, "reconcile_days": 7} if lists_all else {}
    source = ends.start_source(build, folder, kind, records, latency_ms, rate)
    bigquery = ends.start_bigquery(build, jobs == "realistic")
    try:
        config = ends.configure(folder, source, ends.KINDS[kind][0], **more)
        load = ends.run(ends.command(build, config), folder / "worker.log", env=ends.environment(bigquery))
        asked, taken = source.counts(), bigquery.counts()
        served, wanted = asked["served"], ends.expected_rows(kind, records, parts)
        if lists_all:
            wanted = {f"{kind}_reconciliation.0": records}
        if taken["committed"] != wanted or served < records:
            raise harness.Failure(f"void: {served} records were served and {wanted} are there, but {taken['committed']} were "
                                  f"committed; see {folder}/worker.log")
        spent = source.cpu() - source.spent + bigquery.cpu() - bigquery.spent
        used = asked["requests"] / load.wall_s / rate * WINDOW_S if rate else None
        cells = ("list of all" if lists_all else kind, records, latency_ms, jobs, f"{records / load.wall_s:.0f}",
                 f"{load.cpu_s * 1e6 / records:.1f}", f"{load.peak_mib:.1f}", f"{asked['requests'] * 1000 / records:.1f}",
                 f"{used:.0%}" if used else "no limit", asked["refused"], asked["first_ms"] - load.began_ms, f"{spent * 1e6 / records:.1f}", f"{load.wall_s:.1f}")
        return dict(zip(HEADS, cells)), load
    finally:
        source.stop()
        bigquery.stop()


def print_row(cells):
    print("  ".join(f"{cell:>13}" for cell in cells), flush=True)


def plan(options):
    """(records, latency, jobs) of each load of a stream."""
    if options.all or options.records or options.latency or options.jobs:
        sizes = options.records or ([10000, 100000, 1000000] if options.all else [10000])
        return [(records, latency_ms, jobs) for jobs in options.jobs or (["instant", "realistic"] if options.all else ["instant"])
                for records in sizes for latency_ms in options.latency or ([0, 200] if options.all else [0])]
    return [(10000, 0, "instant"), (100000, 0, "instant"), (10000, 200, "instant"), (10000, 0, "realistic")]


def table(build, samples, options):
    print_row(HEADS)
    for kind in ["contacts"] if options.reconciliation else options.streams:
        for records, latency_ms, jobs in plan(options):
            rate = options.rate if options.rate is not None else RATE if latency_ms else 0
            print_row(measure(build, samples, kind, records, latency_ms, jobs, rate, options.reconciliation)[0].values())


def numbers(text):
    return [int(n) for n in text.split(",")]


def names(text):
    return text.split(",")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--records", type=numbers)
    parser.add_argument("--latency", type=numbers)
    parser.add_argument("--streams", type=names, default=list(ends.KINDS))
    parser.add_argument("--jobs", type=names)
    parser.add_argument("--rate", type=int)
    parser.add_argument("--realistic", type=float, metavar="FACTOR")
    for flag in ("all", "ceiling", "peers", "plot", "profile", "kinds", "bigquery", "two-years", "record-path",
                 "reconciliation"):
        parser.add_argument(f"--{flag}", action="store_true")
    options = parser.parse_args()
    build, samples = options.build, Samples(options.build)
    if options.kinds:
        costs.kinds(build)
    elif options.record_path:
        costs.record_path(build)
    elif options.two_years:
        costs.two_years(build, options.realistic or 1)
    elif options.bigquery:
        costs.cost(build, options.realistic)
    elif options.ceiling:
        ceiling.show(build, samples, options.streams)
    elif options.peers:
        peers.compare(build, samples, options.streams, (options.records or [10000])[0], (options.latency or [0])[0], measure)
    elif options.plot:
        plot.draw(build, samples, options.streams, options.records or [1000, 10000, 100000], measure)
    elif options.profile:
        cpu_profile.show(build, samples, options.streams, (options.records or [50000])[0])
    else:
        table(build, samples, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
