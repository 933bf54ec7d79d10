/* SPDX-License-Identifier: Apache-2.0 */
#include "provenance.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "job.h"
#include "listing.h"
#include "schema.h"
#include "table.h"

#define LOWER_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789_"
#define HASH_DIGITS  16

enum fact { FACT_WORKSPACE, FACT_SOURCE, FACT_TIMEZONE, FACT_DATASET, FACT_CONTROL, FACTS };

static const struct {
    const char *label, *column, *name, *way_back;
} facts[FACTS] = {
    [FACT_WORKSPACE] = {"caseload_workspace", "workspace_id", "workspace", "use a token of that workspace"},
    [FACT_SOURCE] = {"caseload_source", "source_type", "source", "set source.type back"},
    [FACT_TIMEZONE] = {"caseload_timezone", "timezone", "timezone", "set \"timezone\" back"},
    [FACT_DATASET] = {NULL, "dataset", "dataset", "set \"dataset\" back"},
    [FACT_CONTROL] = {"caseload_control", NULL, "control_dataset", "set \"control_dataset\" back"},
};

/* Another source has other workspaces: it is named first. */
static const enum fact order[FACTS] = {FACT_SOURCE, FACT_WORKSPACE, FACT_TIMEZONE, FACT_DATASET,
                                       FACT_CONTROL};

static const char *configured(const struct bigquery *bq, enum fact fact)
{
    switch (fact) {
    case FACT_WORKSPACE: return bq->identity.workspace;
    case FACT_SOURCE: return bq->identity.type;
    case FACT_TIMEZONE: return bq->settings.timezone;
    case FACT_DATASET: return bq->settings.dataset;
    case FACT_CONTROL: return bq->settings.control_dataset;
    case FACTS: break;
    }
    return "";
}

static bool refuse(const struct bigquery *bq, enum fact fact, const char *have, const char *what,
                   struct error *err)
{
    return error_set(err, ERROR_CONFIG,
                     "%s belongs to the %s \"%.128s\", but this configuration has \"%.128s\"; nothing was "
                     "fetched. Either %s, or load into a new dataset (settings \"dataset\" and "
                     "\"control_dataset\")",
                     what, facts[fact].name, have, configured(bq, fact), facts[fact].way_back);
}

/* A name that is too long keeps its beginning and gets a hash. */
static void shorten(const char *value, char label[LABEL_TEXT])
{
    snprintf(label + LABEL_TEXT - 1 - HASH_DIGITS, HASH_DIGITS + 1, "%016llx",
             (unsigned long long)hash_text(value));
}

void provenance_encode(const char *value, char out_label[LABEL_TEXT])
{
    size_t used = 0;
    for (const char *c = value; *c; c++) {
        char piece[8];
        if (strchr(LOWER_DIGITS, *c))
            snprintf(piece, sizeof piece, "%c", *c);
        else if (*c >= 'A' && *c <= 'Z')
            snprintf(piece, sizeof piece, "-%c", *c - 'A' + 'a');
        else
            snprintf(piece, sizeof piece, "--%02x", (unsigned char)*c);
        size_t size = strlen(piece);
        if (used + size >= LABEL_TEXT) {
            memset(out_label + used, '_', LABEL_TEXT - 1 - used);
            out_label[LABEL_TEXT - 1] = '\0';
            shorten(value, out_label);
            return;
        }
        memcpy(out_label + used, piece, size);
        used += size;
    }
    out_label[used] = '\0';
}

static int hex_value(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = digit ? strchr(digits, digit) : NULL;
    return at ? (int)(at - digits) : -1;
}

void provenance_decode(const char *label, char out_value[LABEL_TEXT])
{
    size_t used = 0;
    for (const char *c = label; *c && used < LABEL_TEXT - 1; c++) {
        if (c[0] == '-' && c[1] == '-' && hex_value(c[2]) >= 0 && hex_value(c[3]) >= 0) {
            out_value[used++] = (char)(hex_value(c[2]) * 16 + hex_value(c[3]));
            c += 3;
        } else if (c[0] == '-' && c[1] >= 'a' && c[1] <= 'z') {
            out_value[used++] = (char)(c[1] - 'a' + 'A');
            c += 1;
        } else {
            out_value[used++] = *c;
        }
    }
    out_value[used] = '\0';
}

