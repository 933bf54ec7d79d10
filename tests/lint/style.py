#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Style that a compiler does not check: sizes of files and functions, banned calls, preprocessor conditions, English.

    style.py [--report [PATH ...]]    list every finding in English (of files that begin with PATH), and exit with 0
"""
import pathlib
import re
import subprocess
import sys

import prose

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE_LINES = 525
FUNCTION_LINES = 60
BANNED = r"\b(sprintf|vsprintf|strcpy|strcat|strncpy|strncat|gets|strtok|atoi|atol|atof|localtime|gmtime|asctime|ctime|" \
         r"system|popen|tmpnam|mktemp|alloca)\s*\("
BANNED_IN_SRC = r"\b(setjmp|longjmp|setenv)\s*\("
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */"
PATHS = r"(?<![\w.])/(work|root|home/\w+)/"  # of somebody's machine


def files():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                         check=True).stdout
    return [f for f in out.split("\n") if f and (ROOT / f).is_file()]


def without_comments(text):
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)
    return re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S)


def functions(text):
    """(name, first line, lines) of each function, by braces in the first column."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line != "{":
            continue
        end = next((i for i in range(number, len(lines)) if lines[i].startswith("}")), None)
        if end is not None and lines[end] == "}":
            yield lines[number - 1].strip(), number + 1, end - number + 1


def check_c(path, text, problems):
    lines = text.count("\n")
    if lines > FILE_LINES:
        problems.append(f"{path}: {lines} lines; split it ({FILE_LINES} at most)")
    code = without_comments(text)
    for match in re.finditer(BANNED, code):
        problems.append(f"{path}:{code[:match.start()].count(chr(10)) + 1}: {match.group(1)} is banned")
    for match in re.finditer(BANNED_IN_SRC, code) if path.startswith("src/") else ():
        problems.append(f"{path}: {match.group(1)} is banned in src")
    for name, line, size in functions(text):
        if size > FUNCTION_LINES:
            problems.append(f"{path}:{line}: {size} lines in {name}; {FUNCTION_LINES} at most")
    if path.startswith(("src/", "include/")):
        for match in re.finditer(r"^\s*#\s*(if|elif)\b.*", code, re.M):
            problems.append(f"{path}: {match.group(0).strip()}: only include guards")
    if not text.startswith(SPDX + "\n"):
        problems.append(f"{path}: the first line is not {SPDX}")
    if path.endswith(".h") and not text.startswith(SPDX + "\n/*"):
        problems.append(f"{path}: a header begins with a comment: what it is, who owns what, which thread")


def report(paths):
    """Every finding in English, with its place."""
    for path in files():
        if not paths or path.startswith(tuple(paths)):
            for line, problem in prose_problems(path):
                print(f"{path}:{line}: {problem}")
    return 0


def prose_problems(path):
    try:
        return list(prose.check(path, (ROOT / path).read_text()))
    except UnicodeDecodeError:
        return []


def main():
    if "--report" in sys.argv:
        return report(sys.argv[2:])
    problems = []
    count = 0
    for path in files():
        try:
            text = (ROOT / path).read_text()
        except UnicodeDecodeError:
            continue
        count += 1
        if path.endswith((".c", ".h")):
            check_c(path, text, problems)
        elif path.endswith((".py", ".cmake", "CMakeLists.txt")) or text.startswith("#!"):
            if "\n".join(text.split("\n")[:2]).count("SPDX-License-Identifier: Apache-2.0") != 1:
                problems.append(f"{path}: no SPDX line among the first two")
        problems += [f"{path}:{line}: {problem}" for line, problem in prose_problems(path)]
        if path != "tests/lint/style.py":
            for match in re.finditer(PATHS, text):
                problems.append(f"{path}:{text[:match.start()].count(chr(10)) + 1}: \"{match.group(0)}\"")
    print("\n".join(problems) if problems else f"style: {count} files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
