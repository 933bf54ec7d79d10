/* SPDX-License-Identifier: Apache-2.0 */
/* identify.c - whose data it is. It is the first call of all. */
#include "base/clock.h"
#include "base/mem.h"
#include "exchange.h"

#define ROUNDS  4
#define WAIT_MS 200

static bool identify_once(struct rest_source *rest, struct source_identity *out_identity, struct error *err)
{
    const struct rest_dialect *dialect = rest->dialect;
    struct exchange exchange;
    AUTO(json_drop) json_t *answer = NULL;
    AUTO(mem_free) char *what = mem_format("%s GET %s", dialect->name, dialect->probe_path);
    AUTO(mem_free) char *url = mem_format("%s%s", rest->base_url, dialect->probe_path);
    const struct exchange_request request = {.method = "GET", .url = url, .retry = &retry_api};
    exchange_init(&exchange, rest, what);
    exchange.is_probe = exchange.can_be_forbidden = true;
    bool good = exchange_send(&exchange, &request, err) && exchange_wait(&exchange, &answer, err) &&
                dialect->read_identity(answer, exchange.request_id, out_identity, err);
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