json_t *provenance_labels(const struct bigquery *bq)
{
    json_t *labels = json_object();
    for (enum fact fact = 0; fact < FACTS; fact++) {
        char label[LABEL_TEXT];
        if (!facts[fact].label) continue;
        provenance_encode(configured(bq, fact), label);
        json_object_set_new(labels, facts[fact].label, json_string(label));
    }
    return labels;
}

static const char *label_of(const json_t *table, enum fact fact)
{
    if (!facts[fact].label) return NULL;
    return json_string_value(json_object_get(json_object_get(table, "labels"), facts[fact].label));
}

bool provenance_is_labelled(const json_t *table)
{
    for (enum fact fact = 0; fact < FACTS; fact++)
        if (facts[fact].label && !label_of(table, fact)) return false;
    return true;
}

bool provenance_check_table(const struct bigquery *bq, const json_t *table, struct error *err)
{
    const char *name = json_text_at(table, "tableReference.tableId");
    for (size_t i = 0; i < FACTS; i++) {
        enum fact fact = order[i];
        char wanted[LABEL_TEXT], value[LABEL_TEXT], what[2 * TABLE_ID];
        const char *label = label_of(table, fact);
        if (!label) continue;
        provenance_encode(configured(bq, fact), wanted);
        if (strcmp(label, wanted) == 0) continue;
        provenance_decode(label, value);
        snprintf(what, sizeof what, "the table %s.%s", bq->settings.dataset, name ? name : "?");
        return refuse(bq, fact, value, what, err);
    }
    return true;
}

bool provenance_check_row(const struct bigquery *bq, const json_t *row, const char *what, struct error *err)
{
    for (size_t i = 0; i < FACTS; i++) {
        enum fact fact = order[i];
        const char *have = (size_t)fact < PROVENANCE_COUNT ? cell_text(row, (size_t)fact) : NULL;
        if (have && strcmp(have, configured(bq, fact)) != 0) return refuse(bq, fact, have, what, err);
    }
    return true;
}

bool provenance_row_matches(const struct bigquery *bq, const json_t *row)
{
    for (enum fact fact = 0; fact < PROVENANCE_COUNT; fact++) {
        const char *have = cell_text(row, (size_t)fact);
        if (!have || strcmp(have, configured(bq, fact)) != 0) return false;
    }
    return true;
}

void provenance_parameters(const struct bigquery *bq, json_t *parameters)
{
    for (enum fact fact = 0; fact < PROVENANCE_COUNT; fact++)
        parameter_add(parameters, facts[fact].column, "STRING", configured(bq, fact));
}

/* Which streams have rows in the ledger, and the clock. */
static void note_ledger(struct bigquery *bq, const json_t *rows)
{
    json_drop(&bq->ledger_streams);
    bq->ledger_streams = json_object();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *stream = cell_text(row, PROVENANCE_COUNT);
        int64_t now_us = 0;
        if (stream) json_object_set_new(bq->ledger_streams, stream, json_true());
        if (cell_int(row, PROVENANCE_COUNT + 1, &now_us) && now_us <= INSTANT_MAX_US)
            bigquery_note_now(bq, now_us);
    }
}

bool provenance_check_ledger(struct bigquery *bq, struct error *err)
{
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    sql_provenance_text(&names, &sql);
    AUTO(json_drop) json_t *parameters = json_array();
    AUTO(json_drop) json_t *rows = NULL;
    if (!job_read(bq, &sql, parameters, &rows, err)) return false;
    char what[2 * TABLE_ID];
    snprintf(what, sizeof what, "the ledger %s.runs", bq->settings.control_dataset);
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (!provenance_check_row(bq, json_array_get(rows, i), what, err)) return false;
    note_ledger(bq, rows);
    return true;
}

bool provenance_check_all(struct bigquery *bq, struct error *err)
{
    AUTO(json_drop) json_t *runs = NULL;
    if (!listing_read(bq, err) || !listing_check_provenance(bq, err)) return false;
    /* The label of the table came with the column, or after it. */
    if (json_at(listing_find(bq, bq->settings.control_dataset, "runs"), "labels." LABEL_SCHEMA))
        return provenance_check_ledger(bq, err);
    if (!table_get(bq, bq->settings.control_dataset, "runs", &runs, err)) return false;
    if (!runs || !schema_find(json_at(runs, "schema.fields"), facts[FACT_DATASET].column)) return true;
    return provenance_check_ledger(bq, err);
}
