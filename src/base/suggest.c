/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LONGEST 128 /* no name of ours is longer */
#define CLOSE   2

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool swapped(const char *a, const char *b, size_t i, size_t j)
{
    return i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
}

size_t suggest_distance(const char *a, const char *b, size_t most)
{
    size_t rows[3][LONGEST + 1]; /* the row being filled and the two before it */
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    size_t gap = a_size > b_size ? a_size - b_size : b_size - a_size;
    if (gap > most || a_size > LONGEST || b_size > LONGEST) return most + 1;
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            now[j] = least(before[j] + 1, now[j - 1] + 1);
            now[j] = least(now[j], before[j - 1] + (a[i - 1] != b[j - 1]));
            if (swapped(a, b, i, j)) now[j] = least(now[j], rows[(i + 1) % 3][j - 2] + 1);
        }
    }
    return least(rows[a_size % 3][b_size], most + 1);
}

const char *suggest_name(const char *name, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_distance = CLOSE + 1;
    for (size_t i = 0; i < count; i++) {
        if (!names[i]) continue;
        size_t distance = suggest_distance(name, names[i], CLOSE);
        /* Two short names that have no letter in common are not near, whatever the distance says. */
        if (distance < best_distance && (distance < strlen(names[i]) || distance == 0)) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}

const char *suggest_hint(const char *name, const char *const *names, size_t count, const char *otherwise,
                         char out[SUGGEST_HINT])
{
    const char *meant = suggest_name(name, names, count);
    if (meant)
        (void)snprintf(out, SUGGEST_HINT, "did you mean \"%s\"?", meant);
    else
        (void)snprintf(out, SUGGEST_HINT, "%s", otherwise);
    return out;
}
