/* SPDX-License-Identifier: Apache-2.0 */
/* identify.c - whose data it is. It is the first call of all. */
#include "base/clock.h"
#include "base/mem.h"
#include "exchange.h"

#define ROUNDS     4
#define WAIT_MS    200
#define LIMIT_BODY 4096

static bool identify_once(struct rest_source *rest, struct source_identity *out_identity, struct error *err)
{
    const struct rest_dialect *dialect = rest->dialect;
    struct exchange exchange;
    AUTO(value_drop) struct json_value *answer = NULL;
    const char *method = dialect->write_probe ? "POST" : "GET";
    char id[REST_ID];
    AUTO(mem_free) char *what = mem_format("%s %s %s", dialect->name, method, dialect->probe_path);
    AUTO(mem_free) char *url = mem_format("%s%s", rest->base_url, dialect->probe_path);
    AUTO(buf_done) struct buf body = buf_limited(LIMIT_BODY);
    struct exchange_request request = {.method = method, .url = url, .retry = &retry_api};
    if (dialect->write_probe) {
        request.id = rest_next_id(rest, id);
        request.body = &body;
        dialect->write_probe(rest, id, &body);
    }
    exchange_init(&exchange, rest, what);
    exchange.is_probe = exchange.can_be_forbidden = true;
    bool good = exchange_send(&exchange, &request, err) && exchange_wait(&exchange, &answer, err) &&
                dialect->read_identity(rest, answer, exchange.request_id, out_identity, err);
    if (!good && err->kind == ERROR_FORBIDDEN) err->kind = ERROR_AUTH; /* no stream can be read without it */
    exchange_done(&exchange);
    return good;
}

bool rest_source_identify(struct source *source, struct source_identity *out_identity, struct error *err)
{
    struct rest_source *rest = (struct rest_source *)source;
    for (int round = 1;; round++) {
        if (identify_once(rest, out_identity, err)) return true;
        bool may_be_spoiled = err->kind == ERROR_REFUSED || err->kind == ERROR_FORMAT ||
                              (err->kind == ERROR_AUTH && err->status != 401);
        if (!may_be_spoiled || round == ROUNDS) return false;
        if (!clock_sleep_ms((int64_t)WAIT_MS * round, rest->stop)) return false;
    }
}
