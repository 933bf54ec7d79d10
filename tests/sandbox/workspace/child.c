/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - records inside a record, as the messages of a thread. In a collection's file:
 *
 *   "children": {
 *     "member": "parts",    the member that holds them
 *     "list": "parts.parts", "total": "parts.total",   where in it they are, and how many there are
 *     "most": 500,          shown at a time: the newest
 *     "count": number,      to begin with
 *     "body_bytes": 200,    of their texts, at most
 *     "made": [...],        templates, in turn; {child} is the child's id, {id} its parent's, and the times
 *                           are the child's
 *     "opening": {...}}     the same for what the thread begins with: the member "at" of the record
 *
 * A template of the record says "$children", "$children total" and "$opening". Each version after the first
 * adds a child. Some edit an earlier child, which moves its update time, and some redact one, which does not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "shared/rng.h"
#include "workspace/record.h"

#define IDS           INT64_C(100000) /* ids that the children of one record may have */
#define EXACT         100             /* so many are asked for on purpose */
#define OPENING       (-1)
#define CHILD_BITS    17
#define REVISION_BITS 20
#define CHILD_LIMIT   (8 * 1024 * 1024)

struct thread {
    const struct collection *collection;
    const json_t *spec;
    size_t number;
    uint32_t version;
    uint32_t first; /* children of version 0 */
    uint32_t body_bytes;
    uint64_t seed;
};

struct child_state {
    uint32_t revision; /* the version that made or last edited it */
    bool is_redacted;
};

const char *children_member(const struct collection *collection)
{
    return json_text_at(collection->data, "children.member");
}

static struct thread thread_open(const struct collection *collection, size_t number, uint32_t version)
{
    struct thread thread = {.collection = collection,
                            .spec = json_object_get(collection->data, "children"),
                            .number = number,
                            .version = version};
    char id[COLLECTION_KEY];
    struct template_context context =
        body_context(&(struct body){.collection = collection, .number = number}, id);
    context.seed = thread.seed = hash_mix(context.seed ^ UINT64_C(0x6368696c64));
    thread.first = (uint32_t)template_number(json_object_get(thread.spec, "count"), &context, 0);
    thread.body_bytes = (uint32_t)json_int_at(thread.spec, "body_bytes", 0);
    for (size_t i = collection->batch_count; i > 0; i--) {
        const struct batch *batch = &collection->batches[i - 1];
        if (batch->first > number) continue;
        struct rng rng = {.state = thread.seed};
        uint32_t children = batch->sizes.children;
        thread.first = children >= EXACT ? children : rng_below(&rng, children + 1);
        thread.body_bytes = batch->sizes.body_bytes;
        break;
    }
    return thread;
}

/* --- what became of each child; they are numbered from 0 --- */

static int64_t thread_count(const struct thread *thread)
{
    return (int64_t)thread->first + thread->version;
}

/* The first child that is shown. */
static int64_t thread_cut(const struct thread *thread)
{
    int64_t count = thread_count(thread), most = json_int_at(thread->spec, "most", INT64_MAX);
    return count > most ? count - most : 0;
}

enum change { CHANGE_NOTHING, CHANGE_EDIT, CHANGE_REDACT, CHANGE_REDACT_OPENING, CHANGES };

/* The change that version `version` (from 1) makes to an earlier child. */
static enum change change_of(const struct thread *thread, uint32_t version, int64_t *out_child)
{
    struct rng rng = {.state = thread->seed ^ hash_mix(version)};
    uint32_t before = thread->first + version - 1;
    enum change change = (enum change)rng_below(&rng, CHANGES);
    *out_child = before ? (int64_t)rng_below(&rng, before) : OPENING;
    return before == 0 && change != CHANGE_REDACT_OPENING ? CHANGE_NOTHING : change;
}

static uint32_t birth_of(const struct thread *thread, int64_t child)
{
    return child < (int64_t)thread->first ? 0 : (uint32_t)(child - thread->first) + 1;
}

static struct child_state state_of(const struct thread *thread, int64_t child, uint32_t version)
{
    struct child_state state = {.revision = birth_of(thread, child)};
    for (uint32_t v = state.revision + 1; v <= version; v++) {
        int64_t target;
        enum change change = change_of(thread, v, &target);
        if (child == OPENING && change == CHANGE_REDACT_OPENING) state.is_redacted = true;
        if (child == OPENING || target != child) continue;
        if (change == CHANGE_EDIT) state.revision = v;
        if (change == CHANGE_REDACT) state.is_redacted = true;
    }
    return state;
}

static int64_t version_s(const struct thread *thread, uint32_t version)
{
    return version_of(thread->collection, thread->number, version)->updated_s;
}

