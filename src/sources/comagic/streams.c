/* SPDX-License-Identifier: Apache-2.0 */
/* streams.c - the table of streams. Adding one is an entry here, and its columns in schema/. */
#include "internal.h"
#include "schema/schema.h"

/* An entry: STREAM(name, kind, table, ABOUT(cost, permission, limitations), CALLS(pagination, method), other
 * members of struct comagic_stream). */
/* clang-format off */
#define STREAM(n, k, of, ...)                                                                                        \
    &((const struct comagic_stream){.rest.stream.name = (n), .rest.stream.kind = (k),                                \
                                    .rest.stream.table = (of), .rest.list = "result.data",                           \
                                    .rest.per_page = COMAGIC_PAGE, __VA_ARGS__}).rest.stream
#define ABOUT(price, right, blind)                                                                                   \
    .rest.stream.cost = (price), .rest.stream.permission = (right), .rest.stream.limitations = (blind)
#define CALLS(how, method) .rest.pagination = &(how), .rest.path = (method)
#define BY_DEFAULT         .rest.stream.by_default = true
#define REPORT_COST        "1 for 10,000, at least 1 a week"
#define BASIC              "Data API, basic set"
#define MISSES_LATE        "changes that came after the lookback"
#define NAMED              .names_fields = true
#define SORTED             .names_fields = true, .is_sorted = true, .rest.order = ORDER_OLDEST_FIRST
/* clang-format on */

static const struct stream *const streams[] = {
    STREAM("calls", STREAM_EVENT, &comagic_calls, BY_DEFAULT, ABOUT(REPORT_COST, BASIC, MISSES_LATE),
           CALLS(comagic_report, "get.calls_report"), SORTED),
};

#define AT(member) offsetof(struct comagic_options, member)
#define WORD       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static const struct setting settings[] = {
    {"source", "brand", SETTING_TEXT, AT(brand), "comagic", false, 0, 0, WORD,
     "comagic or uis: keys of one are refused by the other"},
    {"source", "rate_share", SETTING_NUMBER, AT(rate_share), "0.8", false, 0.01, 1, NULL,
     "part of the account's requests of a minute and a day that may be used"},
    {"source", "token", SETTING_TOKEN, AT(token), NULL, true, 0, 0, NULL,
     "where the key (or the password of source.login) is: {\"env\": NAME}, {\"file\": PATH} or {\"secret\": "
     "NAME}"},
    {"source", "base_url", SETTING_TEXT, AT(base_url), NULL, false, 0, 0, NULL,
     "another address of the source, for tests"},
    {"source", "login", SETTING_TEXT, AT(login), NULL, false, 0, 0, NULL,
     "log in as this user, for an hour at a time; without it the token is a permanent key"},
    {"source", "user_id", SETTING_INT, AT(user_id), "0", false, 0, INT32_MAX, NULL,
     "the client whose data an agent reads; 0: the account's own"},
};

const struct source_type comagic_type = {
    .name = COMAGIC_NAME,
    .title = "CoMagic",
    .streams = streams,
    .stream_count = sizeof streams / sizeof *streams,
    .first_year = 2007,
    .settings = {settings, sizeof settings / sizeof *settings},
    .options_size = sizeof(struct comagic_options),
    .check = comagic_check,
    .create = comagic_create,
};
