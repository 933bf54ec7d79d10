/* SPDX-License-Identifier: Apache-2.0 */
#include "sql_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

const struct sql_names names = {.project = "acme-data", .dataset = "desk", .control = "desk_caseload"};

void assert_sendable(const struct buf *sql)
{
    struct error err = {0};
    if (!sql_check(sql, "test", &err)) fail_msg("%s", err.text);
}

void assert_not_sendable(struct buf *sql)
{
    struct error err = {0};
    assert_false(sql_check(sql, "test", &err));
    assert_int_equal(err.kind, ERROR_REFUSED);
    buf_reset(sql);
}

void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("missing: %s\nin: %s", part, text);
}

void assert_order(const char *text, const char *const *sequence, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text = strstr(text, sequence[i]);
        if (!text) fail_msg("missing or out of order: %s", sequence[i]);
    }
}
