# SPDX-License-Identifier: Apache-2.0
"""Where the worker's CPU time goes in a load at 0 ms with an instant BigQuery: perf's samples by what they work for."""
import collections
import os
import shutil
import subprocess

import ends
import harness

# A sample belongs to the first of these functions (or beginnings of their names) or libraries on its way from the innermost
# function outwards.
WORK = {
    "compressing rows (isa-l)": ("compress_input", "isal_deflate", "encode_deflate"),
    "opening answers (isa-l)": ("gunzip_add", "isal_inflate", "decode_huffman"),
    "hashing contents": ("content_hash",),
    "reading JSON": ("document_read", "json_read", "json_scan_next"),
    "writing rows": ("row_build", "take_record"),
    "looking for errors in answers": ("judge",),
    "keeping tokens out of dumps (mmap)": ("secret_set", "secret_done"),
    "HTTP: curl and sockets": ("curl_multi_perform", "http_send", "http_wait", "http_wait_any", "call_free", "libcurl"),
    "pages and threads": ("detail_next", "expand_next", "paginate_next"),
    "uploads, jobs, commits": ("commit_run", "tables_prepare", "bigquery_check", "bigquery_read_state", "notes_end"),
    "start of the process": ("_dl_start_user", "_dl_start", "call_init"),
}


def work_of(chain):
    for frame in chain:
        for work, names in WORK.items():
            if any(frame.startswith(name) or name == "libcurl" and "libcurl" in frame for name in names):
                return work
    return "rest"


def frames(lines):
    """Function names from the innermost outwards; the library where it has none."""
    for line in lines:
        parts = line.split()
        if len(parts) >= 3:
            yield parts[2] if parts[1] == "[unknown]" else parts[1]


def show(build, samples, kinds, records):
    if not shutil.which("perf"):
        raise harness.Failure("perf is not installed (apt-get install linux-perf)")
    for kind in kinds:
        folder, _ = samples.of(kind)
        source, bigquery = ends.start_source(build, folder, kind, records), ends.start_bigquery(build, False)
        data = folder / "perf.data"
        try:
            perf = [shutil.which("perf"), "record", "-q", "--call-graph", "dwarf,24576", "-F", "299", "-o", str(data)]
            config = ends.configure(folder, source, ends.KINDS[kind][0])
            ends.run([*perf, *ends.command(build, config)], folder / "worker.log", env=ends.environment(bigquery))
        finally:
            source.stop()
            bigquery.stop()
        script = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym,dso", "--no-inline"], check=True,
                                capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
        data.unlink()
        counts = collections.Counter(work_of(list(frames(block.splitlines()[1:]))) for block in script.split("\n\n")
                                     if block.strip())
        total = sum(counts.values())
        print(f"{kind}, {records} records, {total} samples", flush=True)
        for work, count in counts.most_common():
            print(f"{count / total:8.1%}  {work}", flush=True)
