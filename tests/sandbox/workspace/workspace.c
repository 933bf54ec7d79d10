/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "workspace/record.h"

#define DAY_S      86400
#define FIRST_DAYS 53 /* before the start: when the oldest of the first records changed last */
#define LAST_DAYS  3

struct workspace {
    char *id;
    struct collection *collections;
    size_t count;
};

static void open_collection(struct collection *collection, const struct template_file *file, const char *id,
                            uint64_t seed)
{
    struct error err;
    *collection = (struct collection){
        .kind = file->kind, .workspace = id, .seed = hash_mix(seed ^ hash_text(file->kind))};
    pthread_mutex_init(&collection->lock, NULL);
    if (!json_read(file->text, strlen(file->text), NULL, &collection->data, &err)) {
        fprintf(stderr, "sandbox: templates of %s: %s\n", file->kind, err.text);
        abort();
    }
    const char *key = json_text_at(collection->data, "key");
    collection->key_member = key ? key : "id";
    const char *time = json_text_at(collection->data, "time");
    collection->time_member = time ? time : "updated_at";
    const char *created = json_text_at(collection->data, "created");
    collection->created_member = created ? created : "created_at";
    collection->is_frozen = json_is_true(json_object_get(collection->data, "frozen"));
    collection->keeps_time = json_is_true(json_object_get(collection->data, "keeps_time"));
    assert(json_array_size(json_object_get(collection->data, "made")) > 0);
}

struct workspace *workspace_new(const char *service, uint64_t seed, const char *id, int64_t start_s)
{
    struct workspace *workspace = mem_zero(1, sizeof *workspace);
    size_t files = 0;
    while (template_files[files].kind)
        files++;
    workspace->id = mem_text(id);
    workspace->collections = mem_zero(files, sizeof *workspace->collections);
    for (size_t i = 0; i < files; i++) {
        if (strcmp(template_files[i].service, service) != 0) continue;
        struct collection *collection = &workspace->collections[workspace->count++];
        open_collection(collection, &template_files[i], workspace->id, seed);
        collection_fill(collection, start_s - FIRST_DAYS * DAY_S, start_s - LAST_DAYS * DAY_S,
                        json_int_at(collection->data, "count", 0));
    }
    return workspace;
}

static void close_collection(struct collection *collection)
{
    for (size_t i = 0; i < collection->count; i++) {
        struct record *record = &collection->records[i];
        for (uint32_t v = 0; v <= record->past_count; v++)
            json_decref(version_of(collection, i, v)->given);
        free(record->past);
        free(record->key);
    }
    for (size_t i = 0; i < collection->removal_count; i++)
        free(collection->removals[i].value);
    free(collection->removals);
    free(collection->batches);
    free(collection->records);
    free(collection->slots);
    json_decref(collection->data);
    pthread_mutex_destroy(&collection->lock);
}

void workspace_free(struct workspace *workspace)
{
    if (!workspace) return;
    for (size_t i = 0; i < workspace->count; i++)
        close_collection(&workspace->collections[i]);
    free(workspace->collections);
    free(workspace->id);
    free(workspace);
}

struct collection *workspace_find(const struct workspace *workspace, const char *kind)
{
    for (size_t i = 0; i < workspace->count; i++) {
        if (strcmp(workspace->collections[i].kind, kind) == 0) return &workspace->collections[i];
    }
    return NULL;
}
