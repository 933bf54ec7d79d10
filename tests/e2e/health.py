#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The health port of `caseload serve`: probes, metrics, JSON and the page.

Hostile texts are tests/unit/app/test_health.c.

    health.py BUILD

prometheus.py checks the metrics, and promtool where it is installed. Chromium checks the page at 360 and 1280 pixels,
light and dark, where it is installed. BUILD/e2e/health has the screenshots.
"""
import html.parser
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import harness
import prometheus
from harness import Failure, wait_for

FOREIGN = re.compile(r"https?://|//[a-z]", re.I)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(port, path, method="GET", data=None):
    """(status, body, headers)"""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, data=data)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers
    except OSError:
        return 0, "", {}


def demand(good, what):
    if not good:
        raise Failure(what)
    print(f"ok    {what if len(what) < 100 else what[:100]}", flush=True)


TOLD = re.compile(r"`((?:caseload|process)_\w+)(?:\{([\w,]+)\})?`")


def check_documented(families, samples):
    """docs/operating.md names each metric with its labels, and no other."""
    text = (pathlib.Path(__file__).resolve().parents[2] / "docs/operating.md").read_text()
    told = {name: set((labels or "").split(",")) - {""} for name, labels in TOLD.findall(text)}
    have = {name: set() for name in families}
    for name, labels, _ in samples:
        family = prometheus.family_of(name, families)
        have[family] |= set(labels) - {"le"}
    demand(set(told) == set(have), f"docs/operating.md names the metrics {sorted(set(told) ^ set(have))}")
    wrong = [name for name in have if have[name] and told[name] != have[name]]
    demand(not wrong, f"docs/operating.md names their labels {wrong}")


def check_metrics(text):
    families, samples, wrong = prometheus.check(text)
    demand(not wrong, f"/metrics keeps the rules {wrong}")
    check_documented(families, samples)
    values = {(name, *(f"{k}={v}" for k, v in sorted(labels.items()))): value for name, labels, value in samples}
    for key, least in (
            (("caseload_messages_total", "outcome=done"), 1),
            (("caseload_stream_runs_total", "outcome=loaded", "stream=contacts"), 1),
            (("caseload_rows_total", "stage=inserted", "stream=contacts"), 40),
            (("caseload_last_success_timestamp_seconds", "stream=contacts"), 1),
            (("process_resident_memory_bytes",), 1),
            (("caseload_requests_total", "code=200", "service=source"), 2),
            (("caseload_requests_total", "code=429", "service=source"), 1),
            (("caseload_requests_total", "code=200", "service=bigquery"), 2),
            (("caseload_requests_total", "code=OK", "service=pubsub"), 2),
            (("caseload_request_seconds_count", "service=source"), 3),
            (("caseload_rate_limit_allowed", "worker=ticks"), 1),
            (("caseload_rate_limit_remaining", "worker=ticks"), 1),
            (("caseload_rate_limit_wait_seconds_total", "worker=ticks"), 0),
            (("caseload_lease_extensions_total", "outcome=done"), 1),
            (("caseload_lease_extensions_total", "outcome=failed"), 0)):
        demand(values.get(key, -1) >= least, f"/metrics: {key} is {values.get(key)}, at least {least}")
    unknown = [key for key in values if key[0] == "caseload_requests_total" and key[-1] == "service=credentials"]
    demand(not unknown, f"/metrics: emulators ask for no credentials, but {unknown} are counted")
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        demand(done.returncode == 0, "promtool takes /metrics " + done.stdout + done.stderr)


class Page(html.parser.HTMLParser):
    """Elements and links of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.handlers = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for key, value in attrs if key in ("href", "src") and value]
        self.handlers += [key for key, _ in attrs if key.startswith("on")]


def check_page(text):
    page = Page(text)
    demand("script" not in page.tags and "img" not in page.tags and not page.handlers, "the page has no script")
    demand(not any(FOREIGN.match(link) for link in page.links), "the page loads nothing from elsewhere")
    demand(page.tags.count("svg") == 1 and page.tags.count("rect") > 50, "the page has a calendar of days")


WRAPPER = """<!DOCTYPE html><meta charset="utf-8"><style>body{margin:0}iframe{border:0;width:WIDTHpx;height:1600px}</style>
<iframe id="f"></iframe><pre id="out"></pre><script>
const f = document.getElementById("f");
f.onload = () => {
  const root = f.contentDocument.documentElement, body = f.contentDocument.body;
  const style = f.contentWindow.getComputedStyle(body);
  document.getElementById("out").textContent = JSON.stringify({width: root.scrollWidth, height: root.scrollHeight,
    text: body.innerText.length, back: style.backgroundColor, color: style.color});
};
f.srcdoc = PAGE;
</script>"""


