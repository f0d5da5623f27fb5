/* SPDX-License-Identifier: Apache-2.0 */
/* A wish for an SPF record, in words, and what was built as text. */
#ifndef TESTS_UNIT_SPF_BUILD_FIXTURE_H
#define TESTS_UNIT_SPF_BUILD_FIXTURE_H

#include "check.h"
#include "dns_fixture.h"
#include "sigillo/buf.h"
#include "sigillo/spf_build.h"

#define ARENA (8 * 1024 * 1024)
#define LISTS 16

/* What is asked for, in words: "192.0.2.1 2001:db8::/32", "b.test c.test", "news:b.test news:c.test". */
struct wish {
    const char *ip, *include, *subdomain, *existing, *term;
    enum sgl_spf_m365 m365;
    enum sgl_spf_policy policy;
    bool parked, offline;
};

struct asked {
    struct sgl_ip_prefix network[LISTS];
    struct sgl_name include[LISTS];
    struct sgl_spf_subdomain subdomain[LISTS];
    sgl_view term[LISTS];
    struct sgl_spf_build_request request;
};

static inline void make_request(struct dns_fixture *fx, const struct wish *w, struct asked *out)
{
    struct sgl_spf_build_request *r = &out->request;
    sgl_view rest;

    *r = (struct sgl_spf_build_request){.domain = fx->name,
                                        .m365 = w->m365,
                                        .network = out->network,
                                        .include = out->include,
                                        .subdomain = out->subdomain,
                                        .term = out->term,
                                        .policy = w->policy,
                                        .parked = w->parked,
                                        .offline = w->offline,
                                        .existing = sgl_view_cstr(w->existing)};
    for (rest = sgl_view_cstr(w->ip); rest.len > 0; r->networks++) {
        if (sgl_ip_prefix_parse(sgl_view_split(rest, ' ', &rest), &out->network[r->networks]) !=
            SGL_OK)
            fail_msg("not a network: %s", w->ip);
    }
    for (rest = sgl_view_cstr(w->term); rest.len > 0; r->terms++)
        out->term[r->terms] = sgl_view_split(rest, ' ', &rest);
    for (rest = sgl_view_cstr(w->include); rest.len > 0; r->includes++) {
        sgl_view word = sgl_view_split(rest, ' ', &rest);
        char name[300];

        snprintf(name, sizeof name, "%.*s", SGL_FMT(word));
        out->include[r->includes] = dns_fixture_name(fx, name);
    }
    for (rest = sgl_view_cstr(w->subdomain); rest.len > 0; r->subdomains++) {
        sgl_view service, label = sgl_view_split(sgl_view_split(rest, ' ', &rest), ':', &service);
        char name[300];

        snprintf(name, sizeof name, "%.*s", SGL_FMT(label));
        out->subdomain[r->subdomains].name = dns_fixture_name(fx, name);
        snprintf(name, sizeof name, "%.*s", SGL_FMT(service));
        out->subdomain[r->subdomains].include = dns_fixture_name(fx, name);
    }
}

static inline enum sgl_status build(struct dns_fixture *fx, enum dns_driver driver,
                                    const struct sgl_spf_build_request *request,
                                    struct sgl_arena *arena, struct sgl_spf_build *out)
{
    enum sgl_status st;

    out->records = 99;
    for (int passes = 0; (st = sgl_spf_build(request, &fx->dns, arena, out)) == SGL_NEED_DNS;
         passes++) {
        CHECK_TRUE("passes are bounded", passes < 300);
        CHECK_EQ("scratch memory goes back", arena->used, 0);
        CHECK_EQ("nothing leaks out of a pending pass", out->records, 99);
        dns_fixture_step(fx, driver);
    }
    return st;
}

/* "a.test v=spf1 -all | n.a.test= ...": a "=" behind a name whose record stands there already. */
static inline void put_records(const struct sgl_spf_build *b, struct sgl_buf *out)
{
    for (size_t i = 0; i < b->records; i++)
        sgl_buf_addf(out, "%s%.*s%s %.*s", i == 0 ? "" : " | ", SGL_FMT(b->record[i].name.text),
                     b->record[i].unchanged ? "=" : "", SGL_FMT(b->record[i].text));
}

static inline void put_codes(const struct sgl_findings *findings, struct sgl_buf *out)
{
    for (const struct sgl_finding *f = findings->first; f != NULL; f = f->next) {
        CHECK_TRUE("a sentence ends in a full stop", sgl_view_ends(f->text, SGL_LIT(".")));
        sgl_buf_addf(out, "%s%s", out->len == 0 ? "" : " ", f->code + 4);
    }
}

#define OUTLOOK "spf.protection.outlook.com TXT v=spf1 ip4:198.51.100.0/24 -all\n"
#define BULK    "sendgrid.net TXT v=spf1 ip4:192.0.2.0/24 ~all\n"
/* A service of five lookups. */
#define HEAVY                                                                                      \
    "h.test TXT v=spf1 exists:x.test exists:x.test exists:x.test exists:x.test ?all\n"             \
    "x.test A 192.0.2.1\n"

#endif
