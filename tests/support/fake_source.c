/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A page holds whole records, so it can be longer than page_size by the children of its last record. */
struct reader {
    struct fake_source *source;
    struct fake_stream *stream;
    size_t table_count;
    struct window window;
    bool is_list; /* of a reconciliation */
    bool started;
    int64_t after_version_s; /* of the last record sent */
    const char *after_id;
    struct record *page;
    size_t page_count, page_capacity;
    bool ended;
    char **ids; /* asked for; NULL: it is a list */
    size_t id_count, id_next;
    struct json_value *owned; /* bodies of records that are gone */
};

/* The records of a reconciliation are those of its subject. */
static struct fake_stream *stream_read(struct fake_source *source, const struct stream *stream)
{
    for (size_t i = 0; stream->subject && i < source->stream_count; i++)
        if (source->streams[i].stream->table == stream->subject) return &source->streams[i];
    return fake_source_stream(source, stream);
}

static bool fake_identify(struct source *base, struct source_identity *out_identity, struct error *err)
{
    struct fake_source *source = (struct fake_source *)base;
    if (!fake_enter(&source->hook, "identify", err)) return false;
    *out_identity = source->identity;
    return true;
}

static bool fake_open(struct source *base, const struct selection *selection, struct window window,
                      struct reader **out_reader, struct error *err)
{
    struct fake_source *source = (struct fake_source *)base;
    if (!fake_enter(&source->hook, "open", err)) return false;
    struct reader *reader = mem_zero(1, sizeof *reader);
    *reader = (struct reader){
        .source = source,
        .stream = stream_read(source, selection->stream),
        .table_count = selection->stream->kind == STREAM_RECONCILE ? 1 : selection->table_count,
        .is_list = selection->stream->kind == STREAM_RECONCILE,
        .window = window,
    };
    source->readers++;
    source->opens++;
    source->last_window = window;
    *out_reader = reader;
    return true;
}

static const struct fake_version *find_version(const struct fake_source *source,
                                               const struct fake_record *record, bool is_list)
{
    if (record->is_gone || record->is_hidden) return NULL;
    for (size_t i = record->version_count; i > 0; i--) {
        const struct fake_version *version = &record->versions[i - 1];
        bool is_visible = !source->now_us || version->visible_us <= *source->now_us;
        if (is_visible && (is_list || !version->is_unindexed)) return version;
        if (!source->shows_old_until_visible) return NULL;
    }
    return NULL;
}

const struct fake_version *fake_source_shown(const struct fake_source *source,
                                             const struct fake_record *record)
{
    return find_version(source, record, false);
}

const struct fake_version *fake_source_listed(const struct fake_source *source,
                                              const struct fake_record *record)
{
    return find_version(source, record, true);
}

const struct fake_version *fake_source_sent(const struct fake_record *record,
                                            const struct fake_version *shown)
{
    return record->sent_newer ? &record->versions[record->version_count - 1] : shown;
}

bool fake_child_current(const struct fake_record *record, const struct fake_version *version, size_t i)
{
    for (size_t later = i + 1; later < version->child_count; later++)
        if (strcmp(record->children[later].id, record->children[i].id) == 0) return false;
    return i < version->child_count;
}

static bool in_window(const struct reader *reader, const struct fake_version *version)
{
    enum stream_kind kind = reader->stream->stream->kind;
    if (reader->is_list || (kind != STREAM_INCREMENTAL && kind != STREAM_EVENT)) return true;
    struct window window = reader->window;
    int64_t widen_s = reader->source->widen_s;
    return version->version_s >= window.from_s - widen_s &&
           (window.to_s == WINDOW_OPEN || version->version_s < window.to_s + widen_s);
}

/* Whether a precedes b in the order of the pages. */
static bool before(const struct reader *reader, int64_t a_s, const char *a, int64_t b_s, const char *b)
{
    if (!reader->source->by_id && a_s != b_s) return a_s < b_s;
    return strcmp(a, b) < 0;
}

