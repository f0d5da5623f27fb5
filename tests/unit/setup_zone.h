/* SPDX-License-Identifier: Apache-2.0 */
/* A domain of its own zone with everything in place, or with one thing that is not; and a check of it. */
#ifndef TESTS_UNIT_SETUP_ZONE_H
#define TESTS_UNIT_SETUP_ZONE_H

#include <stdio.h>

#include "check.h"
#include "dns_fixture.h"
#include "setup_fixture.h"
#include "sigillo/ascii.h"

#define KEY       "v=DKIM1; k=ed25519; p=" ED25519_TEXT
#define OTHER_KEY "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

/* A domain of its own zone with everything in place, a line or more for each purpose. */
static const char *const in_place[SGL_SETUP_PURPOSES] = {
    [SGL_SETUP_OWNERSHIP] = "example.org TXT sigillo-domain-verification=abc\n",
    [SGL_SETUP_SPF] = "example.org TXT v=spf1 a:mail.host.test ~all\n",
    [SGL_SETUP_DKIM] = "s1._domainkey.example.org TXT " KEY "\n",
    [SGL_SETUP_DKIM2] = "s2._domainkey.example.org CNAME s2.keys.host.test\n",
    [SGL_SETUP_DMARC] = "_dmarc.example.org TXT v=DMARC1; p=none; rua=mailto:dmarc@example.org\n",
    [SGL_SETUP_RETURN_MX] = "bounce.example.org MX 10 mail.host.test\n",
    [SGL_SETUP_RETURN_SPF] = "bounce.example.org TXT v=spf1 a:mail.host.test ~all\n",
    [SGL_SETUP_MTA_STS] = "_mta-sts.example.org TXT v=STSv1; id=20260101;\n",
    [SGL_SETUP_MTA_STS_HOST] = "mta-sts.example.org CNAME mail.host.test\n",
    [SGL_SETUP_TLSRPT] =
        "_smtp._tls.example.org TXT v=TLSRPTv1; rua=mailto:tls-reports@example.org\n",
    [SGL_SETUP_NULL_MX] = "example.org NS ns.example.org\nmail.host.test A 192.0.2.1\n"
                          "s2.keys.host.test TXT " OTHER_KEY "\n",
};

struct setup_zone {
    char text[16384];
};

/* All of it, but `instead` for one purpose; SGL_SETUP_PURPOSES: for none. */
static inline const char *zone_with(struct setup_zone *z, enum sgl_setup_purpose purpose,
                                    const char *instead)
{
    size_t len = 0;

    for (size_t i = 0; i < SGL_SETUP_PURPOSES; i++) {
        if (i != (size_t)purpose)
            len += (size_t)snprintf(z->text + len, sizeof z->text - len, "%s", in_place[i]);
    }
    snprintf(z->text + len, sizeof z->text - len, "%s\n", instead);
    return z->text;
}

/* The second selector has another key. */
static const uint8_t second_key[32] = {
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};

static inline struct setup_fixture fixture(const char *domain)
{
    struct setup_fixture fx = setup_fixture_init(domain);

    fx.selector[1].algorithm = SGL_DKIM_ED25519_SHA256;
    fx.selector[1].public_key = sgl_view_of(second_key, 32);
    return fx;
}

static inline enum sgl_status run_check(struct dns_fixture *dns, enum dns_driver driver,
                                        const struct sgl_setup_request *request,
                                        struct sgl_arena *arena, struct sgl_setup *out)
{
    size_t used = arena->used;
    enum sgl_status st;
    int passes = 0;

    out->rows = 999;
    while ((st = sgl_setup_check(request, &dns->dns, arena, out)) == SGL_NEED_DNS) {
        CHECK_TRUE("passes are bounded", ++passes < 300);
        CHECK_EQ("scratch memory goes back", arena->used, used);
        CHECK_EQ("nothing leaks out of a pending pass", out->rows, 999);
        dns_fixture_step(dns, driver);
    }
    return st;
}

static inline void put_setup(const struct sgl_setup *s, struct sgl_buf *out)
{
    sgl_buf_addf(out, "%.*s known %d ready %d failed %d\n", SGL_FMT(s->zone.text), s->zone_known,
                 s->ready, s->failed);
    for (size_t i = 0; i < s->rows; i++) {
        const struct sgl_setup_row *r = &s->row[i];

        sgl_buf_addf(out, "%s %.*s %s %s: %.*s [%.*s] {%.*s} %d%d%zu\n",
                     sgl_setup_purpose_name(r->purpose), SGL_FMT(r->relative),
                     sgl_setup_state_name(r->state), r->code, SGL_FMT(r->why), SGL_FMT(r->value),
                     SGL_FMT(r->found), r->merged, r->publish, r->old_count);
    }
    sgl_buf_addf(out, "%s: %.*s [%.*s]\n", sgl_setup_step_name(s->coach.step),
                 SGL_FMT(s->coach.text), SGL_FMT(s->coach.record));
}

static inline const struct sgl_setup_row *row_of(const struct sgl_setup *s,
                                                 enum sgl_setup_purpose purpose)
{
    for (size_t i = 0; i < s->rows; i++) {
        if (s->row[i].purpose == purpose)
            return &s->row[i];
    }
    fail_msg("no row %s", sgl_setup_purpose_name(purpose));
    return NULL;
}

/* A record of one purpose instead of what is in place, and what is said of it. */
struct row {
    const char *name;
    enum sgl_setup_purpose purpose;
    const char *zone; /* instead of the line of the purpose */
    enum sgl_setup_state state;
    const char *code;
    const char *value; /* NULL: what is proposed at first */
    const char *says;  /* part of the sentence; NULL: none */
};

#define OWNERSHIP SGL_SETUP_OWNERSHIP
#define SPF       SGL_SETUP_SPF
#define DKIM      SGL_SETUP_DKIM
#define DKIM2     SGL_SETUP_DKIM2
#define DMARC     SGL_SETUP_DMARC
#define PRESENT   SGL_SETUP_PRESENT
#define MISSING   SGL_SETUP_MISSING
#define WRONG     SGL_SETUP_WRONG
#define UNKNOWN   SGL_SETUP_UNKNOWN
static inline void check_printable(const char *name, const struct sgl_setup *s)
{
    for (size_t i = 0; i < s->rows; i++) {
        const struct sgl_setup_row *r = &s->row[i];

        CHECK_TRUE(name, sgl_ascii_is_printable(r->value) && sgl_ascii_is_printable(r->found) &&
                             sgl_ascii_is_printable(r->why));
    }
    CHECK_TRUE(name, sgl_ascii_is_printable(s->coach.text));
    CHECK_TRUE(name, sgl_ascii_is_printable(s->coach.record));
}

#endif
