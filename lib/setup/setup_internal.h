/* SPDX-License-Identifier: Apache-2.0 */
/* One call: setup_rows.c says what to publish, setup_check.c has the order in which it is compared with what is there, the other files one kind of record each. */
#ifndef LIB_SETUP_INTERNAL_H
#define LIB_SETUP_INTERNAL_H

#include "sigillo/setup.h"

struct setup_work {
    const struct sgl_setup_request *request;
    struct sgl_dns *dns; /* NULL: rows only */
    struct sgl_arena *arena;
    struct sgl_setup *s;       /* becomes the result */
    struct sgl_setup_row *row; /* s->row, while it is being written */
};

/* The rows as they are where nothing is published, and s->zone by request and Public Suffix List. */
enum sgl_status sgl_setup_make_rows(struct setup_work *w) SGL_MUST_USE;
/* Sets the relative names for a zone. */
void sgl_setup_set_zone(struct setup_work *w, struct sgl_name zone);
/* The row of this purpose; NULL: there is none. */
struct sgl_setup_row *sgl_setup_row_for(struct setup_work *w, enum sgl_setup_purpose purpose);
/* Formats our own words and names into the arena. */
enum sgl_status sgl_setup_text(struct setup_work *w, sgl_view *out, const char *format,
                               ...) SGL_MUST_USE SGL_PRINTF(3, 4);

#endif
