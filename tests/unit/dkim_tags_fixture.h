/* SPDX-License-Identifier: Apache-2.0 */
/* The tags of a signature, as text. */
#ifndef TESTS_UNIT_DKIM_TAGS_FIXTURE_H
#define TESTS_UNIT_DKIM_TAGS_FIXTURE_H

#include "check.h"
#include "sigillo/dkim_verify.h"

#define BH   "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
#define BASE "v=1; a=rsa-sha256; d=example.org; s=s1; " BH "; b=AAAA; "
#define GOOD BASE "h=from"

/* What was read, in one line; what has its default is left out. */
static inline void put_tags(const struct sgl_dkim_tags *t, struct sgl_buf *out)
{
    sgl_buf_addf(out, "%.*s/%.*s/%.*s", SGL_FMT(t->domain), SGL_FMT(t->selector),
                 SGL_FMT(t->identity));
    if (t->algorithm_known)
        sgl_buf_addf(out, " a=%s", sgl_dkim_algorithm_name(t->alg));
    sgl_buf_addf(out, " c=%c%c h=", t->header_canon == SGL_DKIM_RELAXED ? 'r' : 's',
                 t->body_canon == SGL_DKIM_RELAXED ? 'r' : 's');
    for (size_t i = 0; i < t->signed_names; i++)
        sgl_buf_addf(out, "%s%.*s", i == 0 ? "" : ",", SGL_FMT(t->signed_name[i]));
    sgl_buf_addf(out, " b=%.*s:%zu bh=%zu", SGL_FMT(t->b), t->signature.len, t->body_hash.len);
    if (t->length != SGL_DKIM_ALL)
        sgl_buf_addf(out, " l=%" PRIu64, t->length);
    if (t->timestamp >= 0)
        sgl_buf_addf(out, " t=%" PRId64, t->timestamp);
    if (t->expires >= 0)
        sgl_buf_addf(out, " x=%" PRId64, t->expires);
    if (t->instance > 0)
        sgl_buf_addf(out, " i=%u cv=%.*s", t->instance, SGL_FMT(t->chain));
}

#define PLAIN   "example.org/s1/@example.org a=rsa-sha256 c=ss h=from b=AAAA:3 bh=32"
#define SYNTAX  SGL_DKIM_FAULT_SYNTAX
#define RULE    SGL_DKIM_FAULT_RULE
#define NOFAULT SGL_DKIM_FAULT_NONE

#endif
