/* SPDX-License-Identifier: Apache-2.0 */
/* sites.c - the sites of the account, of which some reports want one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "rest/exchange.h"

static const char *keep_site(struct comagic *comagic, const char *id)
{
    for (size_t i = 0; i < comagic->site_count; i++)
        if (strcmp(comagic->sites[i], id) == 0) return comagic->sites[i];
    comagic->sites = mem_grow(comagic->sites, comagic->site_count + 1, sizeof *comagic->sites);
    return comagic->sites[comagic->site_count++] = mem_text(id);
}

static bool take_list(struct comagic *comagic, const struct json_value *answer, const char *request_id,
                      struct error *err)
{
    const struct json_value *list = value_at(answer, "result.data");
    size_t size = value_count(list);
    if (!value_is_array(list) || value_integer_at(answer, "result.metadata.total_items", 0) > (int64_t)size)
        return error_set(
            err, ERROR_FORMAT,
            "CoMagic's answer to get.sites is not the list of all sites, request id %s; is the base URL "
            "right?",
            request_id);
    free(comagic->listed_sites);
    comagic->listed_sites = mem_zero(size + 1, sizeof *comagic->listed_sites);
    comagic->rest.type_count = 0;
    for (const struct json_value *site = value_elements(list); site; site = site->next) {
        char id[24];
        int64_t number = value_integer_at(site, "id", 0);
        (void)snprintf(id, sizeof id, "%" PRId64, number);
        if (number > 0) comagic->listed_sites[comagic->rest.type_count++] = keep_site(comagic, id);
    }
    comagic->rest.types = comagic->listed_sites;
    return true;
}

static bool read_sites(struct comagic *comagic, struct error *err)
{
    struct rest_source *rest = &comagic->rest;
    struct exchange exchange;
    char id[REST_ID];
    AUTO(value_drop) struct json_value *answer = NULL;
    AUTO(mem_free) char *url = mem_format("%s" COMAGIC_PATH, rest->base_url);
    AUTO(buf_done) struct buf body = buf_limited(1024);
    comagic_begin_request(comagic, "get.sites", rest_next_id(rest, id), &body);
    buf_format(&body, ",\"limit\":%d,\"offset\":0}}", COMAGIC_PAGE);
    exchange_init(&exchange, rest, "CoMagic get.sites");
    exchange.can_be_forbidden = true;
    bool good = exchange_send(&exchange,
                              &(struct exchange_request){
                                  .method = "POST", .url = url, .body = &body, .id = id, .retry = &retry_api},
                              err) &&
                exchange_wait(&exchange, &answer, err) &&
                take_list(comagic, answer, exchange.request_id, err);
    exchange_done(&exchange);
    return good;
}

bool comagic_check_stream(const struct rest_source *source, const struct rest_stream *stream,
                          bool with_child_list, struct error *err)
{
    struct comagic *comagic = (struct comagic *)(uintptr_t)source;
    (void)with_child_list;
    return !stream->is_typed || read_sites(comagic, err);
}

void comagic_free_sites(struct comagic *comagic)
{
    for (size_t i = 0; i < comagic->site_count; i++)
        free(comagic->sites[i]);
    free(comagic->sites);
    free(comagic->listed_sites);
}
