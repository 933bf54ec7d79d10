# SPDX-License-Identifier: Apache-2.0
"""English of comments, documents and messages, as far as a line can be checked: words, sentence subjects, length.

check(path, text) yields (line, problem). style.py calls it for each file.
"""
import re

SENTENCE_WORDS = 28  # "about 25"
BANNED = re.compile(
    r"\b(anew|by and by|lastly|bears?|borne|told|whoever|nobody|behind it"
    r"|errands?|fate|crews?|dice|rooms?(?! for| to)|doors?|floors?|houses?|roads?|shelf|shelves|talks?)\b", re.I)
# A sentence that begins with a relative clause; a question or a heading ends with no full stop.
CLAUSE = re.compile(r"(?:^|(?<=[.!?]\s))(What|Who|Whoever|Whatever)\b[^.?!:]*[.!:;,]")
C_COMMENT = re.compile(r"/\*(.*?)\*/", re.S)
C_STRING = re.compile(r'"((?:\\.|[^"\\\n])*)"')
HASH_COMMENT = re.compile(r"(?:^|(?<=\s))#\s(.*)$", re.M)
DOCSTRING = re.compile(r'"""(.*?)"""', re.S)
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
GENERATED = re.compile(r"<!-- caseload streams: begin -->.*?<!-- caseload streams: end -->", re.S)


def plain(text):
    """The text of a comment without stars, code and quoted words."""
    text = re.sub(r"^\s*\*[ /]?", "", text, flags=re.M)
    return re.sub(r"`[^`]*`|\"[^\"]*\"", "CODE", text)


def paragraphs(text):
    """(line offset, text) of each run of lines that is prose: no blank line, list, code, table or heading inside."""
    begin, lines = 0, []
    for number, line in enumerate(text.split("\n") + [""]):
        is_prose = line.strip() and not re.match(r"\s{4}|\t|\s*[|#<]|\s*\S+ {3,}\S", line)
        starts = re.match(r"\s*([-*]|\d+\.) ", line)
        if (not is_prose or starts) and lines:
            yield begin, " ".join(lines)
            lines = []
        if is_prose:
            begin = begin if lines else number
            lines.append(line.strip())


def sentences(paragraph):
    return re.split(r"(?<=[.!?:;])\s+", re.sub(r"\([^()]*\)", "", paragraph))


def check_length(text, first_line):
    for offset, paragraph in paragraphs(text):
        for sentence in sentences(paragraph):
            words = len(re.findall(r"\S*\w\S*", sentence))
            if words > SENTENCE_WORDS:
                yield first_line + offset, f"a sentence of {words} words: \"{sentence[:60]} ...\""


def check_words(text, first_line):
    for match in BANNED.finditer(text):
        yield first_line + text.count("\n", 0, match.start()), f"banned word \"{match.group(0)}\""


def check_clauses(text, first_line):
    for offset, paragraph in paragraphs(text):
        for match in CLAUSE.finditer(paragraph):
            yield first_line + offset, f"a clause as the subject: \"{match.group(0)[:50]}\""


def comments(path, text):
    """(first line, text, is_header) of everything a person reads in the file."""
    def at(match, group=1):
        return text.count("\n", 0, match.start(group)) + 1
    if path.endswith(".md"):
        def blank(match):
            return "\n" * match.group(0).count("\n")
        yield 1, plain(GENERATED.sub(blank, FENCE.sub(blank, text))), True
    elif path.endswith((".c", ".h")):
        for match in C_COMMENT.finditer(text):
            yield at(match), plain(match.group(1)), path.endswith(".h") and at(match) < 4
        if path.startswith(("src/", "include/")):
            code = C_COMMENT.sub(lambda m: "\n" * m.group(0).count("\n"), text)
            for match in C_STRING.finditer(code):
                yield code.count("\n", 0, match.start()) + 1, match.group(1), False
    elif path.endswith((".py", ".scn", ".each", ".cmake", ".sql", "CMakeLists.txt")) or path in ("dev", ".ci/run"):
        for match in (DOCSTRING if path.endswith(".py") else HASH_COMMENT).finditer(text):
            yield at(match), plain(match.group(1)), False
        for match in HASH_COMMENT.finditer(text) if path.endswith(".py") else ():
            yield at(match), plain(match.group(1)), False


def check(path, text):
    if path.startswith(("tests/data/", "tests/lint/prose.py")):
        return
    for line, comment, is_long in comments(path, text):
        yield from check_words(comment, line)
        yield from check_clauses(comment, line)
        if is_long:
            yield from check_length(comment, line)
