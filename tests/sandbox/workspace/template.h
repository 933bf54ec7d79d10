/* SPDX-License-Identifier: Apache-2.0 */
/* template.h - records made of templates, which are data: tests/data/intercom/<kind>.json.
 *
 *   {"key": "full_name",   the member by which a record is known; without it "id"
 *    "id": "serial",       how its id looks: serial (from "first" on), hex or uuid
 *    "first": 901,
 *    "count": 12,          records to begin with
 *    "frozen": true,       a record never changes
 *    "fixed": [...],       templates of the first records, one each
 *    "made": [...]}        templates of all others, by turns
 *
 * A template is a record in which some strings stand for values: the id is put for {id}, and so {workspace},
 * {sequence} (of the record, from 0) and {version} (from 0) inside any string. A string that is one of these
 * stands for another value:
 *
 *   $id          the id as an integer                    $number 1000  an integer below that
 *   $created     seconds; "$created iso" as text,        $digits 1000  the same as text
 *   $updated     "$created either" sometimes so,         $real         a number with a fraction
 *   $time        and sometimes so; $time is any time     $flag         true or false
 *                before the update                       $name, $title, $text, $long, $html, $email, $word
 *
 * An object with one of these members stands for a choice:
 *
 *   {"$one of": [a, b]}   {"$list of": a, "most": 3}   {"$null or": a}   {"$absent or": a}
 *
 * All is chosen by the seed; from one version to the next about a quarter of the values is chosen again.
 */
#ifndef CASELOAD_SANDBOX_WORLD_TEMPLATE_H
#define CASELOAD_SANDBOX_WORLD_TEMPLATE_H

#include <jansson.h>
#include <stdint.h>

struct template_record {
    uint64_t seed; /* of the record */
    uint64_t sequence;
    uint32_t version;
    int64_t created_s, updated_s;
    const char *id, *workspace;
};

/* One text for each kind, embedded at build time; ends with a zeroed one. */
struct template_file {
    const char *kind, *text;
};

extern const struct template_file template_files[];

json_t *template_make(const json_t *value, const struct template_record *record); /* yours */
uint64_t template_hash(const char *text);

#endif
