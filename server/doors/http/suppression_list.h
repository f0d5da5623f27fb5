/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of suppressed addresses, read from CSV: what the columns are, and what a line may say.  Whether an address is one, the directory sees.  Nothing is done here.
 */
#ifndef SERVER_DOORS_HTTP_SUPPRESSION_LIST_H
#define SERVER_DOORS_HTTP_SUPPRESSION_LIST_H

#include "../../directory/directory.h"
#include "csv.h"

/* ---- as they are given: members of JSON, columns of CSV, parameters of a query ---- */

enum admin_suppression_part {
    SUPPRESSION_ADDRESS,
    SUPPRESSION_DOMAIN,
    SUPPRESSION_REASON,
    SUPPRESSION_CASE_SENSITIVE,
    SUPPRESSION_CREATED_AT,
    SUPPRESSION_EXPIRES_AT,
    SUPPRESSION_REPLY,
    SUPPRESSION_PARTS
};
extern const char *const admin_suppression_part[SUPPRESSION_PARTS]; /* "address" ... */
/* One part into *to, borrowed; an empty one changes nothing. NULL, or the rule that it breaks. */
const char *admin_suppression_take(enum admin_suppression_part part, sgl_view text,
                                   struct suppression *to);

/* ---- the list ---- */

struct suppression_list {
    struct suppression given; /* what counts for lines that do not say it; borrowed */
    struct suppression *item; /* views into the text */
    size_t *line;             /* of each item, from 1 */
    size_t items, room;
    enum admin_suppression_part column[CSV_FIELDS_MAX];
    size_t columns;
    size_t fault_line; /* 0: there is none, or memory has ended */
    char fault[320];   /* "reason: ...", for people */
};
void suppression_list_init(struct suppression_list *l);
void suppression_list_done(struct suppression_list *l);
/* Once. text is changed, and has to outlive the items. false: a fault, or memory has ended. At most DIRECTORY_SUPPRESSIONS_MAX items. */
bool suppression_list_read(struct suppression_list *l, void *text, size_t len);
/* A fault of a line that was found later. */
void suppression_list_fault(struct suppression_list *l, size_t line, const char *field,
                            const char *why);

#endif
