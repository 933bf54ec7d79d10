#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks terraform/ without any account: format, validity, `terraform test`, and that documents and worker agree with it.

    run.py BUILD            all checks
    run.py BUILD --update   writes the tables of variables and outputs into the READMEs first

Terraform asks a provider for its schema. provider.js serves that of hashicorp/google, read from the npm package
@cdktf/provider-google, so nothing is fetched from a registry and no provider is mocked by hand. The provider's own
checks (names, immutable fields) are not part of a schema: they are not tested here.

Exits with 0 if all passed, 1 if not, 77 if terraform, node or npm is missing.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TERRAFORM = ROOT / "terraform"
MODULE = TERRAFORM / "modules/caseload"
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/conformance")]
import clients  # noqa: E402
import credentials  # noqa: E402
import harness  # noqa: E402

COMMAND_S = 600


class Failed(Exception):
    """A check that found something, with its text."""


# --- Terraform with the stub provider --------------------------------------------------------------------------------
def library():
    """node_modules with the provider's schema."""
    def make(folder):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        # Without its peers: cdktf itself is not needed to read the code that it generated.
        clients.command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", cwd=folder,
                        timeout=clients.INSTALL_S)
    return clients.installed("terraform-schema", HERE / "package-lock.json", make) / "node_modules"


def names():
    """The resources and data sources that the module uses."""
    text = "".join(path.read_text() for path in MODULE.glob("*.tf"))
    found = {name for name in re.findall(r'^resource "(google_\w+)"', text, re.M)}
    return sorted(found) + sorted({"data:" + name for name in re.findall(r'^data "(google_\w+)"', text, re.M)})


@contextlib.contextmanager
def provider(folder):
    """The environment in which terraform finds the stub provider."""
    modules, socket = library(), folder / "provider.sock"
    command = ["node", str(HERE / "provider.js"), str(modules / "@cdktf/provider-google/lib"), str(socket), *names()]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "NODE_PATH": str(modules)})
    try:
        if process.stdout.readline().strip() != "ready":
            raise Failed("the stub provider did not start")
        (folder / "terraformrc").write_text("")
        address = {"Protocol": "grpc", "ProtocolVersion": 5, "Pid": process.pid, "Test": True,
                   "Addr": {"Network": "unix", "String": str(socket)}}
        yield {**{key: value for key, value in os.environ.items() if not key.startswith("TF_")},
               "TF_CLI_CONFIG_FILE": str(folder / "terraformrc"), "CHECKPOINT_DISABLE": "1",
               "TF_REATTACH_PROVIDERS": json.dumps({"registry.terraform.io/hashicorp/google": address})}
    finally:
        process.stdin.close()
        process.wait(30)


