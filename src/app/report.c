/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define GAP         2  /* blanks between columns */
#define WRAP_LEAST  24 /* a narrower column of texts goes to lines of its own */
#define CUT_LEAST   8  /* no cell is cut shorter */
#define COLUMNS_MAX 24

struct report {
    const char *rows_key;
    const struct report_column *columns;
    size_t column_count;
    char **shown; /* the cells of all rows, one after another; NULL: blank */
    size_t cell_count;
    json_t *rows;
    json_t *members;
    char **lines;
    size_t line_count;
};

struct report *report_new(const char *rows_key, const struct report_column *columns, size_t count)
{
    assert(count <= COLUMNS_MAX);
    struct report *report = mem_zero(1, sizeof *report);
    *report = (struct report){.rows_key = rows_key,
                              .columns = columns,
                              .column_count = count,
                              .rows = json_array(),
                              .members = json_object()};
    if (!report->rows || !report->members) abort();
    return report;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

void report_free(struct report *report)
{
    if (!report) return;
    free_texts(report->shown, report->cell_count);
    free_texts(report->lines, report->line_count);
    json_decref(report->rows);
    json_decref(report->members);
    free(report);
}

void report_drop(struct report **report)
{
    report_free(*report);
}

/* Line separators and what turns the writing direction: U+200E, 200F, 2028 to 202E, 2066 to 2069. */
static bool is_hidden_mark(const unsigned char *bytes, size_t size)
{
    if (size != 3 || bytes[0] != 0xE2) return false;
    if (bytes[1] == 0x81) return bytes[2] >= 0xA6 && bytes[2] <= 0xA9;
    return bytes[1] == 0x80 &&
           ((bytes[2] >= 0xA8 && bytes[2] <= 0xAE) || bytes[2] == 0x8E || bytes[2] == 0x8F);
}

/* Control characters, hidden marks and bytes that are no UTF-8 become '?'. */
static char *clean(const char *text)
{
    char *copy = mem_text(text);
    size_t left = strlen(copy);
    for (char *c = copy; left > 0;) {
        const unsigned char *bytes = (const unsigned char *)c;
        size_t size = utf8_size(c, left);
        bool is_control =
            bytes[0] < ' ' || bytes[0] == 0x7F || (size == 2 && bytes[0] == 0xC2 && bytes[1] < 0xA0);
        bool is_bad = size == 0 || is_control || is_hidden_mark(bytes, size);
        if (size == 0) size = 1;
        if (is_bad) memset(c, '?', size);
        c += size;
        left -= size;
    }
    return copy;
}

static void add_shown(struct report *report, const char *text)
{
    report->shown = mem_grow(report->shown, report->cell_count + 1, sizeof *report->shown);
    report->shown[report->cell_count++] = text ? clean(text) : NULL;
}

void report_row(struct report *report)
{
    assert(report->cell_count % report->column_count == 0);
    if (json_array_append_new(report->rows, json_object()) != 0) abort();
}

void report_value(struct report *report, json_t *value, const char *shown)
{
    json_t *row = json_array_get(report->rows, json_array_size(report->rows) - 1);
    const char *key = report->columns[report->cell_count % report->column_count].key;
    if (!row || json_object_set_new(row, key, value ? value : json_null()) != 0) abort();
    add_shown(report, shown);
}

void report_text(struct report *report, const char *text)
{
    AUTO(mem_free) char *cleaned = text ? clean(text) : NULL;
    report_value(report, cleaned ? json_string(cleaned) : NULL, cleaned);
}

void report_number(struct report *report, int64_t number)
{
    char shown[REPORT_NUMBER];
    report_value(report, json_integer(number), report_count(number, shown));
}

void report_none(struct report *report)
{
    report_value(report, NULL, NULL);
}

void report_set(struct report *report, const char *key, json_t *value)
{
    if (json_object_set_new(report->members, key, value ? value : json_null()) != 0) abort();
}

void report_line(struct report *report, const char *format, ...)
{
    AUTO(mem_free) char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0) abort();
    text = mem_zero((size_t)size + 1, 1);
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    report->lines = mem_grow(report->lines, report->line_count + 1, sizeof *report->lines);
    report->lines[report->line_count++] = clean(text);
}

/* ---- the table */

/* Columns of a terminal that the well-formed character takes: East Asian ones and emojis take two. */
static size_t character_width(const char *bytes, size_t size)
{
    const unsigned char *b = (const unsigned char *)bytes;
    if (size == 4) return 2;
    if (size < 3) return 1;
    unsigned point = (b[0] & 0x0Fu) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu);
    bool is_wide = (point >= 0x1100 && point < 0x1160) || (point >= 0x2E80 && point < 0xA4D0) ||
                   (point >= 0xAC00 && point < 0xD7A4) || (point >= 0xF900 && point < 0xFB00) ||
                   (point >= 0xFE30 && point < 0xFE70) || (point >= 0xFF00 && point < 0xFF61);
    return is_wide ? 2 : 1;
}

