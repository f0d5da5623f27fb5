/* SPDX-License-Identifier: Apache-2.0 */
/* One tree of SPF records, and what it says as text. */
#ifndef TESTS_UNIT_SPF_TREE_FIXTURE_H
#define TESTS_UNIT_SPF_TREE_FIXTURE_H

#include "check.h"
#include "dns_fixture.h"
#include "sigillo/buf.h"
#include "sigillo/spf.h"

#define ARENA (8 * 1024 * 1024)

static inline enum sgl_status tree_of(struct dns_fixture *fx, enum dns_driver driver,
                                      struct sgl_arena *arena, struct sgl_spf_tree *out)
{
    enum sgl_status st;

    out->lookups = 99;
    for (int passes = 0; (st = sgl_spf_tree(fx->name, &fx->dns, arena, out)) == SGL_NEED_DNS;
         passes++) {
        CHECK_TRUE("passes are bounded", passes < 3000);
        CHECK_EQ("scratch memory goes back", arena->used, 0);
        CHECK_EQ("nothing leaks out of a pending pass", out->lookups, 99);
        dns_fixture_step(fx, driver);
    }
    return st;
}

/* "ip4:192.0.2.1 include:b.test=1(a=1 -all) ~exp=x": a term, what it costs, "~" when ignored, "!" at a fault, what hangs below it. */
static inline void put_nodes(const struct sgl_spf_node *node, size_t count, struct sgl_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct sgl_spf_node *n = &node[i];

        sgl_buf_addf(out, "%s%s%.*s%s", i == 0 ? "" : " ", n->ignored ? "~" : "", SGL_FMT(n->text),
                     n->fault[0] == '\0' ? "" : "!");
        if (n->lookups > 0)
            sgl_buf_addf(out, "=%u", n->lookups);
        if (n->children > 0) {
            sgl_buf_add_byte(out, '(');
            put_nodes(n->child, n->children, out);
            sgl_buf_add_byte(out, ')');
        }
    }
}

static inline void put_codes(const struct sgl_findings *findings, struct sgl_buf *out)
{
    for (const struct sgl_finding *f = findings->first; f != NULL; f = f->next) {
        CHECK_TRUE("a sentence ends in a full stop", sgl_view_ends(f->text, SGL_LIT(".")));
        CHECK_TRUE("errors and warnings say what helps, unless nothing does",
                   f->severity == SGL_INFO || f->mend.len > 0 || f->text.len < 60);
        CHECK_TRUE("codes begin with spf-",
                   sgl_view_starts(sgl_view_cstr(f->code), SGL_LIT("spf-")));
        sgl_buf_addf(out, "%s%s", out->len == 0 ? "" : " ", f->code + 4);
    }
}

#define A4 "A 192.0.2.1\n"
#define A6 "AAAA 2001:db8::1\n"

#endif
