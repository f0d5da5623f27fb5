/* SPDX-License-Identifier: Apache-2.0 */
/* From what is known of a domain to Postfix's words.  Pure. */
#ifndef SERVER_TLS_POLICY_ANSWER_H
#define SERVER_TLS_POLICY_ANSWER_H

#include "../sts/sts.h"
#include "sigillo/buf.h"

#define ANSWER_MAX 100000 /* the client takes no longer reply [socketmap_table(5)] */

/* The hosts of a domain, by what DANE says of them. */
struct answer_dane {
    bool failed;     /* which hosts there are is not known */
    size_t proved;   /* named by a secure MX, with secure TLSA records that can be used */
    size_t bare;     /* without such */
    size_t unknown;  /* the lookup failed, or was forged */
    const char *why; /* of failed, unknown; printable */
};
struct answer_facts {
    sgl_view domain;
    const struct sts_answer *sts;
    const struct answer_dane *dane; /* NULL: nobody has looked */
    bool says_dane;                 /* DANE is said, not left to Postfix's own level */
    bool details;                   /* what a report tells of the policy, too */
};
/* Has DANE to be looked at?  Where no policy demands anything it is Postfix's alone. */
bool answer_needs_dane(const struct sts_answer *sts, bool says_dane);
/* "OK secure match=... servername=hostname", "OK dane-only", "NOTFOUND ", "TEMP why".  One line, printable. */
void answer_put(const struct answer_facts *f, struct sgl_buf *out);

#endif