static int64_t created_of(const struct thread *thread, int64_t child)
{
    int64_t created_s = thread->collection->records[thread->number].created_s;
    uint32_t birth = birth_of(thread, child);
    if (birth > 0 || child == OPENING) return birth > 0 ? version_s(thread, birth) : created_s;
    return created_s + (version_s(thread, 0) - created_s) * (child + 1) / (thread->first + 1);
}

static int64_t updated_of(const struct thread *thread, int64_t child, struct child_state state)
{
    return state.revision > 0 ? version_s(thread, state.revision) : created_of(thread, child);
}

static void make_child_id(const struct thread *thread, int64_t child, char out_id[COLLECTION_KEY])
{
    snprintf(out_id, COLLECTION_KEY, "%" PRId64, (int64_t)(thread->number + 1) * IDS + child + 1);
}

static int64_t place_of(size_t number, int64_t child, struct child_state state)
{
    int64_t place = (int64_t)number << CHILD_BITS | (child + 1);
    return (place << REVISION_BITS | state.revision) << 1 | state.is_redacted;
}

/* --- writing --- */

static void write_child(const struct thread *thread, int64_t child, struct child_state state, bool is_plain,
                        struct buf *out)
{
    const json_t *made = json_object_get(thread->spec, "made");
    char id[COLLECTION_KEY], child_id[COLLECTION_KEY];
    struct template_context context =
        body_context(&(struct body){.collection = thread->collection, .number = thread->number}, id);
    make_child_id(thread, child, child_id);
    context.seed = hash_mix(thread->seed ^ hash_mix((uint64_t)(child + 1) << 20));
    context.version = state.revision;
    context.created_s = created_of(thread, child);
    context.updated_s = updated_of(thread, child, state);
    context.child = child_id;
    context.body_bytes = thread->body_bytes;
    context.is_redacted = state.is_redacted;
    context.is_plain = is_plain;
    context.extend = NULL;
    (void)template_write(child == OPENING ? json_at(thread->spec, "opening.made")
                                          : json_array_get(made, (size_t)child % json_array_size(made)),
                         &context, out);
}

bool child_write_word(const struct body *body, const char *word, const char *argument, struct buf *out)
{
    bool is_opening = strcmp(word, "$opening") == 0;
    if (!is_opening && strcmp(word, "$children") != 0) return false;
    struct thread thread = thread_open(body->collection, body->number, body->version);
    int64_t count = thread_count(&thread), cut = thread_cut(&thread);
    if (is_opening) {
        struct child_state state = state_of(&thread, OPENING, body->version);
        write_child(&thread, OPENING, state, body->form.plain, out);
    } else if (*argument) {
        buf_format(out, "%" PRId64, count);
    } else {
        buf_byte(out, '[');
        for (int64_t child = cut; child < count; child++) {
            if (child > cut) buf_byte(out, ',');
            write_child(&thread, child, state_of(&thread, child, body->version), true, out);
        }
        buf_byte(out, ']');
    }
    return true;
}

/* --- children that were made --- */

static bool has_opening(const struct thread *thread)
{
    return json_object_get(thread->spec, "opening") != NULL;
}

static json_t *read_made(const struct thread *thread, int64_t child, struct child_state state)
{
    AUTO(buf_done) struct buf text;
    buf_init(&text, CHILD_LIMIT);
    write_child(thread, child, state, true, &text);
    return text_read(&text);
}

/* In any version up to the thread's. */
static bool find_made(const struct thread *thread, const struct child_key *key,
                      struct child_record *out_child)
{
    char id[COLLECTION_KEY];
    int64_t child = strtoll(key->id, NULL, 10) % IDS - 1; /* checked just below */
    make_child_id(thread, child, id);
    if (strcmp(id, key->id) != 0 || child >= thread_count(thread) || (child < 0 && !has_opening(thread)))
        return false;
    for (uint32_t version = birth_of(thread, child); version <= thread->version; version++) {
        struct child_state state = state_of(thread, child, version);
        if (state.is_redacted != key->is_redacted || updated_of(thread, child, state) != key->updated_s)
            continue;
        *out_child =
            (struct child_record){.body = read_made(thread, child, state),
                                  .index = child + 1,
                                  .parent_created_s = thread->collection->records[thread->number].created_s,
                                  .place = place_of(thread->number, child, state)};
        return true;
    }
    return false;
}

typedef void visit_child(void *self, const struct child_key *key, int64_t place);

