#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The README's table of commands, the manual page and the completions are what the program says of itself.

    commands.py CASELOAD [--write]

mandoc, zsh and fish check their texts where they are installed.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"

# A line so far, and what bash offers for its last word: all of these, and none of those.
COMPLETED = (
    (["ser"], ["serve"], ["drain"]),
    (["drain", "--wa"], ["--wait"], []),
    (["drain", "--fr"], [], ["--from"]),
    (["run", "--look"], ["--lookback-days"], []),
    (["singer", "--"], ["--catalog", "--state", "--discover", "--config"], ["--from"]),
    (["schema", "contact_a"], ["contact_attributes"], []),
    (["completion", ""], ["bash", "zsh", "fish"], ["contacts"]),
    (["version", "--"], ["--help"], ["--config"]),
)


def output(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def commands(caseload):
    """(name, synopsis, summary) of each."""
    found = []
    for name, summary in re.findall(r"^  caseload (\S+).*?  +(\S.*)$", output(caseload, "--help"), re.M):
        synopsis = output(caseload, "help", name).split("\n")[0].replace(" [--SETTING VALUE ...]", "")
        found.append((name, synopsis, summary))
    return found


def table(caseload):
    rows = [f"| `{synopsis}` | {summary} |\n" for _, synopsis, summary in commands(caseload)]
    return "| command | what it does |\n| --- | --- |\n" + "".join(rows)


def exit_codes(caseload):
    rows = re.findall(r"^\.It (\d+)\n((?:(?!\.It|\.El).*\n)+)", output(caseload, "manual").split(".Sh EXIT STATUS")[1], re.M)
    return "| exit code | meaning |\n| --- | --- |\n" + "".join(f"| {code} | {' '.join(text.split())} |\n" for code, text in rows)


def check_readme(caseload, write):
    for what, wanted in (("commands", table(caseload)), ("exit codes", exit_codes(caseload))):
        text = README.read_text()
        begin, end = f"<!-- caseload {what}: begin -->\n", f"<!-- caseload {what}: end -->\n"
        begin, end = text.index(begin) + len(begin), text.index(end)
        if text[begin:end] != wanted and write:
            README.write_text(text[:begin] + wanted + text[end:])
        elif text[begin:end] != wanted:
            yield f"README.md: the table of {what} is not what caseload says; tests/lint/commands.py CASELOAD --write mends it"


def check_codes(caseload):
    """Each code that an error leads to has its row."""
    known = set(re.findall(r"^\| (\d+) \|", exit_codes(caseload), re.M))
    source = (README.parent / "src/base/error.c").read_text()
    for code in set(re.findall(r"(?:true|false), (\d+),\s+\d+}", source)) - known:
        yield f"src/app/exit_codes.c lacks {code}, which src/base/error.c has"


def check_manual(caseload):
    manual = output(caseload, "manual")
    for name, _, summary in commands(caseload):
        if f"caseload {name}" not in manual:
            yield f"the manual page lacks {name} ({summary})"
    if not shutil.which("mandoc"):
        print("commands: mandoc is not installed; the manual page's form is not checked")
        return
    with tempfile.NamedTemporaryFile("w", suffix=".1") as page:
        page.write(manual)
        page.flush()
        done = subprocess.run(["mandoc", "-T", "lint", page.name], capture_output=True, text=True, check=False)
    yield from (done.stdout + done.stderr).splitlines()


def check_bash(caseload):
    script = output(caseload, "completion", "bash")
    for words, wanted, unwanted in COMPLETED:
        line = " ".join(f"'{word}'" for word in ["caseload", *words])
        offered = subprocess.run(["bash", "-c", f'{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words)}; _caseload; '
                                  'printf "%s\\n" "${COMPREPLY[@]}"'], capture_output=True, text=True, check=True)
        found = offered.stdout.split()
        if not set(wanted) <= set(found) or set(unwanted) & set(found):
            yield f"bash completes {words} with {found}; {wanted} is wanted, and not {unwanted}"


def check_shell(caseload, shell):
    if not shutil.which(shell):
        print(f"commands: {shell} is not installed; its completion is not checked")
        return
    done = subprocess.run([shell, "-n", "/dev/stdin"], input=output(caseload, "completion", shell), capture_output=True,
                          text=True, check=False)
    yield from done.stderr.splitlines()


def main():
    caseload = sys.argv[1]
    found = [*check_readme(caseload, "--write" in sys.argv), *check_codes(caseload), *check_manual(caseload), *check_bash(caseload),
             *check_shell(caseload, "zsh"), *check_shell(caseload, "fish")]
    print("\n".join(found) or "commands: README, manual page and completions agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