def terraform(environment, folder, *words):
    """(exit code, output)"""
    done = subprocess.run(["terraform", *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=COMMAND_S, check=False)
    return done.returncode, done.stdout


def want(environment, folder, *words):
    code, output = terraform(environment, folder, *words)
    if code != 0:
        raise Failed(f"terraform {' '.join(words)} in {folder.name}: {output[-4000:]}")
    return output


# --- checks ----------------------------------------------------------------------------------------------------------
def check_format(environment, tree):
    want(environment, tree, "fmt", "-check", "-diff", "-recursive", "-no-color")


def check_valid(environment, tree):
    for folder in [tree, *sorted((tree / "examples").iterdir())]:
        want(environment, folder, "init", "-backend=false", "-no-color")
        want(environment, folder, "validate", "-no-color")


def check_module(environment, tree):
    folder = tree / "modules/caseload"
    want(environment, folder, "init", "-backend=false", "-no-color")
    output = want(environment, folder, "test", "-no-color")
    return re.search(r"(\d+ passed)", output).group(1)


def check_workspaces(environment, tree):
    code, output = terraform({**environment, "TF_WORKSPACE": "default"}, tree, "test", "-no-color")
    if code == 0 or "choose one first" not in output:
        raise Failed(f"the default workspace is not refused: {output[-2000:]}")
    want({**environment, "TF_WORKSPACE": "dev"}, tree, "test", "-no-color")


MISTAKES = (
    ("pubsub.tf", "ack_deadline_seconds ", "ack_deadline_second ", "Unsupported argument"),
    ("pubsub.tf", "dead_letter_policy {", "dead_letter_policies {", "Unsupported block type"),
    ("pubsub.tf", "  topic                      = google_pubsub_topic.requests.id\n", "", "Missing required argument"),
    ("pubsub.tf", "google_pubsub_topic.requests.id", "google_pubsub_topic.request.id", "Reference to undeclared"),
    ("bigquery.tf", 'dataset_id                 = each.value', "dataset_id = [each.value]", "Incorrect attribute value"),
    ("secret.tf", "secret_data_wo         = var.token", "secret_data            = var.token", "Invalid use of ephemeral value"),
    ("runtime.tf", "    service_account = google_service_account.worker.email\n    labels", "    labells", "Unsupported argument"),
    ("alerts.tf", 'comparison      = "COMPARISON_GT"', "", "Missing required argument"),
)


def check_mistakes(environment, tree):
    """Each mistake must be refused, or the schema says nothing."""
    folder = tree / "modules/caseload"
    for name, right, wrong, message in MISTAKES:
        path = folder / name
        text = path.read_text()
        if right not in text:
            raise Failed(f"the mistake \"{right}\" fits nowhere in {name}")
        path.write_text(text.replace(right, wrong, 1))
        code, output = terraform(environment, folder, "validate", "-no-color")
        path.write_text(text)
        if code == 0 or message not in output:
            raise Failed(f"{name} with {wrong!r} instead of {right!r} is not refused with \"{message}\": {output[-1000:]}")
    return f"{len(MISTAKES)} refused"


def blocks(path, kind):
    """(name, text) of each variable or output of a file."""
    return re.findall(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', path.read_text(), re.M | re.S)


def check_refusals(environment, tree):
    """Each validation has a test that it refuses something."""
    del environment, tree
    tested = re.findall(r"expect_failures = \[var\.(\w+)\]", (MODULE / "tests/validations.tftest.hcl").read_text())
    for name, text in blocks(MODULE / "variables.tf", "variable"):
        rules = len(re.findall(r"^  validation \{", text, re.M))
        if tested.count(name) < rules:
            raise Failed(f"variable {name} has {rules} validations, and {tested.count(name)} tests of a refused value")


def table(folder):
    lines = ["| variable | default | what it is |", "| --- | --- | --- |"]
    for name, text in blocks(folder / "variables.tf", "variable"):
        default = re.search(r"^  default     = (.*)$", text, re.M)
        value = "*required*" if not default else "" if default.group(1) == "null" else f"`{default.group(1)}`"
        lines.append(f"| `{name}` | {value} | {description(text)} |")
    lines += ["", "| output | what it is |", "| --- | --- |"]
    lines += [f"| `{name}` | {description(text)} |" for name, text in blocks(folder / "outputs.tf", "output")]
    return "\n".join(lines)


def description(text):
    return re.search(r'^  description = "(.*)"$', text, re.M).group(1).replace("|", "\\|")


def readme(folder, update):
    path = folder / "README.md"
    text = path.read_text()
    marked = re.compile(r"(<!-- variables and outputs: begin -->\n).*?(\n<!-- variables and outputs: end -->)", re.S)
    right = marked.sub(lambda match: match.group(1) + table(folder) + match.group(2), text)
    if update:
        path.write_text(right)
    elif text != right:
        raise Failed(f"{path.relative_to(ROOT)} does not show the variables and outputs; run tests/terraform/run.py BUILD --update")


def check_documents(environment, tree):
    del environment, tree
    readme(TERRAFORM, False)
    readme(MODULE, False)
    text = "".join(path.read_text() for path in MODULE.glob("*.tf"))
    granted = {role for block in re.findall(r'resource "google_\w+_iam_member" "worker\w*" \{.*?^\}', text, re.M | re.S)
               for role in re.findall(r'"(roles/[\w.]+)"', block)} | {"roles/secretmanager.secretAccessor"}
    documented = set(re.findall(r"^\| `(roles/[\w.]+)` \|", (ROOT / "docs/deploy.md").read_text(), re.M))
    for role in granted - documented - {"roles/artifactregistry.reader"}:
        raise Failed(f"the module grants {role}, and docs/deploy.md does not")
    for role in documented - granted - {"roles/bigquery.user"}:
        raise Failed(f"docs/deploy.md grants {role}, and the module does not")


def check_worker(environment, tree, build):
    """The worker takes the configuration that the module writes, and loads with it."""
    folder = tree / "modules/caseload"
    output = want(environment, folder, "test", "-json", "-verbose", "-filter=tests/module.tftest.hcl")
    events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    outputs = {event["@testrun"]: event["test_state"]["outputs"] for event in events if event["type"] == "test_state"}
    config = json.loads(outputs["settings"]["config"]["value"]["ticks"])
    box = harness.Sandbox(build, harness.work_folder(build, "terraform"), credentials="self")
    try:
        box.url = f"https://127.0.0.1:{box.ports['http']}"
        own = credentials.config(box)
        config["source"].update(own.pop("source"))
        config.update(own, project=harness.PROJECT, streams=["contacts"])
        path = box.folder / "caseload.json"
        path.write_text(json.dumps(config))
        code, _, errors = harness.run_once(build, box, path)
    finally:
        box.stop()
    if code != 0:
        raise Failed(f"caseload run ends with {code} with the module's configuration: {errors[-1500:]}")
    commands = subprocess.run([str(build / "src/app/caseload"), "--help"], capture_output=True, text=True, check=True).stdout
    text = "".join(path.read_text() for path in MODULE.glob("*.tf"))
    for command in set(re.findall(r"args += \[\"(\w+)\"", text)) | set(re.findall(r"`caseload (\w+)", text)):
        if f"caseload {command}" not in commands:
            raise Failed(f"the module names `caseload {command}`, a command that caseload does not have")


def main():
    build = pathlib.Path(sys.argv[1])
    if "--update" in sys.argv[2:]:
        readme(TERRAFORM, True)
        readme(MODULE, True)
    missing = [tool for tool in ("terraform", "node", "npm") if not shutil.which(tool)]
    if missing:
        print(f"terraform: skipped, {' and '.join(missing)} not installed; terraform/README.md says where to get terraform")
        return 77
    checks = {"format": check_format, "examples and root are valid": check_valid, "tests of the module": check_module,
              "workspaces": check_workspaces, "mistakes": check_mistakes, "a test for each validation": check_refusals,
              "README, docs/deploy.md": check_documents,
              "the worker's configuration": lambda environment, tree: check_worker(environment, tree, build)}
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tree = pathlib.Path(shutil.copytree(TERRAFORM, folder / "terraform", ignore=shutil.ignore_patterns(".terraform*")))
        with provider(folder) as environment:
            for title, check in checks.items():
                try:
                    found = check(environment, tree)
                    print(f"ok    {title}{': ' + found if found else ''}", flush=True)
                except (Failed, harness.Failure) as problem:
                    failed += 1
                    print(f"FAIL  {title}: {problem}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
