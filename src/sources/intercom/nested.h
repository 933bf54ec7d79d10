/* nested.h - records inside of records that tables of several files share.
 *
 * The sizes stand here so that COUNT works in each file. One that is too small does not compile; one that is
 * too large leaves a column without a name, which the test of the tables finds.
 */
#ifndef CASELOAD_SOURCES_INTERCOM_NESTED_H
#define CASELOAD_SOURCES_INTERCOM_NESTED_H

#include "tables.h"

extern const struct column nested_reference[2];   /* {type, id} */
extern const struct column nested_person[4];      /* who is not more than a name and an address */
extern const struct column nested_attachment[7];  /* a file */
extern const struct column nested_tags[2];        /* a list of tags, with who put them on */
extern const struct column nested_contact[3];     /* a user or lead */
extern const struct column nested_contacts[2];    /* a list of them */
extern const struct column nested_linked_list[4]; /* conversations and tickets that belong together */
extern const struct column nested_parts[2];       /* a list of parts, after the parts have left it */
extern const struct column nested_admin[13];      /* an admin inside of another record */
extern const struct column nested_company[20];    /* a company inside of another record */

#endif