static size_t text_width(const char *text)
{
    size_t width = 0, left = strlen(text);
    for (size_t size; left > 0; text += size, left -= size) {
        size = utf8_size(text, left);
        width += character_width(text, size);
    }
    return width;
}

/* Bytes of the text that fit into `width`. */
static size_t bytes_within(const char *text, size_t width)
{
    size_t bytes = 0, used = 0, left = strlen(text);
    for (size_t size; bytes < left; bytes += size) {
        size = utf8_size(text + bytes, left - bytes);
        used += character_width(text + bytes, size);
        if (used > width) break;
    }
    return bytes;
}

struct layout {
    bool shown[COLUMNS_MAX];
    size_t widths[COLUMNS_MAX];
    size_t wrap; /* index of the wrapped column; COLUMNS_MAX: none */
    bool below;  /* its texts have lines of their own */
};

static const char *cell(const struct report *report, size_t row, size_t column)
{
    const char *text = report->shown[row * report->column_count + column];
    return text ? text : "";
}

static size_t row_count(const struct report *report)
{
    return report->cell_count / report->column_count;
}

static size_t table_width(const struct report *report, const struct layout *layout)
{
    size_t width = 0;
    for (size_t i = 0; i < report->column_count; i++)
        if (layout->shown[i] && i != layout->wrap) width += layout->widths[i] + GAP;
    return width > GAP ? width - GAP : 0;
}

static void measure(const struct report *report, struct layout *layout)
{
    *layout = (struct layout){.wrap = COLUMNS_MAX};
    for (size_t i = 0; i < report->column_count; i++) {
        if (!report->columns[i].title) continue;
        layout->shown[i] = true;
        if (report->columns[i].fit == REPORT_WRAP) layout->wrap = i;
        layout->widths[i] = text_width(report->columns[i].title);
        for (size_t row = 0; row < row_count(report); row++) {
            size_t width = text_width(cell(report, row, i));
            if (width > layout->widths[i]) layout->widths[i] = width;
        }
    }
}

/* The least part of a line that the wrapped column takes, with its gap. */
static size_t wrap_wants(const struct layout *layout)
{
    if (layout->wrap == COLUMNS_MAX) return 0;
    size_t width = layout->widths[layout->wrap];
    return GAP + (width < WRAP_LEAST ? width : WRAP_LEAST);
}

static bool drop_last(const struct report *report, struct layout *layout)
{
    for (size_t i = report->column_count; i-- > 0;) {
        if (!layout->shown[i] || report->columns[i].fit != REPORT_DROP) continue;
        layout->shown[i] = false;
        return true;
    }
    return false;
}

static bool cut_longest(const struct report *report, struct layout *layout)
{
    size_t longest = 0;
    for (size_t i = 0; i < report->column_count; i++)
        if (layout->shown[i] && i != layout->wrap && layout->widths[i] >= layout->widths[longest])
            longest = i;
    if (layout->widths[longest] <= CUT_LEAST) return false;
    layout->widths[longest]--;
    return true;
}

static void fit(const struct report *report, struct layout *layout)
{
    measure(report, layout);
    while (table_width(report, layout) + wrap_wants(layout) > REPORT_WIDTH && drop_last(report, layout))
        ;
    layout->below =
        layout->wrap != COLUMNS_MAX && table_width(report, layout) + wrap_wants(layout) > REPORT_WIDTH;
    while (table_width(report, layout) > REPORT_WIDTH && cut_longest(report, layout))
        ;
    if (layout->wrap != COLUMNS_MAX && !layout->below)
        layout->widths[layout->wrap] = REPORT_WIDTH - table_width(report, layout) - GAP;
}

