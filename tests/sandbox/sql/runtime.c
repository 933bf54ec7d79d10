/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, casts and texts at run time. */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wctype.h>

#include "sql/emit.h"
#include "sql/runtime.h"
#include "store/time_text.h"

const char *runtime_text(sqlite3_value *value)
{
    const unsigned char *text = sqlite3_value_text(value);
    return text != NULL ? (const char *)text : "";
}

bool runtime_any_null(int count, sqlite3_value **values)
{
    for (int i = 0; i < count; i++)
        if (sqlite3_value_type(values[i]) == SQLITE_NULL) return true;
    return false;
}

void runtime_error(sqlite3_context *context, const char *format, ...)
{
    char message[512];
    va_list args;
    if (sqlite3_user_data(context) != NULL) { /* registered as safe_... */
        sqlite3_result_null(context);
        return;
    }
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args); /* cut if it must be */
    va_end(args);
    sqlite3_result_error(context, message, -1);
}

void runtime_result(sqlite3_context *context, const char *text)
{
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* --- numbers --- */

static void int_operator(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    char sign = runtime_text(values[0])[0];
    int64_t a = sqlite3_value_int64(values[1]), b = sqlite3_value_int64(values[2]), made = 0;
    bool over = false;
    switch (sign) {
    case '+': over = __builtin_add_overflow(a, b, &made); break;
    case '-': over = __builtin_sub_overflow(a, b, &made); break;
    case '*': over = __builtin_mul_overflow(a, b, &made); break;
    default:
        if (b == 0) {
            runtime_error(context, "division by zero: %lld / 0", (long long)a);
            return;
        }
        over = a == INT64_MIN && b == -1;
        if (!over) made = sign == '/' ? a / b : a % b;
    }
    if (over) {
        runtime_error(context, "int64 overflow: %lld %c %lld", (long long)a, sign, (long long)b);
    } else {
        sqlite3_result_int64(context, made);
    }
}

static void divide(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    double a = sqlite3_value_double(values[0]), b = sqlite3_value_double(values[1]);
    if (b == 0) {
        runtime_error(context, "division by zero: %g / %g", a, b);
    } else {
        sqlite3_result_double(context, a / b);
    }
}

/* --- casts --- */

static bool text_to_int(const char *text, int64_t *out_value)
{
    char *end = NULL;
    const char *digits = text + strspn(text, " \t+-");
    errno = 0;
    *out_value = strtoll(text, &end, strncasecmp(digits, "0x", 2) == 0 ? 16 : 10);
    while (*end == ' ')
        end++;
    return end != text && *end == '\0' && errno == 0;
}

static bool text_to_real(const char *text, double *out_value)
{
    char *end = NULL;
    *out_value = strtod(text, &end);
    return end != text && end[strspn(end, " ")] == '\0';
}

/* 2026-01-31 10:11:12.5+00: three or six digits of fraction, or none. */
static void timestamp_text(sqlite3_context *context, const char *stored)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%s", stored);
    if (strlen(text) >= 29) {
        size_t keep = strncmp(text + 20, "000000", 6) == 0 ? 19 : strncmp(text + 23, "000", 3) == 0 ? 23 : 26;
        memmove(text + keep, text + 26, strlen(text + 26) + 1);
    }
    runtime_result(context, text);
}

static bool cast_text(sqlite3_context *context, const char *text, const char *to)
{
    char made[40];
    int64_t integer = 0;
    double real = 0;
    if (strcmp(to, "INT64") == 0 && text_to_int(text, &integer)) {
        sqlite3_result_int64(context, integer);
    } else if (strcmp(to, "FLOAT64") == 0 && text_to_real(text, &real)) {
        sqlite3_result_double(context, real);
    } else if (strcmp(to, "BOOL") == 0 && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0)) {
        sqlite3_result_int(context, strcasecmp(text, "true") == 0);
    } else if ((strcmp(to, "DATE") == 0 && time_text_read_date(text, made)) ||
               (strcmp(to, "TIMESTAMP") == 0 && time_text_read_timestamp(text, made))) {
        runtime_result(context, made);
    } else {
        return false;
    }
    return true;
}

