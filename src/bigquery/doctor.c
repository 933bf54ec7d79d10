/* SPDX-License-Identifier: Apache-2.0 */
#include "bigquery/doctor.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "doctor_checks.h"

#define PREFIX        "caseload_doctor_"
#define LIFE_MS       "3600000" /* of its tables; the shortest that BigQuery takes */
#define BUDGET_MS     116000    /* what is not done then is given up; the dataset is removed after that */
#define TICK_MS       50
#define COMMIT_PREFIX "caseload-commit-"

/* --- what the observer hears --- */

static void hear_session(void *self, const char *origin)
{
    struct doctor_heard *heard = self;
    (void)snprintf(heard->session, sizeof heard->session, "%s", origin);
}

static void hear_job(void *self, const char *id)
{
    struct doctor_heard *heard = self;
    if (strncmp(id, COMMIT_PREFIX, strlen(COMMIT_PREFIX)) != 0) return;
    (void)snprintf(heard->commit, sizeof heard->commit, "%s", id);
    if (heard->stop) atomic_store(heard->stop, true);
}

static void hear_refusal(void *self, const char *what, const char *reason, const char *message)
{
    struct doctor_heard *heard = self;
    bool is_not_found = strcmp(reason, "notFound") == 0 || strcmp(reason, "404") == 0;
    if (is_not_found) {
        heard->not_found++;
        (void)snprintf(heard->not_found_at, sizeof heard->not_found_at, "%s", what);
    } else if (strcmp(what, "a job") == 0) {
        (void)snprintf(heard->conflict, sizeof heard->conflict, "%.24s: %.120s", reason, message);
    }
}

bool doctor_open(struct doctor *doctor, struct doctor_warehouse *warehouse, const atomic_bool *stop,
                 struct error *err)
{
    struct bigquery_settings settings = *doctor->settings->bigquery;
    struct http_settings http = *doctor->settings->http;
    struct warehouse *port = NULL;
    http.stop = stop;
    if (!http_new(&http, &warehouse->http, err)) return false;
    warehouse->observer = (struct bigquery_observer){
        .session = hear_session, .job = hear_job, .refused = hear_refusal, .self = &warehouse->heard};
    settings.dataset = settings.control_dataset = doctor->dataset;
    settings.http = warehouse->http;
    settings.progress = NULL;
    settings.stop = stop;
    settings.observer = &warehouse->observer;
    settings.timezone = zone_name(doctor->zone);
    settings.latest_tables = NULL;
    settings.latest_table_count = 0;
    if (!bigquery_new(&settings, &port, err)) return false;
    warehouse->bq = (struct bigquery *)port;
    return true;
}

void doctor_close(struct doctor_warehouse *warehouse)
{
    if (warehouse->bq) warehouse->bq->warehouse.ops->free(&warehouse->bq->warehouse);
    http_free(warehouse->http);
}

/* --- the scratch dataset --- */

static bool make_dataset(struct doctor *doctor, struct error *err)
{
    AUTO(json_drop)
    json_t *resource =
        json_pack("{s:s, s:s, s:{s:s}}", "description", "A check of caseload doctor; it may be deleted",
                  "defaultTableExpirationMs", LIFE_MS, "labels", LABEL_KEY, LABEL_VALUE);
    return bigquery_make_dataset(doctor->main.bq, doctor->dataset, resource, err);
}

/* By calls that a stop does not end: a stopped check leaves nothing behind. */
static bool remove_dataset(const struct doctor *doctor, struct error *err)
{
    struct doctor again = {.settings = doctor->settings, .zone = doctor->zone};
    AUTO(mem_free) char *path = mem_format("datasets/%s?deleteContents=true", doctor->dataset);
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {
        .method = "DELETE", .path = path, .what = "BigQuery datasets.delete", .accept = {404}};
    (void)snprintf(again.dataset, sizeof again.dataset, "%s", doctor->dataset);
    bool good = doctor_open(&again, &again.main, NULL, err) && api_do(again.main.bq, &call, &answer, err);
    doctor_close(&again.main);
    return good;
}

/* --- the end of the time --- */

struct watch {
    struct doctor *doctor;
    atomic_bool is_done;
};