static void print_blanks(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

static void print_cell(FILE *out, const char *text, size_t width, bool at_right, bool is_last)
{
    size_t natural = text_width(text);
    if (natural > width) {
        size_t kept = bytes_within(text, width - 3);
        fprintf(out, "%.*s...", (int)kept, text);
        return;
    }
    if (at_right) print_blanks(out, width - natural);
    fputs(text, out);
    if (!at_right && !is_last) print_blanks(out, width - natural);
}

/* Breaks between words; a longer word is cut. The first line begins where the cursor stands. */
static void print_wrapped(FILE *out, const char *text, size_t indent, size_t width)
{
    for (bool is_first = true; *text; is_first = false) {
        size_t bytes = bytes_within(text, width);
        if (text[bytes] && text[bytes] != ' ') {
            size_t end = bytes;
            while (end > 0 && text[end - 1] != ' ')
                end--;
            if (end > 0) bytes = end;
        }
        if (!is_first) print_blanks(out, indent);
        size_t shown = bytes;
        while (shown > 0 && text[shown - 1] == ' ')
            shown--;
        fprintf(out, "%.*s\n", (int)shown, text);
        text += bytes;
        text += strspn(text, " ");
    }
}

static void print_row(FILE *out, const struct report *report, const struct layout *layout, size_t row,
                      bool is_header)
{
    size_t last = 0;
    const char *wrapped = "";
    if (layout->wrap != COLUMNS_MAX)
        wrapped = is_header ? report->columns[layout->wrap].title : cell(report, row, layout->wrap);
    for (size_t i = 0; i < report->column_count; i++) {
        const char *text = !layout->shown[i] ? ""
                           : is_header       ? report->columns[i].title
                                             : cell(report, row, i);
        if (i != layout->wrap && (*text || (layout->shown[i] && !layout->below && *wrapped))) last = i;
    }
    for (size_t i = 0, printed = 0; i <= last; i++) {
        if (!layout->shown[i] || i == layout->wrap) continue;
        if (printed++ > 0) print_blanks(out, GAP);
        print_cell(out, is_header ? report->columns[i].title : cell(report, row, i), layout->widths[i],
                   report->columns[i].is_number, i == last && (layout->below || !*wrapped));
    }
    if (!*wrapped || (layout->below && is_header)) {
        fputc('\n', out);
    } else if (layout->below) {
        fputs("\n    ", out);
        print_wrapped(out, wrapped, 4, REPORT_WIDTH - 4);
    } else {
        print_blanks(out, GAP);
        print_wrapped(out, wrapped, REPORT_WIDTH - layout->widths[layout->wrap],
                      layout->widths[layout->wrap]);
    }
}

static bool has_header(const struct report *report)
{
    for (size_t i = 0; i < report->column_count; i++)
        if (report->columns[i].title && *report->columns[i].title) return true;
    return false;
}

static void print_table(const struct report *report, FILE *out)
{
    struct layout layout;
    if (row_count(report) > 0) {
        fit(report, &layout);
        if (has_header(report)) print_row(out, report, &layout, 0, true);
    }
    for (size_t row = 0; row < row_count(report); row++)
        print_row(out, report, &layout, row, false);
    for (size_t i = 0; i < report->line_count; i++)
        print_wrapped(out, report->lines[i], 0, REPORT_WIDTH);
}

void report_print(const struct report *report, bool as_json, FILE *out)
{
    if (!as_json) {
        print_table(report, out);
        return;
    }
    AUTO(json_drop) json_t *document = json_pack("{s:i}", "version", REPORT_VERSION);
    if (json_object_set(document, report->rows_key, report->rows) != 0 ||
        json_object_update(document, report->members) != 0)
        abort();
    (void)json_dumpf(document, out, JSON_INDENT(2)); /* a reader that has gone is no failure */
    fputc('\n', out);
}

/* ---- forms of numbers */

const char *report_count(int64_t number, char out[REPORT_NUMBER])
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRId64, number);
    size_t used = 0;
    for (int i = 0; i < size; i++) {
        bool after_digit = i > 0 && digits[i - 1] != '-';
        if (after_digit && (size - i) % 3 == 0) out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

const char *report_duration(double seconds, char out[REPORT_NUMBER])
{
    int64_t whole = seconds < 0 ? 0 : (int64_t)(seconds + 0.5);
    int64_t minutes = (whole + 30) / 60, hours = (whole + 1800) / 3600;
    if (seconds < 9.95 && seconds >= 0)
        (void)snprintf(out, REPORT_NUMBER, "%.1f s", seconds);
    else if (whole < 60)
        (void)snprintf(out, REPORT_NUMBER, "%" PRId64 " s", whole);
    else if (whole < 300 && whole % 60)
        (void)snprintf(out, REPORT_NUMBER, "%" PRId64 " min %" PRId64 " s", whole / 60, whole % 60);
    else if (minutes < 120)
        (void)snprintf(out, REPORT_NUMBER, "%" PRId64 " min", minutes);
    else if (minutes < 360 && minutes % 60)
        (void)snprintf(out, REPORT_NUMBER, "%" PRId64 " h %" PRId64 " min", minutes / 60, minutes % 60);
    else if (hours < 72)
        (void)snprintf(out, REPORT_NUMBER, "%" PRId64 " h", hours);
    else
        (void)snprintf(out, REPORT_NUMBER, "%" PRId64 " days", (hours + 12) / 24);
    return out;
}
