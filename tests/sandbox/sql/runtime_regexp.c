/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions. POSIX extended ones stand in for RE2: an expression is rewritten where both say the
 * same in other words, and refused where they differ. */
#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sql/runtime.h"

#define MOST_PATTERN 8192

/* The class of \d, \w, \s, as it stands inside of brackets; NULL: none. */
static const char *class_of(char letter)
{
    switch (letter) {
    case 'd': return "0-9";
    case 'w': return "A-Za-z0-9_";
    case 's': return "\t\n\f\r ";
    default: return NULL;
    }
}

/* Behind a backslash, outside of brackets. False: it is not known. */
static bool add_escape(struct buf *out, char letter)
{
    const char *inside = class_of((char)tolower((unsigned char)letter));
    if (letter == 'b' || letter == 'B') return buf_format(out, "\\%c", letter);
    if (inside != NULL) return buf_format(out, isupper((unsigned char)letter) ? "[^%s]" : "[%s]", inside);
    if (letter == 'n' || letter == 't') return buf_byte(out, letter == 'n' ? '\n' : '\t');
    return letter != '\0' && !isalnum((unsigned char)letter) && buf_format(out, "\\%c", letter);
}

/* [...], to its end. A backslash is itself in POSIX's brackets. */
static bool add_bracket(struct buf *out, const char **at)
{
    const char *c = *at;
    buf_byte(out, *c++);
    if (*c == '^') buf_byte(out, *c++);
    for (bool first = true; *c != ']' || first; c++, first = false) {
        if (*c == '\0' || (*c == '[' && c[1] == ':')) return false;
        if (*c != '\\') {
            buf_byte(out, *c);
            continue;
        }
        c++;
        const char *inside = class_of(*c);
        bool plain = *c != '\0' && !isalnum((unsigned char)*c) && strchr("-]^[", *c) == NULL;
        if (inside == NULL && !plain) return false;
        if (inside != NULL)
            buf_text(out, inside);
        else
            buf_byte(out, *c);
    }
    *at = c;
    return buf_byte(out, ']');
}

/* exact: which of several matches it is, matters: then no alternatives and nothing lazy. */
static bool rewrite(const char *pattern, bool exact, struct buf *out, int *out_flags)
{
    *out_flags = REG_EXTENDED;
    if (strncmp(pattern, "(?i)", 4) == 0) {
        *out_flags |= REG_ICASE;
        pattern += 4;
    }
    for (const char *c = pattern; *c != '\0'; c++) {
        bool lazy = c > pattern && *c == '?' && strchr("*+?}", c[-1]) != NULL;
        bool group = *c == '(' && c[1] == '?', fine = true;
        if (lazy || *c == '|' || group) fine = !exact && (!group || c[2] == ':');
        if (*c == '[') {
            fine = add_bracket(out, &c);
        } else if (*c == '\\') {
            fine = add_escape(out, *++c);
        } else if (*c == '.') {
            fine = buf_text(out, "[^\n]");
        } else if (group && fine) {
            fine = buf_byte(out, '(');
            c += 2;
        } else if (!lazy) {
            fine = fine && buf_byte(out, *c);
        }
        if (!fine) return false;
    }
    return true;
}

static void free_regex(void *regex)
{
    regfree(regex);
    free(regex);
}

/* Compiled once a statement; NULL: the error is set. */
static regex_t *take_regex(sqlite3_context *context, sqlite3_value **values, bool exact)
{
    struct buf text;
    int flags = 0;
    regex_t *regex = sqlite3_get_auxdata(context, 1);
    const char *pattern = runtime_text(values[1]);
    if (regex != NULL) return regex;
    buf_init(&text, MOST_PATTERN);
    if (!rewrite(pattern, exact, &text, &flags)) {
        runtime_error(context, "The regular expression %s is not supported here", pattern);
    } else {
        regex = mem_zero(1, sizeof *regex);
        if (regcomp(regex, buf_string(&text), flags) != 0) {
            free(regex);
            regex = NULL;
            runtime_error(context, "Cannot parse regular expression: %s", pattern);
        }
    }
    buf_done(&text);
    if (regex != NULL) sqlite3_set_auxdata(context, 1, regex, free_regex);
    return regex != NULL ? sqlite3_get_auxdata(context, 1) : NULL;
}

static void contains(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    const regex_t *regex = take_regex(context, values, false);
    if (regex != NULL) sqlite3_result_int(context, regexec(regex, runtime_text(values[0]), 0, NULL, 0) == 0);
}

/* The first group of the first match, or all of it. */
static void extract(sqlite3_context *context, int count, sqlite3_value **values)
{
    regmatch_t found[2];
    if (runtime_any_null(count, values)) return;
    const char *text = runtime_text(values[0]);
    const regex_t *regex = take_regex(context, values, true);
    if (regex == NULL) return;
    if (regex->re_nsub > 1) {
        runtime_error(
            context, "Regular expression passed to REGEXP_EXTRACT must not have more than 1 capturing group");
        return;
    }
    if (regexec(regex, text, 2, found, 0) != 0) return;
    const regmatch_t *piece = &found[regex->re_nsub];
    if (piece->rm_so >= 0)
        sqlite3_result_text(context, text + piece->rm_so, (int)(piece->rm_eo - piece->rm_so),
                            SQLITE_TRANSIENT);
}

const struct runtime_function runtime_regexp_functions[] = {
    {"bq_regexp_contains", 2, contains},
    {"bq_regexp_extract", 2, extract},
    {0},
};
