#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layers: which source folder may include which. Reads the include lines of src and include."""
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
    "sources": {"core", "net", "base"},
    "app": {"sources", "bigquery", "pubsub", "credentials", "core", "net", "base"},
}
# Library: the only files that may include its headers.
USERS = {
    r"curl/": r"src/net/http\w*\.c|src/net/http_\w+\.h",
    r"grpc/": r"src/net/rpc\w*\.c",
    r"openssl/": r"src/credentials/\w+\.[ch]",
    r"google/": r"src/pubsub/\w+\.c",
    r"zlib\.h": r"src/bigquery/\w+\.[ch]|src/base/zbuf\.c",
    r"jansson\.h": r"include/base/json\.h",
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def files():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "src", "include"], cwd=ROOT,
                         capture_output=True, text=True, check=True).stdout
    return [f for f in out.split() if f.endswith((".c", ".h"))]


def folder(path):
    return path.split("/")[1]


def check(path, text, problems, edges):
    here = folder(path)
    for kind, name in INCLUDE.findall(text):
        for library, users in USERS.items():
            if re.match(library, name) and not re.fullmatch(users, path):
                problems.append(f"{path}: includes <{name}>, which only {users} may")
        if kind == "<" or "/" not in name:
            continue
        there = name.split("/")[0]
        if there not in ALLOWED:
            if not (ROOT / "src" / here / name).exists() and not re.match("google/", name):
                problems.append(f"{path}: includes \"{name}\", which is not a public header")
            continue
        if not (ROOT / "include" / name).exists():
            problems.append(f"{path}: includes \"{name}\", which is not in include/")
        if there != here and there not in ALLOWED[here]:
            problems.append(f"{path}: {here} must not include {there} (\"{name}\")")
        edges.setdefault(path if path.startswith("include/") else None, set()).add("include/" + name)


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
    for path in files():
        if folder(path) not in ALLOWED and not path.endswith("CMakeLists.txt"):
            problems.append(f"{path}: {folder(path)} is in no layer")
            continue
        check(path, (ROOT / path).read_text(), problems, edges)
    found = circle(edges)
    if found:
        problems.append("circle: " + " -> ".join(found))
    print("\n".join(problems) if problems else f"layers: {len(files())} files, no include upwards, no circle")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