/* The first record after the last one sent, by the versions that a search shows now. */
static const struct fake_record *next_record(const struct reader *reader,
                                             const struct fake_version **out_version)
{
    const struct fake_record *best = NULL;
    for (size_t i = 0; i < reader->stream->record_count; i++) {
        const struct fake_record *record = &reader->stream->records[i];
        const struct fake_version *shown = find_version(reader->source, record, reader->is_list);
        if (!shown || !in_window(reader, shown)) continue;
        if (reader->started &&
            !before(reader, reader->after_version_s, reader->after_id, shown->version_s, record->id))
            continue;
        if (best && !before(reader, shown->version_s, record->id, (*out_version)->version_s, best->id))
            continue;
        best = record;
        *out_version = shown;
    }
    return best;
}

static void page_add(struct reader *reader, struct record record)
{
    if (reader->page_count == reader->page_capacity) {
        reader->page_capacity = reader->page_capacity ? 2 * reader->page_capacity : 8;
        reader->page = mem_grow(reader->page, reader->page_capacity, sizeof *reader->page);
    }
    reader->page[reader->page_count++] = record;
}

/* Without what the source sends beside it. */
static bool is_asked_for(const struct reader *reader, const struct fake_version *version)
{
    const struct window *window = &reader->window;
    return version->version_s >= window->from_s &&
           (window->to_s == WINDOW_OPEN || version->version_s < window->to_s);
}

static struct json_value *cut_body(struct fake_version *version)
{
    if (!version->cut_body) {
        version->cut_body = value_new(VALUE_OBJECT);
        value_update(version->cut_body, version->body);
        value_set_text(version->cut_body, "name", "cut");
    }
    return version->cut_body;
}

static void page_add_record(struct reader *reader, struct fake_record *record, struct fake_version *version)
{
    const struct fake_source *source = reader->source;
    bool is_cut = source->is_cut && source->is_cut(source->hook.context);
    page_add(reader, (struct record){.body = is_cut ? cut_body(version) : version->body,
                                     .problem = version->problem,
                                     .incomplete = is_cut,
                                     .is_unsettled = version->is_unsettled,
                                     .listed_us = version->version_s * 1000000});
    bool is_newest = version == &record->versions[record->version_count - 1];
    if (source->now_us && is_newest && !is_cut && is_asked_for(reader, version))
        *(reader->is_list ? &record->listed_us : &record->sent_us) = *source->now_us;
    if (reader->table_count < 2) return;
    for (size_t i = 0; i < version->child_count; i++)
        if (fake_child_current(record, version, i))
            page_add(reader, (struct record){.table = 1, .body = record->children[i].body});
    struct json_value *element = reader->table_count > 2 ? value_elements(version->set) : NULL;
    for (; element; element = element->next)
        page_add(reader, (struct record){.table = 2, .body = element, .set = version->set});
}

static bool fake_ask(struct source *base, const struct selection *selection, char *const *ids, size_t count,
                     struct reader **out_reader, struct error *err)
{
    struct fake_source *source = (struct fake_source *)base;
    if (!fake_enter(&source->hook, "ask", err)) return false;
    struct reader *reader = mem_zero(1, sizeof *reader);
    *reader = (struct reader){.source = source,
                              .stream = stream_read(source, selection->stream),
                              .ids = mem_zero(count, sizeof *reader->ids),
                              .id_count = count,
                              .owned = value_new(VALUE_ARRAY)};
    for (size_t i = 0; i < count; i++)
        reader->ids[i] = mem_text(ids[i]);
    source->readers++;
    source->asks++;
    source->asked += (int64_t)count;
    *out_reader = reader;
    return true;
}

