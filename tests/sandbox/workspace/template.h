/* SPDX-License-Identifier: Apache-2.0 */
/* template.h - JSON text made of templates, which are data: tests/data/<service>/<kind>.json.
 *
 * A template is a JSON value in which some strings stand for others. In any string these are replaced:
 *
 *   {id} {workspace}     of the record               {sequence} {version}   both from 0
 *   {index}              place in a list, from 1     {child}                a child's id
 *   {other} {value}      the record merged into this one, and its value of the member that decides merges
 *
 * A string that begins with "$" stands for a whole value:
 *
 *   $id, $child          the id as an integer        $number 1000        an integer below that
 *   $created, $updated   the record's times          $number -5 10       an integer from -5 to 9
 *   $time                within 90 days before the   $digits 1000        the same as text
 *                        update                      $real               a number with a fraction
 *   $at                  the time of a merge         $flag               true or false
 *   $step 60             by {index}: creation plus   $redacted           is the child redacted?
 *                        so many seconds each        $body, $body html   a text of the size asked for
 *   $name $word $title $text $long $html $email
 *
 * Times are seconds; "$updated iso" is text, "$updated second" the same without a fraction, "$updated ms"
 * milliseconds, "$updated either" seconds or text. An object whose first key begins with "$" stands for a
 * choice:
 *
 *   {"$one of": [a, b]}    {"$list of": a, "most": 3}    {"$null or": a}    {"$absent or": a}
 *   {"$one in": 50, "then": a, "else": b}   a once in 50 times; a missing branch is an absent member
 *   {"$if": "redacted", "then": a, "else": b}   the same by the child's state; {"$if": "children"}: are they
 * shown? {"$if": "on demand"}: is it asked for?
 *   {"$turn": [a, b]}                       by {index}
 *   {"$always": a}                          the same in every version
 *
 * All is chosen by the seed. From one version to the next about a quarter of the values is chosen again.
 * Words that the caller's `extend` knows come before these. An unknown word aborts: it is a mistake in the
 * data. Borrows everything. Any thread.
 */
#ifndef CASELOAD_SANDBOX_WORKSPACE_TEMPLATE_H
#define CASELOAD_SANDBOX_WORKSPACE_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct template_context {
    uint64_t seed;
    uint64_t sequence;
    uint32_t version;
    int64_t created_s, updated_s, at_s;
    const char *id, *workspace, *child, *other, *value;
    uint64_t index;
    uint32_t body_bytes;
    bool is_redacted;
    bool has_children; /* the body is written with them */
    bool is_on_demand; /* ... and members that are only shown on demand */
    bool is_plain;     /* texts are without markup, wherever there is a choice */
    /* Writes the value of a word of the caller's own; false: it is not one. May be NULL. */
    bool (*extend)(void *self, const char *word, const char *argument, struct buf *out);
    void *self;
};

/* One text for each kind, embedded at build time; ends with a zeroed one. */
struct template_file {
    const char *service, *kind, *text;
};

extern const struct template_file template_files[];

/* Adds the value's text. False: the value is absent, and nothing was added. */
bool template_write(const json_t *value, const struct template_context *context, struct buf *out);
/* One member of a template that is an object, as template_write writes it. */
bool template_write_member(const json_t *object, const char *name, const struct template_context *context,
                           struct buf *out);
int64_t template_number(const json_t *value, const struct template_context *context, int64_t fallback);

#endif