static bool cast_to_text(sqlite3_context *context, sqlite3_value *value, const char *from)
{
    char made[VALUE_REAL];
    if (strcmp(from, "BOOL") == 0) {
        runtime_result(context, sqlite3_value_int(value) != 0 ? "true" : "false");
    } else if (strcmp(from, "FLOAT64") == 0) {
        value_real_text(sqlite3_value_double(value), made);
        runtime_result(context, made);
    } else if (strcmp(from, "TIMESTAMP") == 0) {
        timestamp_text(context, runtime_text(value));
    } else {
        runtime_result(context, runtime_text(value));
    }
    return true;
}

static bool cast_number(sqlite3_context *context, sqlite3_value *value, const char *from, const char *to)
{
    if (strcmp(to, "FLOAT64") == 0) {
        sqlite3_result_double(context, sqlite3_value_double(value));
    } else if (strcmp(to, "BOOL") == 0) {
        sqlite3_result_int(context, sqlite3_value_int64(value) != 0);
    } else if (strcmp(from, "FLOAT64") == 0) {
        double rounded = round(sqlite3_value_double(value));
        if (!(rounded >= -9223372036854775808.0 && rounded < 9223372036854775808.0)) return false;
        sqlite3_result_int64(context, (int64_t)rounded);
    } else {
        sqlite3_result_int64(context, sqlite3_value_int64(value));
    }
    return true;
}

/* bq_cast(value, from, to, safe) */
static void cast(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    const char *from = runtime_text(values[1]), *to = runtime_text(values[2]),
               *text = runtime_text(values[0]);
    bool done = false;
    char made[40];
    if (strcmp(to, "STRING") == 0) {
        done = cast_to_text(context, values[0], from);
    } else if (strcmp(from, "STRING") == 0 || (strcmp(from, "DATE") == 0 && strcmp(to, "TIMESTAMP") == 0)) {
        done = cast_text(context, text, to);
    } else if (strcmp(from, "TIMESTAMP") == 0) {
        (void)snprintf(made, sizeof made, "%.10s", text);
        done = cast_text(context, made, to);
    } else {
        done = cast_number(context, values[0], from, to);
    }
    if (done || sqlite3_value_int(values[3])) return;
    if (strcmp(from, "STRING") == 0 && strcmp(to, "INT64") == 0) {
        runtime_error(context, "Bad int64 value: %.200s", text);
    } else if (strcmp(from, "STRING") == 0 && strcmp(to, "DATE") == 0) {
        runtime_error(context, "Invalid date: '%.200s'", text);
    } else if (strcmp(from, "STRING") == 0 && strcmp(to, "TIMESTAMP") == 0) {
        runtime_error(context, "Invalid timestamp: '%.200s'", text);
    } else {
        runtime_error(context, "Bad %s value: %.200s", to, text);
    }
}

/* --- texts --- */

/* Bytes of the first character; 0 at the end of the text. */
static size_t character_size(const char *text)
{
    size_t size = *text != '\0';
    while (size > 0 && (text[size] & 0xC0) == 0x80)
        size++;
    return size;
}

/* % any text, _ one character, \ takes the meaning away. */
static bool is_like(const char *text, const char *pattern)
{
    const char *star = NULL, *mark = NULL;
    while (*text != '\0') {
        if (*pattern == '%') {
            star = ++pattern;
            mark = text;
            continue;
        }
        bool escaped = *pattern == '\\' && pattern[1] != '\0';
        const char *wanted = pattern + escaped;
        size_t size = character_size(text);
        if (*wanted != '\0' && !escaped && *wanted == '_') {
            text += size;
            pattern = wanted + 1;
        } else if (*wanted != '\0' && strncmp(text, wanted, size) == 0) {
            text += size;
            pattern = wanted + size;
        } else if (star != NULL) {
            mark += character_size(mark);
            text = mark;
            pattern = star;
        } else {
            return false;
        }
    }
    while (*pattern == '%')
        pattern++;
    return *pattern == '\0';
}