static void visit_made(const struct thread *thread, visit_child *visit, void *self)
{
    int64_t count = thread_count(thread), cut = thread_cut(thread);
    const char *parent = thread->collection->records[thread->number].key;
    char id[COLLECTION_KEY];
    for (int64_t child = has_opening(thread) ? OPENING : cut; child < count;
         child = child < cut ? cut : child + 1) {
        struct child_state state = state_of(thread, child, thread->version);
        make_child_id(thread, child, id);
        struct child_key key = {.parent = parent,
                                .id = id,
                                .updated_s = updated_of(thread, child, state),
                                .is_redacted = state.is_redacted};
        visit(self, &key, place_of(thread->number, child, state));
    }
}

/* --- children of given records --- */

static json_t *given_list(const struct thread *thread, const json_t *given)
{
    return (json_t *)(uintptr_t)json_at(given, json_text_at(thread->spec, "list"));
}

/* Child number `child` of a given record, borrowed, with its key; NULL: there is none. */
static json_t *given_child(const struct thread *thread, const json_t *given, int64_t child,
                           struct child_key *out_key, char out_id[COLLECTION_KEY])
{
    const char *opening = json_text_at(thread->spec, "opening.at");
    json_t *body = child >= 0 ? json_array_get(given_list(thread, given), (size_t)child)
                   : opening  ? json_object_get(given, opening)
                              : NULL;
    if (!json_is_object(body)) return NULL;
    const json_t *id = json_object_get(body, "id");
    if (json_is_integer(id) && child >= 0)
        snprintf(out_id, COLLECTION_KEY, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    else
        snprintf(out_id, COLLECTION_KEY, "%s",
                 json_is_string(id) ? json_string_value(id)
                 : child < 0        ? opening
                                    : "");
    *out_key = (struct child_key){.parent = thread->collection->records[thread->number].key,
                                  .id = out_id,
                                  .updated_s = child < 0 ? time_read(json_object_get(given, "created_at"), -1)
                                                         : time_read(json_object_get(body, "updated_at"), -1),
                                  .is_redacted = json_is_true(json_object_get(body, "redacted"))};
    return body;
}

/* In the first version that has it. */
static bool find_given(const struct thread *thread, const struct child_key *key,
                       struct child_record *out_child)
{
    for (uint32_t version = 0; version <= thread->version; version++) {
        const json_t *given = version_of(thread->collection, thread->number, version)->given;
        int64_t count = (int64_t)json_array_size(given_list(thread, given));
        int64_t total = json_int_at(given, json_text_at(thread->spec, "total"), 0);
        for (int64_t child = OPENING; child < count; child++) {
            struct child_key own;
            char id[COLLECTION_KEY];
            const json_t *body = given_child(thread, given, child, &own, id);
            if (!body || strcmp(id, key->id) != 0 || own.updated_s != key->updated_s ||
                own.is_redacted != key->is_redacted)
                continue;
            struct child_state state = {.revision = version, .is_redacted = own.is_redacted};
            *out_child = (struct child_record){
                .body = json_deep_copy(body),
                .index = child < 0 ? 0 : (total > count ? total - count : 0) + child + 1,
                .parent_created_s = time_read(json_object_get(given, "created_at"), 0),
                .place = place_of(thread->number, child, state)};
            return true;
        }
    }
    return false;
}

static bool find_child(const struct thread *thread, const struct child_key *key,
                       struct child_record *out_child)
{
    return version_of(thread->collection, thread->number, thread->version)->given
               ? find_given(thread, key, out_child)
               : find_made(thread, key, out_child);
}

static void visit_given(const struct thread *thread, visit_child *visit, void *self)
{
    const json_t *given = version_of(thread->collection, thread->number, thread->version)->given;
    int64_t count = (int64_t)json_array_size(given_list(thread, given));
    for (int64_t child = OPENING; child < count; child++) {
        struct child_key key;
        struct child_record found;
        char id[COLLECTION_KEY];
        if (!given_child(thread, given, child, &key, id) || !find_given(thread, &key, &found)) continue;
        visit(self, &key, found.place);
        json_decref(found.body);
    }
}

bool collection_child(struct collection *collection, const struct child_key *key,
                      struct child_record *out_child)
{
    pthread_mutex_lock(&collection->lock);
    size_t number = index_find(collection, key->parent);
    bool is_found = false;
    if (number < collection->count) {
        struct thread thread = thread_open(collection, number, collection->records[number].past_count);
        is_found = find_child(&thread, key, out_child);
    }
    pthread_mutex_unlock(&collection->lock);
    return is_found;
}

void collection_children(struct collection *collection, size_t number, visit_child *visit, void *self)
{
    uint32_t version;
    pthread_mutex_lock(&collection->lock);
    if (wanted_version(collection, number, &version)) {
        struct thread thread = thread_open(collection, number, version);
        if (version_of(collection, number, version)->given)
            visit_given(&thread, visit, self);
        else
            visit_made(&thread, visit, self);
    }
    pthread_mutex_unlock(&collection->lock);
}
