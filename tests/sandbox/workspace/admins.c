/* SPDX-License-Identifier: Apache-2.0 */
/* admins.c - what the list of admins says. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "workspace/admins.h"
#include "workspace/records.h"

#define ADMINS      7 /* to begin with */
#define ADMINS_MOST 64
#define ADMIN_LIMIT 65536

struct admins {
    pthread_mutex_t lock;
    uint64_t seed, choices;
    size_t count; /* now */
    size_t ever;
    uint32_t revisions[ADMINS_MOST]; /* the newest of each */
};

struct admins *admins_new(uint64_t seed)
{
    struct admins *admins = mem_zero(1, sizeof *admins);
    admins->seed = mix(seed + 77);
    admins->count = admins->ever = ADMINS;
    pthread_mutex_init(&admins->lock, NULL);
    return admins;
}

void admins_free(struct admins *admins)
{
    if (!admins) return;
    pthread_mutex_destroy(&admins->lock);
    free(admins);
}

static void put_ids(struct buf *out, const char *name, struct dice *dice)
{
    put_open(out, name, '[');
    for (uint32_t i = roll(dice, 4); i > 0; i--)
        put_integer(out, NULL, 500 + roll(dice, 500));
    buf_byte(out, ']');
}

static void write_admin(const struct admins *admins, size_t number, uint32_t revision, struct buf *out)
{
    struct dice self = {.state = admins->seed ^ mix(number)};
    struct dice now = {.state = mix(self.state) ^ mix(revision)};
    put_name(out, NULL);
    buf_byte(out, '{');
    put_text(out, "type", "admin");
    put_format(out, "id", "%zu", 7001 + number);
    put_text(out, "name", roll(&self, 2) ? "Zoë Müller" : "王小明");
    put_format(out, "email", "admin%zu@example.com", number);
    put_text(out, "job_title", roll(&now, 3) ? "Support" : NULL);
    put_bool(out, "away_mode_enabled", revision % 2 == 1);
    put_bool(out, "away_mode_reassign", roll(&now, 2));
    if (revision % 2 == 1)
        put_integer(out, "away_status_reason_id", roll(&now, 100));
    else
        put_text(out, "away_status_reason_id", NULL);
    put_bool(out, "has_inbox_seat", roll(&self, 2));
    put_ids(out, "team_ids", &now);
    if (roll(&self, 3) == 0) /* as before 2.12 */
        put_word(out, "avatar", "{\"type\":\"avatar\",\"image_url\":\"https://example.com/a.png\"}");
    else
        put_text(out, "avatar", roll(&self, 2) ? "https://example.com/b.png" : NULL);
    put_open(out, "team_priority_level", '{');
    put_ids(out, "primary_team_ids", &now);
    put_text(out, "secondary_team_ids", NULL);
    buf_byte(out, '}');
    if (roll(&self, 2)) put_word(out, "role", "{\"type\":\"role\",\"id\":\"12\",\"name\":\"Agent\"}");
    put_integer(out, "revision", revision); /* no schema knows it */
    buf_byte(out, '}');
}

void admins_write(struct admins *admins, struct buf *out)
{
    pthread_mutex_lock(&admins->lock);
    buf_byte(out, '[');
    for (size_t i = 0; i < admins->count; i++)
        write_admin(admins, i, admins->revisions[i], out);
    buf_byte(out, ']');
    pthread_mutex_unlock(&admins->lock);
}

void admins_touch(struct admins *admins, int64_t count)
{
    pthread_mutex_lock(&admins->lock);
    for (; count > 0 && admins->count > 0; count--)
        admins->revisions[mix(admins->seed ^ ++admins->choices) % admins->count]++;
    pthread_mutex_unlock(&admins->lock);
}

void admins_join(struct admins *admins)
{
    pthread_mutex_lock(&admins->lock);
    if (admins->count < ADMINS_MOST) admins->count++;
    if (admins->ever < admins->count) admins->ever = admins->count;
    pthread_mutex_unlock(&admins->lock);
}

void admins_leave(struct admins *admins)
{
    pthread_mutex_lock(&admins->lock);
    if (admins->count > 0) admins->count--;
    pthread_mutex_unlock(&admins->lock);
}

json_t *admins_revision(struct admins *admins, size_t number, uint32_t revision)
{
    AUTO(buf_done) struct buf text;
    struct error err;
    json_t *admin = NULL;
    buf_init(&text, ADMIN_LIMIT);
    pthread_mutex_lock(&admins->lock);
    if (number < admins->ever && revision <= admins->revisions[number])
        write_admin(admins, number, revision, &text);
    pthread_mutex_unlock(&admins->lock);
    if (text.size > 0 && !json_read(buf_string(&text), text.size, NULL, &admin, &err)) abort();
    return admin;
}

size_t admins_count(struct admins *admins)
{
    pthread_mutex_lock(&admins->lock);
    size_t count = admins->count;
    pthread_mutex_unlock(&admins->lock);
    return count;
}
