/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_MAIL_COMPOSE_INTERNAL_H
#define LIB_MAIL_COMPOSE_INTERNAL_H

#include "sigillo/compose.h"

enum sgl_encoding { SGL_ENCODING_7BIT, SGL_ENCODING_8BIT, SGL_ENCODING_QP, SGL_ENCODING_BASE64 };

/* A text ready to be written. */
struct sgl_composed_text {
    sgl_view view;       /* CRLF line ends only */
    struct sgl_buf crlf; /* holds it when the caller's had others */
    enum sgl_encoding encoding;
};

struct sgl_composing {
    struct sgl_buf *out;
    const struct sgl_compose *description;
    struct sgl_diag *diag;
    struct sgl_buf scratch; /* one header value */
    struct sgl_arena arena; /* one content type */
    struct sgl_composed_text text, html;
    bool eightbit; /* a text goes as 8bit */
};

/* Notes the reason, off = index; SGL_E_SYNTAX. */
enum sgl_status sgl_compose_refuse(const struct sgl_composing *c, const char *what,
                                   const char *rule, size_t index);

bool sgl_compose_text_ok(sgl_view text);
/* Line ends made CRLF, encoding chosen; nothing for ptr NULL. */
enum sgl_status sgl_compose_prepare_text(const struct sgl_composing *c, sgl_view text,
                                         struct sgl_composed_text *out);
size_t sgl_compose_text_bound(sgl_view text);

enum sgl_status sgl_compose_put_form(struct sgl_composing *c, const struct sgl_compose_form *form,
                                     size_t index);
/* One part with its fields, the empty line and its encoded body; without a line end behind it. */
enum sgl_status sgl_compose_put_text(struct sgl_composing *c, const struct sgl_composed_text *text,
                                     const char *subtype);
enum sgl_status sgl_compose_put_part(struct sgl_composing *c, const struct sgl_compose_part *part,
                                     size_t index, bool related);

#endif