static void like(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    sqlite3_result_int(context, is_like(runtime_text(values[0]), runtime_text(values[1])));
}

/* A letter of two bytes of UTF-8: Latin, Greek and Cyrillic. */
static void append_lower(sqlite3_str *out, const char *text, locale_t locale)
{
    wchar_t wide = (wchar_t)(((unsigned char)text[0] & 0x1F) << 6 | ((unsigned char)text[1] & 0x3F));
    wide = (wchar_t)towlower_l((wint_t)wide, locale);
    if (wide < 0x80 || wide > 0x7FF) {
        sqlite3_str_append(out, text, 2);
        return;
    }
    sqlite3_str_appendchar(out, 1, (char)(0xC0 | wide >> 6));
    sqlite3_str_appendchar(out, 1, (char)(0x80 | (wide & 0x3F)));
}

/* SQLite's own lower() knows ASCII only. */
static void lower(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (locale == (locale_t)0) {
        runtime_error(context, "There is no locale C.UTF-8 on this machine");
        return;
    }
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (const char *c = runtime_text(values[0]); *c != '\0'; c += character_size(c)) {
        size_t size = character_size(c);
        if (size == 2)
            append_lower(out, c, locale);
        else if (size > 2)
            sqlite3_str_append(out, c, (int)size);
        else
            sqlite3_str_appendchar(out, 1, (char)tolower((unsigned char)*c));
    }
    freelocale(locale);
    char *text = sqlite3_str_finish(out);
    runtime_result(context, text != NULL ? text : "");
    sqlite3_free(text);
}

static void concat(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (int i = 0; i < count; i++)
        sqlite3_str_appendall(out, runtime_text(values[i]));
    char *text = sqlite3_str_finish(out);
    runtime_result(context, text != NULL ? text : "");
    sqlite3_free(text);
}

/* --- checks --- */

static void required(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) {
        runtime_error(context, "Required field %s cannot be null", runtime_text(values[1]));
    } else {
        sqlite3_result_value(context, values[0]);
    }
}

/* bq_only: the one value of a scalar subquery. */
struct only {
    sqlite3_value *value;
    bool any;
};

static void only_step(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct only *only = sqlite3_aggregate_context(context, sizeof *only);
    (void)count;
    if (only == NULL) return;
    if (only->any) {
        runtime_error(context, "Scalar subquery produced more than one element");
        return;
    }
    only->any = true;
    only->value = sqlite3_value_dup(values[0]);
}

static void only_final(sqlite3_context *context)
{
    struct only *only = sqlite3_aggregate_context(context, 0);
    if (only == NULL || only->value == NULL) return;
    sqlite3_result_value(context, only->value);
    sqlite3_value_free(only->value);
}

static bool register_both(sqlite3 *db, const struct runtime_function *f)
{
    static char safe[] = "safe"; /* that it is there says all */
    char name[64];
    (void)snprintf(name, sizeof name, "safe_%s", f->name);
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    return sqlite3_create_function(db, f->name, f->args, flags, NULL, f->call, NULL, NULL) == SQLITE_OK &&
           sqlite3_create_function(db, name, f->args, flags, safe, f->call, NULL, NULL) == SQLITE_OK;
}

bool runtime_register(sqlite3 *db)
{
    static const struct runtime_function functions[] = {
        {"bq_int", 3, int_operator},  {"bq_divide", 2, divide},
        {"bq_cast", 4, cast},         {"bq_like", 2, like},
        {"bq_lower", 1, lower},       {"bq_concat", -1, concat},
        {"bq_required", 2, required}, {0},
    };
    const struct runtime_function *const tables[] = {functions, runtime_json_functions,
                                                     runtime_time_functions};
    bool good = true;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct runtime_function *f = tables[t]; f->name != NULL; f++)
            good = good && register_both(db, f);
    return good && runtime_register_aggregates(db) &&
           sqlite3_create_function(db, "bq_only", 1, SQLITE_UTF8, NULL, NULL, only_step, only_final) ==
               SQLITE_OK;
}
