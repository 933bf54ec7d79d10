#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the checks that use software of others: Google's clients and emulator, tools of Singer, and the recorded requests.

    clients.py BUILD

1. node      Google's Node clients use the sandbox
2. python    Google's Python clients use the sandbox
3. gcloud    bq and gcloud pubsub run the lines of the documents against the sandbox, where they are installed
4. emulator  caseload works with Google's own Pub/Sub emulator, where it is installed
5. singer    singer-check-tap and target-jsonl take what `caseload singer` writes
6. recorded  caseload sends the requests in recorded/

Prints a line for each part, the output of those that failed, and the sum. A part without its tools is skipped with a
message; under CI=true only gcloud and the emulator may be skipped. Clients are installed in .cache/, in the versions of
package-lock.json and of each requirements.txt.
"""
import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
CACHE = ROOT / ".cache"
sys.path.insert(0, str(ROOT / "tests/e2e"))
import harness  # noqa: E402

SKIPPED = 77
INSTALL_S, PART_S = 900, 600


class Skipped(Exception):
    """The tools of a part are missing."""


def installed(name, lock, make):
    """The folder .cache/NAME, installed again when the lock file changes."""
    folder, stamp = CACHE / name, hashlib.sha256(lock.read_bytes()).hexdigest()
    mark = folder / "installed"
    if not mark.exists() or mark.read_text() != stamp:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        mark.write_text(stamp)
    return folder


def command(*words, **options):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, **options)
    if done.returncode != 0:
        raise harness.Failure(f"{' '.join(map(str, words))}: {done.stdout[-2000:]}")


def node_modules():
    if not shutil.which("node") or not shutil.which("npm"):
        raise Skipped("node and npm are not installed; ./dev clients installs them")

    def make(folder):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "node" / name, folder)
        command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder, timeout=INSTALL_S)
    return installed("google-node", HERE / "node/package-lock.json", make) / "node_modules"


def virtual_environment(name, requirements):
    """The Python of .cache/NAME, which has these packages."""
    def make(folder):
        command(sys.executable, "-m", "venv", str(folder / "venv"), timeout=INSTALL_S)
        command(str(folder / "venv/bin/pip"), "install", "-q", "--disable-pip-version-check", "--no-deps", "-r",
                str(requirements), timeout=INSTALL_S)
    return str(installed(name, requirements, make) / "venv/bin/python")


def python():
    return virtual_environment("google-python", HERE / "python/requirements.txt")


def singer_python():
    try:
        return virtual_environment("singer", HERE / "singer/requirements.txt")
    except harness.Failure as error:
        raise Skipped(f"the tools of Singer can't be installed from PyPI: {str(error)[-200:]}") from error


def in_sandbox(build, name, words, **environment):
    """Runs a client's script against a sandbox of its own; {http} and {pubsub} are filled in."""
    sandbox = harness.Sandbox(build, harness.work_folder(build, "clients-" + name), database=":memory:")
    try:
        keep = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        return part([word.format(http=sandbox.url, pubsub=sandbox.pubsub) for word in words], {**keep, **environment})
    finally:
        sandbox.stop()


def part(words, environment=None):
    """(exit code, output)"""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=PART_S, env=environment, check=False)
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
        return 1, (output.decode(errors="replace") if isinstance(output, bytes) else output) + "it did not end in time"
    return done.returncode, done.stdout


def judge_node(build):
    return in_sandbox(build, "node", ["node", str(HERE / "node/clients.js"), "{http}", "{pubsub}"],
                      NODE_PATH=str(node_modules()))


def judge_python(build):
    return in_sandbox(build, "python", [python(), str(HERE / "python/clients.py"), "{http}"])


def judge_gcloud(build):
    return part([sys.executable, str(HERE / "gcloud.py"), str(build)])


def judge_emulator(build):
    return part([sys.executable, str(HERE / "emulator.py"), str(build)])


def judge_singer(build):
    return part([singer_python(), str(HERE / "singer/tools.py"), str(build)])


def judge_recorded(build):
    return part([python(), str(HERE / "recorded.py"), str(build)])


JUDGES = {"node": judge_node, "python": judge_python, "gcloud": judge_gcloud, "emulator": judge_emulator, "singer": judge_singer,
          "recorded": judge_recorded}


def judge(name, build):
    """(passed, failed, the line, what is to be shown)"""
    began = time.monotonic()
    try:
        code, output = JUDGES[name](build)
    except Skipped as error:
        if os.environ.get("CI") == "true":
            return 0, 1, f"FAILED: {error}", ""
        return 0, 0, f"skipped: {error}", ""
    except (harness.Failure, OSError, subprocess.TimeoutExpired) as error:
        return 0, 1, f"FAILED: {error}", ""
    if code == SKIPPED:
        return 0, 0, output.strip(), ""
    counts = re.search(r"^(\d+) passed, (\d+) failed$", output, re.MULTILINE)
    passed, failed = (int(counts[1]), int(counts[2])) if counts else (0, 1)
    failed += code != 0 and failed == 0
    line = f"{passed} passed, {failed} failed, {time.monotonic() - began:.0f} s"
    return passed, failed, line, output if failed else ""


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: clients.py BUILD")
    build = pathlib.Path(sys.argv[1])
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(judge, "emulator", build)  # it mostly waits, so it does so beside the others
        for name in JUDGES:
            more, worse, line, output = waiting.result() if name == "emulator" else judge(name, build)
            passed, failed = passed + more, failed + worse
            if output:
                print(output.rstrip())
            print(f"{name:9} {line}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