/* As the source has it now, which a search may show later: alive, gone, or nothing if it can't be read. */
static void page_add_answer(struct reader *reader, const char *id)
{
    const struct fake_record *record = fake_source_record(reader->source, reader->stream->stream, id);
    if (record->is_unknown || reader->source->answers == FAKE_ANSWERS_NOTHING) return;
    if (record->version_count > 0 && !record->is_gone && reader->source->answers != FAKE_ANSWERS_GONE) {
        const struct fake_version *newest = &record->versions[record->version_count - 1];
        page_add(reader,
                 (struct record){.table = RECONCILE_ALIVE, .body = newest->body, .problem = newest->problem});
        return;
    }
    struct json_value *body = document_add(reader->owned->document, VALUE_OBJECT);
    value_set_text(body, "id", id);
    value_set_integer(body, "seen_missing_at", 1);
    value_set_text(body, "source", "reconciliation");
    page_add(reader, (struct record){.table = RECONCILE_GONE, .body = body});
}

static bool next_answer(struct reader *reader, struct page *out_page, struct error *err)
{
    if (!fake_enter(&reader->source->hook, "next", err)) return false;
    reader->page_count = 0;
    int64_t asked_us = reader->source->now_us ? *reader->source->now_us : 0;
    page_add_answer(reader, reader->ids[reader->id_next++]);
    *out_page = (struct page){.records = reader->page,
                              .count = reader->page_count,
                              .asked_us = asked_us,
                              .requests = 1,
                              .last = reader->id_next == reader->id_count};
    return true;
}

static bool fake_next(struct reader *reader, struct page *out_page, struct error *err)
{
    assert(!reader->ended);
    if (reader->ids) return next_answer(reader, out_page, err);
    if (!fake_enter(&reader->source->hook, "next", err)) return false;
    reader->source->pages++;
    reader->page_count = 0;
    int64_t asked_us = reader->source->now_us && !reader->source->is_unstamped ? *reader->source->now_us : 0;
    const struct fake_version *version = NULL;
    const struct fake_record *record = NULL;
    for (size_t sent = 0; sent < reader->source->page_size; sent++) {
        record = next_record(reader, &version);
        if (!record) break;
        const struct fake_version *sent_now = fake_source_sent(record, version);
        page_add_record(reader, (struct fake_record *)(uintptr_t)record,
                        (struct fake_version *)(uintptr_t)sent_now);
        reader->started = true;
        reader->after_version_s = version->version_s;
        reader->after_id = record->id;
    }
    const struct fake_source *source = reader->source;
    bool is_short = record && source->is_short && source->is_short(source->hook.context, reader->is_list);
    reader->ended = !record || is_short;
    *out_page = (struct page){.records = reader->page,
                              .count = reader->page_count,
                              .asked_us = asked_us,
                              .requests = 1,
                              .last = reader->ended};
    if (reader->ended && (source->missing > 0 || (is_short && !reader->is_list && !source->is_silent))) {
        out_page->is_contradicted = true;
        out_page->expected = source->missing + is_short;
    }
    return true;
}

static void fake_close(struct reader *reader)
{
    if (!reader) return;
    for (size_t i = 0; i < reader->id_count; i++)
        free(reader->ids[i]);
    free(reader->ids);
    value_drop(&reader->owned);
    reader->source->readers--;
    free(reader->page);
    free(reader);
}

static void fake_free(struct source *base)
{
    (void)base; /* the test owns it: fake_source_done */
}

static const struct source_ops ops = {.identify = fake_identify,
                                      .open = fake_open,
                                      .ask = fake_ask,
                                      .next = fake_next,
                                      .close = fake_close,
                                      .free = fake_free};

void fake_source_init(struct fake_source *source)
{
    *source = (struct fake_source){
        .base = {.ops = &ops}, .identity = {.workspace = "w1", .type = "fake"}, .page_size = 2};
}

static void record_done(struct fake_record *record)
{
    for (size_t i = 0; i < record->version_count; i++) {
        value_drop(&record->versions[i].body);
        value_drop(&record->versions[i].cut_body);
        value_drop(&record->versions[i].set);
    }
    for (size_t i = 0; i < record->child_count; i++) {
        value_drop(&record->children[i].body);
        free(record->children[i].id);
    }
    free(record->versions);
    free(record->children);
    free(record->id);
}