static bool is_stopped(const struct doctor *doctor)
{
    const atomic_bool *stop = doctor->settings->http->stop;
    return stop && atomic_load(stop);
}

static void *watch_time(void *self)
{
    struct watch *watch = self;
    int64_t began_ms = clock_ms();
    while (!atomic_load(&watch->is_done) && !is_stopped(watch->doctor)) {
        if (clock_ms() - began_ms > BUDGET_MS) break;
        (void)clock_sleep_ms(TICK_MS, NULL);
    }
    atomic_store(&watch->doctor->stop, true);
    atomic_store(&watch->doctor->kill, true);
    return NULL;
}

/* --- lines --- */

static bool report(const struct doctor *doctor, const struct doctor_line *line)
{
    doctor->settings->report(doctor->settings->self, line);
    return line->is_ok;
}

static bool run_check(struct doctor *doctor, const struct doctor_check *check)
{
    struct doctor_line line = {.check = check->name, .what = check->what, .advice = check->advice};
    struct error err = {0};
    bool is_tried = !atomic_load(&doctor->stop) && (doctor->is_committed || !check->needs_commit);
    if (is_tried) line.is_ok = check->run(doctor, line.found, sizeof line.found, &err);
    if (!line.is_ok && err.kind != ERROR_NONE)
        (void)snprintf(line.found, sizeof line.found, "%.500s", err.text);
    if (!line.is_ok && atomic_load(&doctor->stop)) {
        bool is_late = !is_stopped(doctor);
        (void)snprintf(line.found, sizeof line.found, "not done: %s",
                       is_late ? "the time is over" : "stopped");
        line.advice = is_late ? "try again when BigQuery is quicker" : "start it again";
    } else if (!is_tried) {
        (void)snprintf(line.found, sizeof line.found, "not tried: the first commit failed");
        line.advice = "see the line \"commit\"";
    }
    if (line.is_ok) line.advice = "";
    return report(doctor, &line);
}

static bool open_dataset(struct doctor *doctor, struct error *err)
{
    char suffix[RANDOM_NAME];
    random_name(suffix);
    (void)snprintf(doctor->dataset, sizeof doctor->dataset, PREFIX "%s", suffix);
    return zone_load("Etc/UTC", &doctor->zone, err) &&
           doctor_open(doctor, &doctor->main, &doctor->stop, err) && make_dataset(doctor, err);
}

static bool report_dataset(struct doctor *doctor, bool is_made, const struct error *err)
{
    struct doctor_line line = {.check = "dataset",
                               .what = "a dataset of its own is made and removed",
                               .is_ok = is_made && err->kind == ERROR_NONE,
                               .advice = ""};
    if (!is_made)
        line.advice = "grant roles/bigquery.user on the project for the time of this check "
                      "(bigquery.datasets.create); caseload itself needs it only to make its datasets";
    else if (!line.is_ok)
        line.advice = "remove it with bq rm -r -f -d; its tables expire within an hour";
    (void)snprintf(line.found, sizeof line.found, "%s%s%.400s", doctor->dataset, line.is_ok ? "" : ": ",
                   line.is_ok ? "" : err->text);
    return report(doctor, &line);
}

static bool run_checks(struct doctor *doctor)
{
    struct watch watch = {.doctor = doctor};
    pthread_t thread;
    bool is_ok = true;
    if (pthread_create(&thread, NULL, watch_time, &watch) != 0) abort(); /* like no memory */
    for (size_t i = 0; i < doctor_check_count; i++)
        is_ok = run_check(doctor, &doctor_checks[i]) && is_ok;
    atomic_store(&watch.is_done, true);
    (void)pthread_join(thread, NULL);
    return is_ok;
}

bool doctor_run(const struct doctor_settings *settings)
{
    struct doctor doctor = {.settings = settings};
    struct error err = {0};
    bool is_made = open_dataset(&doctor, &err), is_ok = is_made && run_checks(&doctor);
    doctor_close(&doctor.main);
    bool is_removed = is_made && remove_dataset(&doctor, &err);
    is_ok = report_dataset(&doctor, is_made, &err) && is_removed && is_ok;
    zone_free(doctor.zone);
    return is_ok;
}
