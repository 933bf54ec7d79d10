# SPDX-License-Identifier: Apache-2.0
"""Throughput and memory over the size of a load, as docs/performance.svg."""
import pathlib
import shutil
import subprocess

import harness

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "docs/performance.svg"


def draw(build, samples, kinds, sizes, measure):
    if not shutil.which("gnuplot"):
        raise harness.Failure("gnuplot is not installed (apt-get install gnuplot-nox)")
    data = harness.work_folder(build, "bench-plot") / "points"
    with open(data, "w", encoding="utf-8") as points:
        for kind in kinds:
            for records in sizes:
                load = measure(build, samples, kind, records, 0, "instant", 0)[1]
                points.write(f"{kind} {records} {records / load.wall_s:.0f} {load.peak_mib:.1f}\n")
                print(f"{kind}: {records} records in {load.wall_s:.1f} s, {load.peak_mib:.1f} MiB", flush=True)
            points.write("\n")
    settings = f"data='{data}'; out='{TARGET}'; kinds='{' '.join(kinds)}'"
    subprocess.run(["gnuplot", "-e", settings, str(HERE / "plot.gp")], check=True)
    print(f"written: {TARGET.relative_to(HERE.parents[1])}")