void fake_source_done(struct fake_source *source)
{
    for (size_t s = 0; s < source->stream_count; s++) {
        for (size_t i = 0; i < source->streams[s].record_count; i++)
            record_done(&source->streams[s].records[i]);
        free(source->streams[s].records);
    }
    *source = (struct fake_source){0};
}

struct fake_stream *fake_source_stream(struct fake_source *source, const struct stream *stream)
{
    for (size_t i = 0; i < source->stream_count; i++)
        if (source->streams[i].stream == stream) return &source->streams[i];
    assert(source->stream_count < FAKE_STREAMS);
    source->streams[source->stream_count].stream = stream;
    return &source->streams[source->stream_count++];
}

struct fake_record *fake_source_record(struct fake_source *source, const struct stream *stream,
                                       const char *id)
{
    struct fake_stream *in = fake_source_stream(source, stream);
    for (size_t i = 0; i < in->record_count; i++)
        if (strcmp(in->records[i].id, id) == 0) return &in->records[i];
    in->records = mem_grow(in->records, in->record_count + 1, sizeof *in->records);
    in->records[in->record_count] = (struct fake_record){.id = mem_text(id)};
    return &in->records[in->record_count++];
}

struct fake_version *fake_source_put(struct fake_source *source, const struct stream *stream, const char *id,
                                     int64_t version_s)
{
    struct fake_record *record = fake_source_record(source, stream, id);
    size_t n = record->version_count;
    assert(n == 0 || record->versions[n - 1].version_s <= version_s);
    struct json_value *body = value_new(VALUE_OBJECT);
    value_set_text(body, stream->table->key[0], id);
    if (stream->table->version) value_set_integer(body, stream->table->version, version_s);
    if (stream->table->day && strcmp(stream->table->day, stream->table->version) != 0)
        value_set_integer(body, stream->table->day, version_s);
    record->versions = mem_grow(record->versions, n + 1, sizeof *record->versions);
    record->versions[n] =
        (struct fake_version){.version_s = version_s, .child_count = record->child_count, .body = body};
    record->version_count++;
    return &record->versions[n];
}

void fake_version_set_content(struct fake_version *version, int content)
{
    AUTO(mem_free) char *name = mem_format("c%d", content);
    version->content = content;
    value_set_text(version->body, "name", name);
}

void fake_version_set_labels(struct fake_version *version, const char *ticket, unsigned labels)
{
    value_drop(&version->set);
    version->set = value_new(VALUE_ARRAY);
    for (int i = 0; i < 8; i++) {
        struct json_value *label = document_add(version->set->document, VALUE_OBJECT);
        value_set_text(label, "ticket_id", ticket);
        value_set_text(label, "id", (const char[]){(char)('a' + i), '\0'});
        value_set_integer(label, "ticket_updated_at", version->version_s);
        if (labels & 1U << i) value_append(version->set, label);
    }
}

void fake_source_put_child(struct fake_source *source, const struct stream *stream, const char *parent,
                           const struct fake_child *child)
{
    struct fake_record *record = fake_source_record(source, stream, parent);
    const struct table *table = stream->children[0].table;
    AUTO(mem_free) char *content = mem_format("c%d", child->content);
    struct json_value *body = value_new(VALUE_OBJECT);
    value_set_text(body, table->key[0], parent);
    value_set_text(body, "id", child->id);
    value_set_integer(body, table->day, child->created_s);
    value_set_integer(body, table->version, child->updated_s);
    value_set_bool(body, "redacted", child->redacted);
    value_set_text(body, "body", content);
    record->children = mem_grow(record->children, record->child_count + 1, sizeof *record->children);
    record->children[record->child_count++] = (struct fake_child){.id = mem_text(child->id),
                                                                  .created_s = child->created_s,
                                                                  .updated_s = child->updated_s,
                                                                  .redacted = child->redacted,
                                                                  .content = child->content,
                                                                  .body = body};
}
