/* SPDX-License-Identifier: Apache-2.0 */
#include "child_list.h"

#include "base/log.h"
#include "core/rows.h"

static void warn_skipped(const struct rest_stream *stream, const struct child_list *child_list,
                         const struct error *why)
{
    log_write(
        LOG_WARNING, "child_skipped",
        LOG_FIELDS(LOG_TEXT("stream", stream->stream.name), LOG_TEXT("table", child_list->table->name)),
        "%s: no %s is read, and the table %s gets no rows in this run: %s. Once it can be read, the next "
        "tick loads the rows of all days that lack them",
        stream->stream.name, child_list->noun, child_list->table->name, why->text);
}

static const struct child_list no_lists[1];

static const struct child_list *lists_of(const struct page_builder *builder)
{
    const struct child_list *lists = builder->stream->child_lists;
    return lists ? lists : no_lists;
}

const struct table *child_list_left_out(const struct page_builder *builder, unsigned wanted)
{
    const struct child_list *lists = lists_of(builder);
    for (unsigned i = 0; lists[i].table; i++)
        if (page_builder_wants(builder, lists[i].table) && !(wanted & 1U << i)) return lists[i].table;
    return NULL;
}

unsigned child_lists_wanted(const struct rest_source *rest, const struct page_builder *builder)
{
    const struct rest_stream *stream = builder->stream;
    const struct child_list *lists = lists_of(builder);
    unsigned wanted = 0;
    for (unsigned i = 0; lists[i].table; i++) {
        struct error why = {0};
        if (!page_builder_wants(builder, lists[i].table)) continue;
        if (!rest->check_stream || rest->check_stream(rest, stream, true, &why))
            wanted |= 1U << i;
        else
            warn_skipped(stream, &lists[i], &why);
    }
    return wanted;
}

bool child_list_start(struct subrequest *subrequest, struct subrequest_pool *pool,
                      const struct child_list *child_list, const char *id, struct error *err)
{
    const struct subrequest_path path = {
        .name = child_list->table->name, .before = child_list->before, .after = child_list->after};
    return subrequest_start_at(subrequest, pool, &path, id, err);
}

/* Not an empty list: a row in `rejected` says that it is unknown. */
static void reject(const struct subrequest *subrequest, const struct child_list *child_list,
                   const struct json_value *record, struct page_builder *builder, const struct error *err)
{
    char problem[256];
    struct json_value *body = document_add(builder->document, VALUE_OBJECT);
    subrequest_problem(subrequest, child_list->noun, err, problem, sizeof problem);
    value_set(body, child_list->parent, value_get(record, "id"));
    page_builder_add_child(builder, child_list->table, body);
    struct record *rejected = &builder->records[builder->count - 1];
    rejected->problem = value_text(document_add_text(builder->document, problem)); /* as long as the page */
    rejected->is_unsettled = true;
    (void)row_version(builder->stream->stream.table, record, &rejected->listed_us); /* else 0 */
    log_write(LOG_WARNING, "list_unread", LOG_FIELDS(LOG_TEXT("what", subrequest->what)),
              "%s; it is rejected, and later ticks try again", err->text);
}

static void add_element(const struct child_list *child_list, const struct json_value *record,
                        struct json_value *element, struct page_builder *builder)
{
    const struct table *parent = builder->stream->stream.table;
    const struct rest_dialect *dialect = builder->rest->dialect;
    if (value_is_object(element)) {
        value_set(element, child_list->parent, value_get(record, "id"));
        if (child_list->version) /* absent: not set */
            value_set(element, child_list->version, row_value(parent, record, parent->version));
        if (dialect->prepare) dialect->prepare(builder->rest, child_list->table, element);
    }
    page_builder_add_child(builder, child_list->table, element);
}

bool child_list_add(struct subrequest *subrequest, unsigned index, const struct json_value *record,
                    struct page_builder *builder, unsigned *wanted, struct error *err)
{
    const struct child_list *child_list = &lists_of(builder)[index];
    const unsigned bit = 1U << index;
    struct error failure = {0}; /* not err: a rejected list is no failure */
    AUTO(value_drop) struct json_value *list = value_new(VALUE_ARRAY);
    enum subrequest_outcome outcome = subrequest_list(subrequest, child_list->list, list, &failure);
    if (outcome == SUBREQUEST_FAILED) *err = failure;
    if (outcome == SUBREQUEST_FORBIDDEN && builder->child_lists_seen & bit) outcome = SUBREQUEST_REJECTED;
    if (outcome == SUBREQUEST_FORBIDDEN && *wanted & bit) warn_skipped(builder->stream, child_list, &failure);
    if (outcome == SUBREQUEST_FORBIDDEN) *wanted &= ~bit;
    if (outcome == SUBREQUEST_OK) builder->child_lists_seen |= bit;
    if (outcome == SUBREQUEST_REJECTED) reject(subrequest, child_list, record, builder, &failure);
    page_builder_keep(builder, list);
    struct json_value *element = outcome == SUBREQUEST_OK ? value_elements(list) : NULL;
    for (; element; element = element->next) {
        add_element(child_list, record, element, builder);
        if (child_list->table->owner) builder->records[builder->count - 1].set = list;
    }
    return outcome != SUBREQUEST_FAILED;
}

/* The first listed record that has an id. */
static bool find_record(struct reader *listing, char out_id[LIMIT_NAME], struct error *err)
{
    struct page page;
    out_id[0] = '\0';
    do {
        if (!listing->type->next(listing, &page, err)) return false;
        for (size_t i = 0; i < page.count; i++)
            if (!page.records[i].problem && record_id(page.records[i].body, out_id)) return true;
    } while (!page.last);
    return true;
}

static bool ask_for_one(struct rest_source *rest, const struct child_list *child_list, const char *id,
                        bool *out_can, struct error *err)
{
    struct subrequest_pool pool;
    struct subrequest subrequest = {.pool = NULL};
    struct error failure = {0}; /* not err: a list that can't be read is no failure */
    AUTO(value_drop) struct json_value *list = value_new(VALUE_ARRAY);
    subrequest_pool_init(&pool, rest);
    pool.all_started = true;
    enum subrequest_outcome outcome = SUBREQUEST_FAILED;
    if (child_list_start(&subrequest, &pool, child_list, id, &failure))
        outcome = subrequest_list(&subrequest, child_list->list, list, &failure);
    subrequest_done(&subrequest);
    subrequest_pool_done(&pool);
    *out_can = outcome == SUBREQUEST_OK;
    if (outcome == SUBREQUEST_FAILED) *err = failure;
    return outcome != SUBREQUEST_FAILED;
}

bool rest_source_can_read_child(struct source *source, const struct selection *selection, size_t table,
                                struct window window, bool *out_can, struct error *err)
{
    struct rest_source *rest = (struct rest_source *)source;
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    const struct child_list *child_list = stream->child_lists;
    struct reader *listing = NULL;
    struct error why = {0}; /* not err: the run warns when it reads */
    char id[LIMIT_NAME] = "";
    while (child_list && child_list->table && child_list->table != selection->tables[table])
        child_list++;
    *out_can = !child_list || !child_list->table;
    if (*out_can || (rest->check_stream && !rest->check_stream(rest, stream, true, &why))) return true;
    bool good =
        rest_listing(stream)->open(rest, selection, window, &listing, err) && find_record(listing, id, err);
    if (good && id[0])
        good = ask_for_one(rest, child_list, id, out_can, err);
    else if (good)
        *out_can = true; /* nothing is listed any more, so nothing is lacking */
    rest_source_close(listing);
    return good;
}
