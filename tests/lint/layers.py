#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layers: which folder may include which. Reads the include lines of src, include and tests/sandbox."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Folder: the folders whose headers it may include.
ALLOWED = {
    "base": set(),
    "core": {"base"},
    "net": {"base"},
    "credentials": {"net", "base"},
    "bigquery": {"core", "net", "base"},
    "pubsub": {"core", "net", "base"},
    "singer": {"core", "base"},
    "sources/rest": {"core", "net", "base"},
    "sources/each": {"sources/rest", "sources", "core", "net", "base"},  # one source; not another one
    "sources": {"sources/each", "core", "net", "base"},
    "app": {"sources", "bigquery", "pubsub", "singer", "credentials", "core", "net", "base"},
}
# Library: the only files that may include its headers.
USERS = {
    r"curl/": r"src/net/http\w*\.c|src/net/http_\w+\.h",
    r"grpc/": r"src/net/rpc\w*\.c",
    r"openssl/": r"src/credentials/\w+\.[ch]|src/bigquery/stage\.c",
    r"google/": r"src/pubsub/\w+\.c",
    r"isa-l/": r"src/base/gunzip\.c|src/bigquery/stage\.h",
    r"zlib\.h": r"src/bigquery/\w+\.[ch]|src/base/zbuf\.c",
    r"jansson\.h": r"include/base/json\.h",
}
# The same for tests/sandbox. Of the product it may include base only, so that no mistake of ours hides in both.
SANDBOX_SERVICES = {"workspace", "pubsub", "bigquery", "google", "sql", "store", "httpd", "shared", "base"}
SANDBOX = {
    "shared": {"base"},
    "httpd": {"shared", "base"},
    "google": {"httpd", "shared", "base"},
    "store": {"base"},
    "sql": {"store", "base"},
    "bigquery": {"sql", "store", "httpd", "shared", "base"},
    "pubsub": {"google", "httpd", "shared", "base"},
    "workspace": {"shared", "base"},
    "oracle": {"workspace", "sql", "store", "shared", "base", "include/row_oracle.h"},
    "intercom": {"oracle", "workspace", "google", "httpd", "shared", "base"},
    "helpscout": {"oracle", "workspace", "google", "httpd", "shared", "base"},
    "comagic": {"oracle", "workspace", "google", "httpd", "shared", "base"},
    "control": SANDBOX_SERVICES | {"oracle"},
    ".": SANDBOX_SERVICES | {"control", "intercom", "helpscout", "comagic"},
}
# Only a source knows its service: below and above, these are words of examples in comments and help texts alone.
SOURCE_WORDS = re.compile(r"intercom|conversation|compan(y|ies)|ticket|\bparts?\b|parts?_|\bits thread\b|has_more|total_count", re.I)
SOURCE_FREE = ("src/core/", "src/sources/rest/", "src/bigquery/", "src/singer/", "src/app/", "include/core/", "include/bigquery/", "include/singer/")
LITERAL_OR_COMMENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)
EXAMPLE = re.compile(r"caseload \w+ |\{\\\"|\[\\\"")  # a command or a value to type
SANDBOX_ROOT = "tests/sandbox"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def files(*roots):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *roots], cwd=ROOT,
                         capture_output=True, text=True, check=True).stdout
    return [f for f in out.split() if f.endswith((".c", ".h")) and (ROOT / f).exists()]


def folder(path):
    """src/sources/rest/x.c: sources/rest; src/sources/intercom/x.c: sources/intercom; include/core/x.h: core."""
    parts = path.split("/")
    return "/".join(parts[1:3]) if path.startswith("src/sources/") and len(parts) > 3 else parts[1]


def rule(folder):
    return folder if folder in ALLOWED or not folder.startswith("sources/") else "sources/each"


def included(path, name):
    """The file that a quoted include with a folder names, and that file's folder; None: it is not ours."""
    own = pathlib.PurePosixPath(path).parent
    for there in (f"include/{name}", f"{own}/{name}", f"src/sources/{name}"):
        if ".." not in name and (ROOT / there).exists():
            return there, folder(there)
    return None, None


def check(path, text, problems, edges):
    here = folder(path)
    for kind, name in INCLUDE.findall(text):
        for library, users in USERS.items():
            if re.match(library, name) and not re.fullmatch(users, path):
                problems.append(f"{path}: includes <{name}>, which only {users} may")
        if kind == "<" or "/" not in name or re.match("google/", name):
            continue
        target, there = included(path, name)
        if not target:
            problems.append(f"{path}: includes \"{name}\", which is not a public header")
        elif there != here and rule(there) not in ALLOWED[rule(here)]:
            problems.append(f"{path}: {here} must not include {there} (\"{name}\")")
        elif target.startswith("include/"):
            edges.setdefault(path if path.startswith("include/") else None, set()).add(target)


def check_words(path, text, problems):
    """No identifier and no text of these folders has a word of one service."""
    code = LITERAL_OR_COMMENT.sub(lambda m: "" if m.group().startswith("/*") or EXAMPLE.search(m.group()) else m.group(), text)
    code = re.sub(r'^\s*#\s*include.*$|\bpthread_\w+', "", code, flags=re.M)
    for word in sorted({m.group() for m in SOURCE_WORDS.finditer(code)}):
        problems.append(f"{path}: \"{word}\" is a word of one source: put it into the source's tables")


def check_sandbox(path, problems, edges):
    here = path.split("/")[2] if path.count("/") > 2 else "."
    if here not in SANDBOX:
        problems.append(f"{path}: {here} is in no layer")
        return
    for kind, name in INCLUDE.findall((ROOT / path).read_text()):
        if kind == "<" or name.startswith("google/pubsub/"):  # generated
            continue
        if (ROOT / SANDBOX_ROOT / name).exists():
            edges.setdefault(path if path.endswith(".h") else None, set()).add(f"{SANDBOX_ROOT}/{name}")
            there = name.split("/")[0] if "/" in name else "."
        else:
            there = name.split("/")[0] if name.startswith("base/") else f"include/{name}"
        if there not in SANDBOX[here] | {here}:
            problems.append(f"{path}: {here} must not include {there} (\"{name}\")")


def circle(edges):
    """A header that reaches itself, or None."""
    def walk(node, seen):
        for other in sorted(edges.get(node, ())):
            if other in seen:
                return seen + [other]
            found = walk(other, seen + [other])
            if found:
                return found
        return None
    for node in sorted(n for n in edges if n):
        found = walk(node, [node])
        if found:
            return found
    return None


def main():
    problems, edges = [], {}
    product, sandbox = files("src", "include"), files(SANDBOX_ROOT)
    for path in product:
        if rule(folder(path)) not in ALLOWED and not path.endswith("CMakeLists.txt"):
            problems.append(f"{path}: {folder(path)} is in no layer")
            continue
        check(path, (ROOT / path).read_text(), problems, edges)
        if path.startswith(SOURCE_FREE):
            check_words(path, (ROOT / path).read_text(), problems)
    for path in sandbox:
        if not path.startswith(SANDBOX_ROOT + "/test/"):
            check_sandbox(path, problems, edges)
    found = circle(edges)
    if found:
        problems.append("circle: " + " -> ".join(found))
    print("\n".join(problems) if problems else f"layers: {len(product) + len(sandbox)} files, no include upwards, no circle")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
