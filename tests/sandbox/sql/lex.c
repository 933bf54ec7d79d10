/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of GoogleSQL: https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "sql/syntax.h"

struct lexer {
    struct sql *sql;
    const char *text;
    size_t at;
    struct sql_token *tokens;
    size_t count, capacity;
    char *scratch; /* room for the longest literal: decoded, none is longer than the text */
};

static void add(struct lexer *lexer, enum token_kind kind, const char *text, size_t from)
{
    if (lexer->count == lexer->capacity) {
        size_t capacity = lexer->capacity > 0 ? lexer->capacity * 2 : 64;
        struct sql_token *tokens = arena_zero(&lexer->sql->arena, capacity * sizeof *tokens);
        if (lexer->count > 0) memcpy(tokens, lexer->tokens, lexer->count * sizeof *tokens);
        lexer->tokens = tokens;
        lexer->capacity = capacity;
    }
    lexer->tokens[lexer->count++] =
        (struct sql_token){.kind = kind, .text = text, .at = from, .end = lexer->at};
}

static char here(const struct lexer *lexer, size_t ahead)
{
    for (size_t i = 0; i < ahead; i++) {
        if (lexer->text[lexer->at + i] == '\0') return '\0';
    }
    return lexer->text[lexer->at + ahead];
}

static bool name_starts(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

static bool name_goes_on(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static void skip_line(struct lexer *lexer)
{
    while (here(lexer, 0) != '\0' && here(lexer, 0) != '\n')
        lexer->at++;
}

static void skip_comment(struct lexer *lexer)
{
    size_t from = lexer->at;
    const char *end = strstr(lexer->text + from + 2, "*/");
    if (end == NULL) sql_fail_at(lexer->sql, from, "Syntax error: Unclosed comment");
    lexer->at = (size_t)(end - lexer->text) + 2;
}

static void skip_blank(struct lexer *lexer)
{
    for (;;) {
        char c = here(lexer, 0);
        if (c != '\0' && strchr(" \t\r\n", c) != NULL) {
            lexer->at++;
        } else if (c == '#' || (c == '-' && here(lexer, 1) == '-')) {
            skip_line(lexer);
        } else if (c == '/' && here(lexer, 1) == '*') {
            skip_comment(lexer);
        } else {
            return;
        }
    }
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

static uint32_t read_hex(struct lexer *lexer, size_t from, int digits)
{
    uint32_t value = 0;
    for (int i = 0; i < digits; i++) {
        char c = here(lexer, 0);
        if (!isxdigit((unsigned char)c))
            sql_fail_at(lexer->sql, from, "Syntax error: Illegal escape sequence");
        value = value * 16 +
                (uint32_t)(isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10);
        lexer->at++;
    }
    return value;
}

/* Behind the backslash. NUL characters are refused: values are C texts on their way to SQLite. */
static size_t read_escape(struct lexer *lexer, char *out)
{
    static const char plain[] = "abfnrtv\\?\"'`";
    static const char meant[] = "\a\b\f\n\r\t\v\\?\"'`";
    size_t from = lexer->at - 1;
    char c = here(lexer, 0);
    const char *found = c != '\0' ? strchr(plain, c) : NULL;
    lexer->at += c != '\0';
    if (found != NULL) {
        out[0] = meant[found - plain];
        return 1;
    }
    uint32_t value = 0;
    if (c == 'x' || c == 'X') {
        value = read_hex(lexer, from, 2);
    } else if (c == 'u') {
        value = read_hex(lexer, from, 4);
    } else if (c == 'U') {
        value = read_hex(lexer, from, 8);
    }
    if (value == 0 || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
        sql_fail_at(lexer->sql, from, "Syntax error: Illegal escape sequence: \\%c", c);
    }
    return put_utf8(out, value);
}

/* At the opening quote, which may stand three times. */
static const char *read_quoted(struct lexer *lexer, bool raw)
{
    size_t from = lexer->at;
    char quote = here(lexer, 0);
    size_t quotes = quote != '`' && here(lexer, 1) == quote && here(lexer, 2) == quote ? 3 : 1;
    char *out = lexer->scratch;
    size_t size = 0;
    lexer->at += quotes;
    for (;;) {
        char c = here(lexer, 0);
        bool closing = c == quote && (quotes == 1 || (here(lexer, 1) == quote && here(lexer, 2) == quote));
        if (closing) break;
        if (c == '\0' || (c == '\n' && quotes == 1)) {
            sql_fail_at(lexer->sql, from, "Syntax error: Unclosed %s",
                        quote == '`' ? "identifier literal" : "string literal");
        }
        lexer->at++;
        if (c == '\\' && !raw) {
            size += read_escape(lexer, out + size);
        } else {
            out[size++] = c;
        }
    }
    lexer->at += quotes;
    return arena_text(&lexer->sql->arena, out, size);
}

static void read_number(struct lexer *lexer)
{
    size_t from = lexer->at;
    bool real = false;
    if (here(lexer, 0) == '0' && (here(lexer, 1) == 'x' || here(lexer, 1) == 'X')) {
        sql_fail_at(lexer->sql, from, "Hexadecimal integer literals are not supported");
    }
    while (isdigit((unsigned char)here(lexer, 0)))
        lexer->at++;
    if (here(lexer, 0) == '.') {
        real = true;
        lexer->at++;
        while (isdigit((unsigned char)here(lexer, 0)))
            lexer->at++;
    }
    char e = here(lexer, 0), sign = here(lexer, 1);
    size_t exponent = sign == '+' || sign == '-' ? 2 : 1;
    if ((e == 'e' || e == 'E') && isdigit((unsigned char)here(lexer, exponent))) {
        real = true;
        lexer->at += exponent;
        while (isdigit((unsigned char)here(lexer, 0)))
            lexer->at++;
    }
    if (name_starts(here(lexer, 0))) {
        sql_fail_at(lexer->sql, lexer->at, "Syntax error: Missing whitespace between literal and alias");
    }
    add(lexer, real ? TOKEN_FLOAT : TOKEN_INTEGER,
        arena_text(&lexer->sql->arena, lexer->text + from, lexer->at - from), from);
}

/* r'...' is raw; b'...' would be BYTES. */
static bool read_prefixed(struct lexer *lexer)
{
    char first = (char)tolower((unsigned char)here(lexer, 0)), second = here(lexer, 1);
    if (second != '\'' && second != '"') return false;
    if (first == 'b') sql_fail_at(lexer->sql, lexer->at, "Type not supported: BYTES");
    if (first != 'r') return false;
    size_t from = lexer->at++;
    const char *text = read_quoted(lexer, true);
    add(lexer, TOKEN_STRING, text, from);
    return true;
}

static void read_symbol(struct lexer *lexer)
{
    static const char *const long_symbols[] = {"@@", "<>", "!=", "<=", ">=", "||", "=>"};
    size_t from = lexer->at;
    for (size_t i = 0; i < sizeof long_symbols / sizeof *long_symbols; i++) {
        if (strncmp(lexer->text + from, long_symbols[i], 2) == 0) {
            lexer->at += 2;
            add(lexer, TOKEN_SYMBOL, long_symbols[i], from);
            return;
        }
    }
    char c = here(lexer, 0);
    if (strchr("()[]{},;.:=<>+-*/%@|&^~?", c) == NULL) {
        sql_fail_at(lexer->sql, from, "Syntax error: Illegal input character \"%c\"", c);
    }
    lexer->at++;
    add(lexer, TOKEN_SYMBOL, arena_text(&lexer->sql->arena, &c, 1), from);
}

static void read_token(struct lexer *lexer)
{
    size_t from = lexer->at;
    char c = here(lexer, 0);
    if (read_prefixed(lexer)) return;
    if (name_starts(c)) {
        while (name_goes_on(here(lexer, 0)))
            lexer->at++;
        add(lexer, TOKEN_NAME, arena_text(&lexer->sql->arena, lexer->text + from, lexer->at - from), from);
    } else if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)here(lexer, 1)))) {
        read_number(lexer);
    } else if (c == '\'' || c == '"' || c == '`') {
        const char *text = read_quoted(lexer, false);
        if (c == '`' && *text == '\0')
            sql_fail_at(lexer->sql, from, "Syntax error: Invalid empty identifier");
        add(lexer, c == '`' ? TOKEN_QUOTED : TOKEN_STRING, text, from);
    } else {
        read_symbol(lexer);
    }
}

struct sql_token *sql_tokens(struct sql *sql, size_t *out_count)
{
    struct lexer lexer = {.sql = sql, .text = sql->text};
    lexer.scratch = arena_zero(&sql->arena, strlen(sql->text) + 4);
    for (skip_blank(&lexer); here(&lexer, 0) != '\0'; skip_blank(&lexer))
        read_token(&lexer);
    add(&lexer, TOKEN_END, "", lexer.at);
    *out_count = lexer.count;
    return lexer.tokens;
}
