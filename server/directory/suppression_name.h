/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an entry of the suppressed addresses is called, and what is known under that name.  An entry stands for any spelling of its address, or for one.
 */
#ifndef SERVER_DIRECTORY_SUPPRESSION_NAME_H
#define SERVER_DIRECTORY_SUPPRESSION_NAME_H

#include "directory_internal.h"

#define SUPPRESSION_SCOPE_ROOM 256u
#define SUPPRESSION_NAME_ROOM  768u /* 64 of a subscription, 255 of a domain, 320 of an address */

struct suppression_name {
    char text[SUPPRESSION_NAME_ROOM];
    size_t len; /* SUPPRESSION_NAME_ROOM: it does not fit, and names nothing */
};
/* Empty when it did not fit. */
sgl_view suppression_name_view(const struct suppression_name *n);

/* "SUBSCRIPTION/DOMAIN/ADDRESS" with the address in lower case, and, if that differs, as it is given. Neither of the first two can have a slash. */
struct suppression_names {
    struct suppression_name folded, given;
    bool differ;
};
void suppression_spell(struct suppression_names *s, sgl_view subscription, sgl_view domain,
                       sgl_view address);
const struct suppression_name *suppression_given(const struct suppression_names *s);

/* ---- under the directory's lock ---- */

bool suppression_has(const struct directory *d, const struct suppression_name *n, int64_t now,
                     unsigned *word);
enum suppression_reason suppression_reason_of(unsigned word);
/* Of another reason than those that are passed over?  An entry of any spelling is there in lower case; one of a single spelling as that is, and says so. */
bool suppression_is_listed(const struct directory *d, const struct suppression_names *s,
                           int64_t now, unsigned passed, unsigned *word);
/* The same for what stops mail. */
bool suppression_is_covered(const struct directory *d, const struct suppression_names *s,
                            const struct suppression_question *q, unsigned *word);

#endif
