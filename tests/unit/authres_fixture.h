/* SPDX-License-Identifier: Apache-2.0 */
/* Results as text, to compare them. */
#ifndef TESTS_UNIT_AUTHRES_FIXTURE_H
#define TESTS_UNIT_AUTHRES_FIXTURE_H

#include "check.h"
#include "sigillo/authres.h"

#define V(s) sgl_view_cstr(s)

/* "id | method[/v]=result !reason ptype.property=value ... | ..." */
static inline void show(const struct sgl_authres *ar, struct sgl_buf *to)
{
    sgl_buf_add(to, ar->authserv_id);
    for (size_t i = 0; i < ar->results; i++) {
        const struct sgl_authres_result *r = &ar->result[i];

        sgl_buf_addf(to, " | %.*s", SGL_FMT(r->method));
        if (r->version != 1)
            sgl_buf_addf(to, "/%u", r->version);
        sgl_buf_addf(to, "=%.*s", SGL_FMT(r->result));
        if (r->reason.ptr != NULL)
            sgl_buf_addf(to, " !%.*s", SGL_FMT(r->reason));
        for (size_t p = 0; p < r->properties; p++)
            sgl_buf_addf(to, " %.*s.%.*s=%.*s", SGL_FMT(r->property[p].ptype),
                         SGL_FMT(r->property[p].property), SGL_FMT(r->property[p].value));
    }
}

/* A number below `below`; the same ones in each run. */
static inline uint32_t draw(uint32_t below)
{
    static uint32_t seed = 1;

    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

#endif
