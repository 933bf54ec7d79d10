# SPDX-License-Identifier: Apache-2.0
"""The ceiling of the two ends: caseload cannot be faster here."""
import gzip
import http.client
import json
import socket
import time

import ends

SECONDS = 3.0
IN_FLIGHT = 16
RECORDS = 30000
HEAD = b"HTTP/1.1 200 "


def discard(port, request):
    """Requests per second of a client that keeps some in flight on one connection and looks at no answer."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        began, answered, rest = time.monotonic(), 0, b""
        connection.sendall(request * IN_FLIGHT)
        while time.monotonic() - began < SECONDS:
            block = rest + connection.recv(1 << 20)
            heads = block.count(HEAD)
            rest = block[-len(HEAD) + 1:]
            answered += heads
            connection.sendall(request * heads)
        return answered / (time.monotonic() - began)


def request(method, path, body=None):
    text = json.dumps(body) if body else ""
    headers = {**ends.HEADERS, "Host": "127.0.0.1", "Accept-Encoding": "gzip", "Content-Length": len(text)}
    return "\r\n".join([f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", text]).encode()


def upload(bigquery, rows):
    """Rows per second of a client that uploads the same compressed file again and again."""
    file = gzip.compress(b"".join(rows), 1)
    connection = http.client.HTTPConnection("127.0.0.1", bigquery.port)
    path, count, began = "/upload/bigquery/v2/projects/p/jobs?uploadType=resumable", 0, time.monotonic()
    while time.monotonic() - began < SECONDS:
        connection.request("POST", path, json.dumps({"jobReference": {"jobId": f"job-{count}"}}))
        answer = connection.getresponse()
        answer.read()
        connection.request("PUT", answer.headers["Location"].split(str(bigquery.port))[1], file,
                           {"Content-Range": f"bytes 0-{len(file) - 1}/{len(file)}"})
        connection.getresponse().read()
        count += 1
    return count * len(rows) / (time.monotonic() - began)


def show(build, samples, kinds):
    for kind in kinds:
        folder, _ = samples.of(kind)
        lines = (folder / f"{kind}.list").read_bytes().splitlines(keepends=True)
        source, bigquery = ends.start_source(build, folder, kind, RECORDS), ends.start_bigquery(build, False)
        try:
            search = {"query": {"field": "updated_at", "operator": ">", "value": 0}, "pagination": {"per_page": 150},
                      "sort": {"field": "updated_at", "order": "ascending"}}
            pages = discard(source.port, request("POST", f"/{kind}/search", search))
            print(f"{kind}: the source serves {pages * 150:.0f} records/s in pages of 150", end="")
            if ends.KINDS[kind][3]:
                first = ends.search(source.port, kind, 1)[ends.KINDS[kind][1]][0]["id"]
                print(f" and {discard(source.port, request('GET', f'/{kind}/{first}')):.0f}/s one by one", end="")
            rows = [b"{" + line for line in lines] * (RECORDS // len(lines))
            print(f"; BigQuery takes {upload(bigquery, rows):.0f} rows/s", flush=True)
        finally:
            source.stop()
            bigquery.stop()
