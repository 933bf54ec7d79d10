/* threads.c - the shape of records that hold others: a search names them, then each is read by itself.
 *
 * Many exchanges are under way at once and are handed on one by one, in the order of the search. Answers that
 * wait for their turn are kept as bytes, with a low ceiling each; one that is larger is asked for again when
 * it is its turn, alone with a high ceiling. So memory has a bound, whatever the threads are like.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "internal.h"

#define IN_FLIGHT   32
#define WAITING_MAX (1024 * 1024)      /* bytes of an answer that waits for its turn */
#define THREAD_MAX  (64 * 1024 * 1024) /* bytes of the one whose turn it is */
#define LIMIT_URL   1024

/* Before a thread is suspected. After that it is tried with all patience (retry_api). */
static const struct retry retry_thread = {.base_ms = 500, .cap_ms = 8000, .attempts = 6, .budget_ms = 600000};

/* A record that was found, and the exchange that reads it whole. */
struct slot {
    json_t *item; /* as the search shows it */
    int64_t listed_us;
    bool asked; /* else it names nothing that could be read */
    bool large, patient;
    int64_t good_before; /* threads read when it was first asked for */
    struct fetch fetch;
    char id[LIMIT_NAME];
    char what[LIMIT_NAME + 64];
};

struct threads {
    struct reader reader;
    struct intercom *intercom;
    const struct intercom_stream *stream;
    size_t child; /* index of the parts' table in the selection; 0: it is not wanted */

    struct reader *search;
    struct page found; /* the newest page of the search */
    size_t next;       /* of its records */
    int64_t requests;  /* made since the last page was handed on */
    int64_t asked;
    int64_t good; /* answers, of whichever thread */

    struct slot slots[IN_FLIGHT]; /* a ring */
    size_t first, count;
    bool holding; /* the first of them is what is handed out: a page may borrow its item */

    json_t *thread; /* what is handed out */
    json_t *parts;
    json_t *opening;
    struct record *records;
    char problem[256];
};

/* --- asking --- */