def look(folder, chromium, page, width, scheme):
    """Renders the page in a frame of that width: (what the wrapper measured, what Chromium logged)."""
    wrapper = folder / f"page-{width}-{scheme}.html"
    wrapper.write_text(WRAPPER.replace("WIDTH", str(width)).replace("PAGE", json.dumps(page).replace("</", "<\\/")))
    with tempfile.TemporaryDirectory() as profile:
        base = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                f"--user-data-dir={profile}", "--enable-logging=stderr", f"--window-size={max(width, 500)},1600",
                f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}", "--virtual-time-budget=5000"]
        done = subprocess.run([*base, "--dump-dom", wrapper.as_uri()], capture_output=True, text=True, timeout=300,
                              check=False)
        shot = subprocess.run([*base, f"--screenshot={folder}/page-{width}-{scheme}.png", wrapper.as_uri()],
                              capture_output=True, text=True, timeout=300, check=False)
    found = re.search(r'<pre id="out">({.*?})</pre>', done.stdout)
    if not found or shot.returncode:
        raise Failure(f"Chromium did not render the page: {done.stderr[-800:]}{shot.stderr[-800:]}")
    return json.loads(found.group(1)), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def check_browser(folder, page):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("skip  Chromium is not installed", flush=True)
        return
    backs = set()
    for width in (360, 1280):
        for scheme in ("light", "dark"):
            seen, console = look(folder, chromium, page, width, scheme)
            demand(not console, f"{width} pixels, {scheme}: the console is empty {console}")
            demand(seen["width"] <= width, f"{width} pixels, {scheme}: nothing is wider than the window {seen}")
            demand(seen["text"] > 200 and seen["back"] != seen["color"], f"{width} pixels, {scheme}: there is text")
            backs.add((scheme, seen["back"]))
    demand(len({back for _, back in backs}) == 2, "light and dark differ")


def check_bounds(port):
    status, _, headers = ask(port, "/", "POST", b"x" * 100)
    demand(status in (405, 0), "POST is refused")
    demand(ask(port, "/nosuch")[0] == 404, "another path is not found")
    demand(ask(port, "/" + "x" * 60000)[0] in (0, 404, 413, 414, 431), "a long path is refused")
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]  # more than it takes
    for connection in held:
        connection.close()
    wait_for("the port after many connections", lambda: ask(port, "/livez")[0] == 200)
    demand(headers.get("Allow", "GET, HEAD") == "GET, HEAD", "the port is there after many connections")


def check_all(build, box, folder, port):
    config = folder / "caseload.json"
    config.write_text(json.dumps(harness.base_config(box, streams=["contacts", "activity_logs"],
                                                     health=f"127.0.0.1:{port}")))
    code, out, _ = harness.run_command(build, box, "health", "--config", str(config))
    demand(code == 1, "caseload health: 1 while nothing answers")
    box.call("POST", "/control/faults", "intercom me * hang")
    worker = harness.Worker(build, box, config, "w")
    wait_for("the port", lambda: ask(port, "/livez")[0] == 200)
    status, text, _ = ask(port, "/readyz")
    demand(status == 503 and "source" in text, "/readyz: 503 before the source has answered")
    box.call("DELETE", "/control/faults")
    wait_for("/readyz", lambda: ask(port, "/readyz")[0] == 200)
    harness.wait_for("page", lambda: "No message was served" in ask(port, "/")[1])
    box.call("POST", "/control/faults", "intercom contacts.search 1 status 429 retry-after=1")
    identity = box.publish(attributes={"streams": "contacts"})
    wait_for("ack", lambda: box.message(identity)["state"] == "acked")
    check_metrics(ask(port, "/metrics")[1])
    status, text, headers = ask(port, "/status")
    found = {row["stream"]: row for row in json.loads(text)["streams"]}
    demand(found["contacts"]["inserted"] == 40 and found["contacts"]["fresh_at"], "/status is JSON with each stream")
    demand("default-src 'none'" in headers["Content-Security-Policy"], "a policy forbids scripts")
    page = ask(port, "/")[1]
    check_page(page)
    for command, wanted in ((("health",), 0), (("health", "--ready"), 0)):
        code, out, _ = harness.run_command(build, box, *command, "--config", str(config))
        demand(code == wanted, f"caseload {' '.join(command)}: {out.strip()}")
    check_bounds(port)
    code, _, err = harness.run_command(build, box, "serve", "--config", str(config))
    demand(code == 78 and "can't be opened" in err, "a port in use is one clear line")
    if worker.end() != 0:
        raise Failure("the worker did not end with 0")
    return page


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    folder = harness.work_folder(build, "health")
    box = harness.Sandbox(build, folder)
    box.post("/control/subscription", {"project": harness.PROJECT, "subscription": harness.SUBSCRIPTION})
    box.post("/control/workspace", {"fill": {"kind": "contacts", "from": "2026-02-01", "to": "2026-03-01", "count": 40}})
    try:
        page = check_all(build, box, folder, free_port())
        check_browser(folder, page)
    finally:
        box.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
