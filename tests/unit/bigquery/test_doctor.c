/* SPDX-License-Identifier: Apache-2.0 */
/* docs/doctor.md has a row for each check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "doctor_checks.h"

static void each_check_is_documented(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(buf_done) struct buf text = {0};
    if (!file_read(CASELOAD_TEST_DATA "/../../docs/doctor.md", 65536, &text, &err)) fail_msg("%s", err.text);
    for (size_t i = 0; i < doctor_check_count; i++) {
        AUTO(mem_free) char *row = mem_format("\n| `%s` | ", doctor_checks[i].name);
        if (!strstr(buf_string(&text), row)) fail_msg("%s is not documented", doctor_checks[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_check_is_documented)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