/* The id as text; false: it has none that could stand in a URL. */
static bool read_id(const json_t *item, char out_id[LIMIT_NAME])
{
    const json_t *id = json_object_get(item, "id");
    const char *text = json_string_value(id);
    if (json_is_integer(id)) {
        (void)snprintf(out_id, LIMIT_NAME, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        return true;
    }
    if (!text || !*text || json_string_length(id) != strlen(text) || strlen(text) >= LIMIT_NAME) return false;
    memcpy(out_id, text, strlen(text) + 1);
    return true;
}

static bool ask(struct threads *threads, struct slot *slot, struct error *err)
{
    const struct intercom_thread *thread = threads->stream->thread;
    AUTO(buf_done) struct buf url;
    buf_init(&url, LIMIT_URL);
    (void)buf_format(&url, "%s%s", threads->intercom->base_url, thread->path);
    (void)http_escape(&url, slot->id);
    if (thread->query) (void)buf_format(&url, "?%s", thread->query);
    if (url.full)
        return error_set(err, ERROR_CONFIG, "%s: its URL is longer than %d bytes; is the base URL right?",
                         slot->what, LIMIT_URL);
    return fetch_send(&slot->fetch,
                      &(struct fetch_request){
                          .method = "GET",
                          .url = buf_string(&url),
                          .retry = slot->patient ? &retry_api : &retry_thread,
                          .reply_limit = slot->large ? THREAD_MAX : WAITING_MAX,
                      },
                      err);
}

static bool begin_slot(struct threads *threads, const struct record *listed, struct error *err)
{
    struct slot *slot = &threads->slots[(threads->first + threads->count++) % IN_FLIGHT];
    json_t *item = json_incref((json_t *)(uintptr_t)listed->body); /* its page may go, it stays */
    *slot = (struct slot){.item = item, .listed_us = listed->listed_us, .good_before = threads->good};
    fetch_init(&slot->fetch, threads->intercom, slot->what);
    slot->fetch.lean = true;
    slot->fetch.good = &threads->good;
    slot->asked = read_id(item, slot->id);
    if (!slot->asked) return true;
    char id[LIMIT_NAME];
    fetch_quote(id, sizeof id, slot->id);
    (void)snprintf(slot->what, sizeof slot->what, "Intercom %s, id %s", threads->stream->stream.name, id);
    threads->asked++;
    return ask(threads, slot, err);
}

static void end_slot(struct threads *threads)
{
    struct slot *slot = &threads->slots[threads->first];
    fetch_done(&slot->fetch);
    json_drop(&slot->item);
    threads->first = (threads->first + 1) % IN_FLIGHT;
    threads->count--;
}

/* Asks for as many as may be under way. */
static bool fill_slots(struct threads *threads, struct error *err)
{
    while (threads->count < IN_FLIGHT) {
        if (threads->next < threads->found.count) {
            if (!begin_slot(threads, &threads->found.records[threads->next++], err)) return false;
        } else if (threads->found.last) {
            return true;
        } else {
            threads->next = 0;
            if (!threads->search->reading->next(threads->search, &threads->found, err)) return false;
            threads->requests += threads->found.requests;
        }
    }
    return true;
}

/* --- what to make of a failure --- */

enum fate {
    FATE_AGAIN,
    FATE_GONE,
    FATE_REJECTED, /* it is this thread: nothing that is done later will help */
    FATE_FAILED    /* it is not: the unit is tried again later */
};

/* Is it this thread that can't be read, or Intercom that does not answer? It is the thread if it is answered
 * at all while others are read, or if there is no other to compare it with. */
static enum fate judge_silence(const struct threads *threads, const struct slot *slot,
                               const struct error *err)
{
    bool pressed = err->status == 429 || err->status == 409;
    bool answered = err->status != 0 && !pressed;
    bool others = threads->good > slot->good_before;
    bool alone = threads->asked == 1 && threads->found.last;
    if (slot->fetch.late) return FATE_AGAIN;
    if (!slot->patient) return answered && others ? FATE_REJECTED : FATE_AGAIN;
    return !pressed && (others || (alone && answered)) ? FATE_REJECTED : FATE_FAILED;
}

static enum fate judge_failure(const struct threads *threads, const struct slot *slot,
                               const struct error *err)
{
    switch (err->kind) {
    case ERROR_LIMIT: return slot->large ? FATE_REJECTED : FATE_AGAIN;
    case ERROR_REFUSED: return err->status == 404 ? FATE_GONE : FATE_REJECTED;
    case ERROR_BUSY:
    case ERROR_FORMAT: return judge_silence(threads, slot, err);
    case ERROR_NONE:
    case ERROR_CONFIG:
    case ERROR_AUTH:
    case ERROR_REQUEST:
    case ERROR_FORBIDDEN:
    case ERROR_STOPPED:
    case ERROR_KINDS: return FATE_FAILED;
    }
    abort();
}

/* The same each time it is tried, or `rejected` would hold the record once for each. */
static void tell_problem(struct threads *threads, const struct slot *slot, const struct error *err)
{
    char *problem = threads->problem;
    size_t size = sizeof threads->problem;
    if (err->kind == ERROR_LIMIT)
        (void)snprintf(problem, size, "its thread is larger than the %d bytes that are allowed", THREAD_MAX);
    else if (err->kind == ERROR_FORMAT)
        (void)snprintf(problem, size, "its thread is no JSON that can be read");
    else
        (void)snprintf(problem, size, "its thread can't be fetched: HTTP %d %s", err->status,
                       slot->fetch.code);
}

/* --- taking a thread apart --- */

static void add_record(struct threads *threads, struct page *page, struct record record)
{
    threads->records[page->count++] = record;
}

static void reject(struct threads *threads, const struct slot *slot, struct page *page)
{
    add_record(
        threads, page,
        (struct record){.body = slot->item, .problem = threads->problem, .listed_us = slot->listed_us});
}

/* The first message in the shape of a part: it has no times of its own. */
static json_t *make_opening(const json_t *thread, const json_t *message)
{
    static const char *const shared[] = {"body", "author", "attachments", "redacted",
                                         "email_message_metadata"};
    json_t *opening = json_object();
    json_t *id = json_object_get(message, "id");
    bool named = json_is_integer(id) || json_string_length(id) > 0;
    json_object_set_new(opening, "id", named ? json_incref(id) : json_string("source"));
    json_object_set_new(opening, "part_type", json_string("source"));
    json_object_set(opening, "created_at", json_object_get(thread, "created_at"));
    json_object_set(opening, "updated_at", json_object_get(thread, "created_at"));
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        json_object_set(opening, shared[i], json_object_get(message, shared[i])); /* absent: not set */
    return opening;
}

static void add_part(struct threads *threads, struct page *page, json_t *part, int64_t index)
{
    if (json_is_object(part)) {
        json_object_set(part, threads->stream->thread->parent, json_object_get(threads->thread, "id"));
        json_object_set_new(part, "part_index", json_integer(index));
        const json_t *redacted = json_object_get(part, "redacted");
        if (!redacted || json_is_null(redacted)) json_object_set_new(part, "redacted", json_false());
    }
    add_record(threads, page, (struct record){.table = threads->child, .body = part});
}

/* What describes the thread stands on the record, whose version it changes with. */
static bool describe(struct threads *threads, int64_t received, int64_t total)
{
    json_t *thread = threads->thread;
    const struct intercom_thread *shape = threads->stream->thread;
    int64_t counted = json_int_at(thread, shape->counted, -1);
    json_object_set_new(thread, "parts_received", json_integer(received));
    json_object_set_new(thread, "parts_truncated",
                        json_boolean(received == (int64_t)shape->most || total > received));
    if (total >= 0) json_object_set_new(thread, "parts_total", json_integer(total));
    if (counted < 0) return true;
    json_object_set_new(thread, "parts_missing", json_integer(counted - received));
    return counted == received;
}

/* The parts leave the record for rows of their own. */
static bool take_apart(struct threads *threads, int64_t listed_us, struct page *page)
{
    const struct intercom_thread *shape = threads->stream->thread;
    json_t *envelope = json_object_get(threads->thread, shape->parts);
    json_t *parts = json_object_get(envelope, shape->parts);
    if (!json_is_array(parts)) {
        (void)snprintf(threads->problem, sizeof threads->problem, "its thread has no list \"%s\"",
                       shape->parts);
        return false;
    }
    size_t received = json_array_size(parts);
    int64_t total = json_int_at(envelope, "total_count", -1);
    int64_t older = total > (int64_t)received ? total - (int64_t)received : 0; /* that were cut off */
    const json_t *message = json_object_get(threads->thread, shape->opening);
    threads->parts = json_incref(parts);
    (void)json_object_del(envelope, shape->parts); /* it is in there */
    if (!describe(threads, (int64_t)received, total)) page->incomplete++;

    threads->records = mem_grow(threads->records, received + 2, sizeof *threads->records);
    add_record(threads, page, (struct record){.body = threads->thread, .listed_us = listed_us});
    if (threads->child == 0) return true;
    if (json_is_object(message)) {
        threads->opening = make_opening(threads->thread, message);
        add_part(threads, page, threads->opening, 0);
    }
    for (size_t i = 0; i < received; i++)
        add_part(threads, page, json_array_get(threads->parts, i), older + (int64_t)i + 1);
    return true;
}

/* --- the oldest exchange becomes a page --- */

static void drop_page(struct threads *threads)
{
    json_drop(&threads->thread);
    json_drop(&threads->parts);
    json_drop(&threads->opening);
}

/* What a failed exchange leaves on the page; FATE_AGAIN: it was sent again, with a larger ceiling or more
 * patience. err is what failed, and what fails for good. */
static enum fate settle(struct threads *threads, struct slot *slot, struct page *page, struct error *err)
{
    enum fate fate = judge_failure(threads, slot, err);
    switch (fate) {
    case FATE_AGAIN:
        if (err->kind == ERROR_LIMIT)
            slot->large = true;
        else if (!slot->fetch.late)
            slot->patient = true;
        return ask(threads, slot, err) ? FATE_AGAIN : FATE_FAILED;
    case FATE_GONE:
        page->vanished++;
        log_write(LOG_DEBUG, "record_vanished", LOG_FIELDS(LOG_TEXT("id", slot->id)),
                  "%s: it was found and then gone; it was deleted, or merged", slot->what);
        return fate;
    case FATE_REJECTED:
        tell_problem(threads, slot, err);
        reject(threads, slot, page);
        return fate;
    case FATE_FAILED: return fate;
    }
    abort();
}

static bool take_oldest(struct threads *threads, struct page *page, struct error *err)
{
    struct slot *slot = &threads->slots[threads->first];
    struct error failure = {0}; /* not err: most failures end well */
    enum fate fate = FATE_AGAIN;
    if (!slot->asked) {
        add_record(
            threads, page,
            (struct record){.body = slot->item, .listed_us = slot->listed_us}); /* no key: it is rejected */
        return true;
    }
    slot->fetch.lean = false;
    while (fate == FATE_AGAIN && !fetch_wait(&slot->fetch, &threads->thread, &failure))
        fate = settle(threads, slot, page, &failure);
    threads->requests += slot->fetch.tries;
    if (fate == FATE_AGAIN && !take_apart(threads, slot->listed_us, page)) reject(threads, slot, page);
    if (fate == FATE_FAILED) *err = failure;
    return fate != FATE_FAILED;
}

/* --- the reader --- */

static bool next_thread(struct reader *reader, struct page *out_page, struct error *err)
{
    struct threads *threads = (struct threads *)reader;
    drop_page(threads);
    *out_page = (struct page){.last = true};
    if (threads->holding) end_slot(threads);
    threads->holding = false;
    if (!fill_slots(threads, err)) return false;
    if (threads->count > 0) {
        threads->holding = true;
        if (!take_oldest(threads, out_page, err)) return false;
    }
    out_page->ascending = threads->found.ascending;
    out_page->records = threads->records;
    out_page->requests = threads->requests;
    threads->requests = 0;
    out_page->last = threads->found.last && threads->next == threads->found.count &&
                     threads->count == (threads->holding ? 1 : 0);
    return true;
}

static void close_threads(struct reader *reader)
{
    struct threads *threads = (struct threads *)reader;
    while (threads->count > 0)
        end_slot(threads);
    drop_page(threads);
    if (threads->search) threads->search->reading->close(threads->search);
    free(threads->records);
    free(threads);
}

static bool open_threads(struct intercom *intercom, const struct selection *selection, struct window window,
                         struct reader **out_reader, struct error *err)
{
    struct threads *threads = mem_zero(1, sizeof *threads);
    threads->reader.reading = &intercom_threads;
    threads->intercom = intercom;
    threads->stream = (const struct intercom_stream *)selection->stream;
    threads->child = selection->table_count > 1 ? 1 : 0;
    threads->records = mem_grow(NULL, 1, sizeof *threads->records);
    if (!intercom_pages.open(intercom, selection, window, &threads->search, err)) {
        close_threads(&threads->reader);
        return false;
    }
    *out_reader = &threads->reader;
    return true;
}

const struct intercom_reading intercom_threads = {
    .open = open_threads, .next = next_thread, .close = close_threads};
