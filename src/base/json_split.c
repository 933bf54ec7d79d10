/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_split.h"

#include <string.h>

void json_split_init(struct json_split *split, size_t limit)
{
    *split = (struct json_split){.depth = 0};
    buf_init(&split->rest, limit);
    buf_init(&split->piece, limit);
}

void json_split_done(struct json_split *split)
{
    if (!split) return;
    buf_done(&split->rest);
    buf_done(&split->piece);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool keep(struct buf *buf, const char *bytes, size_t size, struct error *err)
{
    if (buf_add(buf, bytes, size)) return true;
    return error_set(err, ERROR_LIMIT,
                     "a JSON document has an element of more than %zu bytes: request less at once",
                     buf->limit);
}

static bool at_keys(const struct json_split *split)
{
    return split->list == 0 && split->depth == split->matched + 1 && split->path[split->matched];
}

static void in_string(struct json_split *split, char byte)
{
    if (split->escaped) {
        split->escaped = false;
    } else if (byte == '"') {
        split->quoted = false;
        return;
    } else if (byte == '\\') {
        split->escaped = true;
    }
    if (split->key_size < JSON_SPLIT_KEY) split->key[split->key_size++] = byte;
}

static bool names_next(const struct json_split *split)
{
    const char *key = split->path[split->matched];
    return split->key_size == strlen(key) && memcmp(split->key, key, split->key_size) == 0;
}

/* false: the list was found before. Of two members of one name the last counts, and the first is gone. */
static bool open_bracket(struct json_split *split, char byte, struct error *err)
{
    bool last = split->awaited && !split->path[split->matched + 1];
    split->depth++;
    if (split->awaited && byte == '{' && !last) split->matched++;
    if (!split->awaited || byte != '[' || !last) return true;
    if (split->found)
        return error_set(err, ERROR_FORMAT, "invalid JSON: the list \"%s\" appears twice",
                         split->path[split->matched]);
    split->found = split->first = true;
    split->list = split->depth;
    return true;
}

static void close_bracket(struct json_split *split)
{
    if (split->depth == split->list) split->list = 0;
    if (split->depth > 0) split->depth--;
    if (split->matched > 0 && split->depth == split->matched) split->matched--;
}

static bool in_structure(struct json_split *split, char byte, struct error *err)
{
    bool good = true;
    if (is_blank(byte)) return true;
    if (byte == '"') {
        split->quoted = true;
        split->key_size = at_keys(split) ? 0 : JSON_SPLIT_KEY;
    }
    if (byte == '[' || byte == '{') good = open_bracket(split, byte, err);
    if (byte == ']' || byte == '}') close_bracket(split);
    split->awaited = byte == ':' && at_keys(split) && names_next(split);
    return good;
}

static bool end_element(struct json_split *split, bool closing, struct error *err)
{
    struct buf *piece = &split->piece;
    size_t blanks = 0;
    bool good = true;
    while (blanks < piece->size && is_blank(piece->data[blanks]))
        blanks++;
    if (!closing || !split->first || blanks < piece->size) /* else the list is empty */
        good = split->element(split->self, buf_string(piece), piece->size, err);
    split->first = false;
    buf_reset(piece);
    return good;
}

static bool ends_element(const struct json_split *split, char byte)
{
    return split->list > 0 && split->depth == split->list && (byte == ',' || byte == ']' || byte == '}');
}

bool json_split_add(struct json_split *split, const char *bytes, size_t size, struct error *err)
{
    size_t run = 0; /* start of the bytes that are not copied yet */
    for (size_t i = 0; i < size; i++) {
        bool outside = split->list == 0;
        if (split->quoted) {
            in_string(split, bytes[i]);
            continue;
        }
        if (ends_element(split, bytes[i])) {
            if (!keep(&split->piece, bytes + run, i - run, err)) return false;
            if (!end_element(split, bytes[i] != ',', err)) return false;
            run = bytes[i] == ',' ? i + 1 : i; /* commas between elements are dropped */
        }
        if (!in_structure(split, bytes[i], err)) return false;
        if (outside && split->list > 0) {
            if (!keep(&split->rest, bytes + run, i + 1 - run, err)) return false;
            run = i + 1;
        }
    }
    return keep(split->list > 0 ? &split->piece : &split->rest, bytes + run, size - run, err);
}
