/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_REPORT_DSN_INTERNAL_H
#define LIB_REPORT_DSN_INTERNAL_H

#include "sigillo/dsn.h"

/* The text for people: some lines for each of some thousand recipients. */
#define SGL_DSN_TEXT_MAX (4u * 1024u * 1024u)
/* Of a server's answer or our reason; more tells nobody more. */
#define SGL_DSN_REASON_MAX 900

struct sgl_dsn_writing {
    struct sgl_buf *out;
    const struct sgl_dsn *d;
    struct sgl_buf scratch; /* one value */
    sgl_view returned;      /* what of the original goes back */
    bool returns_all, eightbit;
    uint8_t boundary[34];
};

/* Foreign text made harmless: line ends become blanks, other control characters, what is no UTF-8 and, without `utf8`, what is not ASCII become "?"; cut after max bytes. */
void sgl_dsn_put_clean(struct sgl_buf *out, sgl_view v, size_t max, bool utf8);
/* A field whose value is what the scratch holds; its failure becomes the report's. */
void sgl_dsn_put_scratch(struct sgl_dsn_writing *w, const char *name);
void sgl_dsn_put_boundary(struct sgl_dsn_writing *w, bool last);
enum sgl_dsn_action sgl_dsn_worst(const struct sgl_dsn *d);

/* First part: lines with CRLF, UTF-8. */
void sgl_dsn_put_text(struct sgl_buf *out, const struct sgl_dsn *d);
/* Second part, with its boundary and fields. */
void sgl_dsn_put_status(struct sgl_dsn_writing *w);
/* Will the second part hold bytes above 127? */
bool sgl_dsn_status_eightbit(const struct sgl_dsn *d);

#endif
