/* SPDX-License-Identifier: Apache-2.0 */
/* test_sql.c FILE... - cases of GoogleSQL as data. A case:
 *
 *   case: what it shows
 *   setup            optional: statements in a dataset `d` of project `p`
 *   query            a statement or a script
 *   rows             one line a row, cells joined by " | ", or
 *   error: part of the message
 *
 * Cells: NULL, texts as they are, timestamps as microseconds, arrays and structs as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sql/sql.h"
#include "store/store.h"
#include "test/store_fixture.h"

#define MOST 262144

static int64_t fixed_now(void *self)
{
    (void)self;
    return INT64_C(1772424000123456); /* 2026-03-02T04:00:00.123456Z */
}

struct test_case {
    char name[256];
    struct buf setup, query, rows, error;
    int line;
};

static struct store *open_store(void)
{
    struct error err;
    struct store *store = NULL;
    if (!store_open(NULL, fixed_now, NULL, &store, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    json_t *dataset = json_pack("{s:s}", "location", "EU");
    (void)store_dataset_put(store, "d", dataset); /* memory only */
    json_decref(dataset);
    return store;
}

static bool run_case(const struct test_case *test, const char *file)
{
    struct store *store = open_store();
    struct sql_query query = {.text = buf_string(&test->setup), .project = "p", .default_dataset = "d"};
    struct sql_result result;
    struct store_error err = {0};
    struct buf got;
    buf_init(&got, MOST);
    bool good = test->setup.size == 0 || sql_run(store, &query, &result, &err);
    if (test->setup.size > 0) sql_result_done(&result);
    if (!good) fprintf(stderr, "%s:%d: setup of \"%s\": %s\n", file, test->line, test->name, err.message);
    if (good) {
        query.text = buf_string(&test->query);
        bool ran = sql_run(store, &query, &result, &err);
        if (ran) fixture_rows(result.rows, " | ", &got);
        sql_result_done(&result);
        const char *wanted = test->error.size > 0 ? buf_string(&test->error) : buf_string(&test->rows);
        const char *found = ran ? buf_string(&got) : err.message;
        good =
            test->error.size > 0 ? !ran && strstr(found, wanted) != NULL : ran && strcmp(found, wanted) == 0;
        if (!good) {
            fprintf(stderr, "%s:%d: \"%s\"\n--- wanted\n%s\n--- got\n%s\n", file, test->line, test->name,
                    wanted, found);
        }
    }
    buf_done(&got);
    store_close(store);
    return good;
}

static void reset(struct test_case *test)
{
    struct buf *parts[] = {&test->setup, &test->query, &test->rows, &test->error};
    for (size_t i = 0; i < 4; i++) {
        buf_done(parts[i]);
        buf_init(parts[i], MOST);
    }
}

static bool run_file(const char *path, int *out_cases)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        return false;
    }
    char line[8192];
    struct test_case test = {0};
    struct buf *part = NULL;
    bool good = true, open = false;
    for (int number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "case: ", 6) == 0) {
            if (open) good = run_case(&test, path) && good;
            open = true;
            (*out_cases)++;
            reset(&test);
            test.line = number;
            (void)snprintf(test.name, sizeof test.name, "%.200s", line + 6);
            part = NULL;
        } else if (strcmp(line, "setup") == 0 || strcmp(line, "query") == 0 || strcmp(line, "rows") == 0) {
            part = line[0] == 's' ? &test.setup : line[0] == 'q' ? &test.query : &test.rows;
        } else if (strncmp(line, "error: ", 7) == 0) {
            buf_text(&test.error, line + 7);
            part = NULL;
        } else if (part != NULL && line[0] != '\0') {
            buf_format(part, "%s\n", line);
        }
    }
    if (open) good = run_case(&test, path) && good;
    reset(&test);
    fclose(file);
    return good;
}

int main(int argc, char **argv)
{
    int cases = 0;
    bool good = argc > 1;
    for (int i = 1; i < argc; i++)
        good = run_file(argv[i], &cases) && good;
    printf("%d cases: %s\n", cases, good ? "good" : "BAD");
    return good ? 0 : 1;
}
