/* SPDX-License-Identifier: Apache-2.0 */
/* One evaluation of DMARC: a row, and what runs it by all three drivers. */
#ifndef TESTS_UNIT_DMARC_FIXTURE_H
#define TESTS_UNIT_DMARC_FIXTURE_H

#include "check.h"
#include "dns_fixture.h"
#include "sigillo/buf.h"
#include "sigillo/dmarc.h"

#define D(name, text) "_dmarc." name " TXT v=DMARC1; " text "\n"

/*
 * spf, dkim: domains that passed; "?" in front: temperror, "!": failed.
 * want: "result policy-domain org tag:requested/policy/disposition SD", S and D for aligned SPF and DKIM; "t" behind it: softened, "e": existence
 * unknown; a domain is "-" for the root.
 */
struct row {
    const char *name, *zone, *author, *spf, *dkim, *want;
};

#define IDS_MAX 40

static inline size_t identifiers(const char *text, struct sgl_dmarc_identifier *out)
{
    sgl_view rest = sgl_view_cstr(text);
    size_t n = 0;

    while (rest.len > 0) {
        sgl_view item = sgl_view_split(rest, ' ', &rest);
        enum sgl_dmarc_auth auth = item.ptr[0] == '?'   ? SGL_DMARC_AUTH_TEMPERROR
                                   : item.ptr[0] == '!' ? SGL_DMARC_AUTH_FAIL
                                                        : SGL_DMARC_AUTH_PASS;

        assert_true(n < IDS_MAX);
        out[n].auth = auth;
        out[n++].domain = auth == SGL_DMARC_AUTH_PASS ? item : sgl_view_from(item, 1);
    }
    return n;
}

static inline void put_name(struct sgl_buf *out, struct sgl_name name)
{
    sgl_buf_addf(out, " %.*s", name.text.len == 0 ? 1 : (int)name.text.len,
                 name.text.len == 0 ? "-" : (const char *)name.text.ptr);
}

static inline void describe(const struct sgl_dmarc *d, struct sgl_buf *out)
{
    sgl_buf_add_cstr(out, sgl_dmarc_result_name(d->result));
    put_name(out, d->policy_domain);
    put_name(out, d->org);
    if (d->has_policy)
        sgl_buf_addf(out, " %s:%s/%s/%s %c%c%s%s", d->tag, sgl_dmarc_policy_name(d->requested),
                     sgl_dmarc_policy_name(d->policy), sgl_dmarc_policy_name(d->disposition),
                     d->spf_aligned ? 'S' : '.', d->dkim_aligned ? 'D' : '.', d->tested ? "t" : "",
                     d->author_exists_unknown ? "e" : "");
}

static inline enum sgl_status drive(struct dns_fixture *fx, enum dns_driver driver,
                                    const struct sgl_dmarc_request *request,
                                    struct sgl_arena *arena, struct sgl_dmarc *out)
{
    size_t used = arena->used;
    enum sgl_status st;

    for (int passes = 0; (st = sgl_dmarc_check(request, &fx->dns, arena, out)) == SGL_NEED_DNS;
         passes++) {
        CHECK_TRUE("passes are bounded", passes < (driver == DNS_ALL_AT_ONCE ? 4 : 100));
        CHECK_EQ("scratch memory goes back", arena->used, used);
        CHECK_EQ("nothing leaks out of a pending pass", out->result, 99);
        dns_fixture_step(fx, driver);
    }
    return st;
}

static inline void run_row(const struct row *row, const struct sgl_psl *psl,
                           enum sgl_dmarc_rules rules, unsigned sample)
{
    for (int driver = 0; driver < DNS_DRIVERS; driver++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init(row->author, row->zone);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(2000);
        struct sgl_dmarc_identifier spf[IDS_MAX], dkim[IDS_MAX];
        struct sgl_dmarc_request request = {.author = fx.name,
                                            .spf = identifiers(row->spf, spf) > 0 ? spf : NULL,
                                            .dkim = dkim,
                                            .dkims = identifiers(row->dkim, dkim),
                                            .rules = rules,
                                            .psl = psl,
                                            .sample = sample};
        struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};

        CHECK_EQ(row->name, drive(&fx, (enum dns_driver)driver, &request, &arena, &d), SGL_OK);
        describe(&d, &got);
        CHECK_VIEW(row->name, sgl_buf_view(&got), sgl_view_cstr(row->want));
        CHECK_EQ(row->name, d.reason[0] == 0, d.result == SGL_DMARC_PASS);
        CHECK_TRUE(row->name, d.asked_count > 0 && sgl_name_eq(d.asked[0], d.author));
        CHECK_EQ(row->name, d.rules, rules);
    }
}

#endif
