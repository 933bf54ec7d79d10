/* SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"

#include <string.h>

#include "base/suggest.h"

bool answers_ask(struct services *services, const struct question *question, json_t **out_rows,
                 struct error *err)
{
    return services->warehouse->ops->ask(services->warehouse, question, out_rows, err);
}

bool answers_read_stream(const struct services *services, const struct options *options,
                         const char **out_stream, struct error *err)
{
    char hint[SUGGEST_HINT];
    const char *names[LIMIT_STREAMS], *given = options_value(options, "stream");
    *out_stream = given;
    for (size_t i = 0; i < services->selection_count; i++) {
        names[i] = services->selections[i].stream->name;
        if (given && strcmp(given, names[i]) == 0) return true;
    }
    if (!given) return true;
    return error_set(
        err, ERROR_REQUEST, "--stream: \"%.64s\" is not configured; %s", given,
        suggest_hint(given, names, services->selection_count, "`caseload config show` prints what is", hint));
}

const char *answers_time(const json_t *row, const char *key, char out[ANSWERS_TIME])
{
    const char *text = json_text_at(row, key);
    (void)snprintf(out, ANSWERS_TIME, "%.16s", text ? text : "");
    char *separator = strchr(out, 'T');
    if (separator) *separator = ' ';
    return out;
}

void answers_copy(struct report *report, const json_t *row, const char *key)
{
    json_t *value = json_object_get(row, key);
    if (json_is_integer(value))
        report_number(report, json_integer_value(value));
    else if (json_is_string(value))
        report_text(report, json_string_value(value));
    else
        report_value(report, json_incref(value), "");
}
