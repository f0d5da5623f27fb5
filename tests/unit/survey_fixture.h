/* SPDX-License-Identifier: Apache-2.0 */
/* A domain that has everything, and a survey of it. */
#ifndef TESTS_UNIT_SURVEY_FIXTURE_H
#define TESTS_UNIT_SURVEY_FIXTURE_H

#include "check.h"
#include "crypto_fixture.h"
#include "dns_fixture.h"
#include "sigillo/survey.h"

#define H256 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
/* RFC 8463's key, and an RSA key of 2048 bits. */
#define ED25519 "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RSA                                                                                        \
    "v=DKIM1; k=rsa; p="                                                                           \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoD8UFJXEkgs2Ap6ZgFfz5kzpel"                       \
    "WO80WseLMtcIVxh4m0IXGxD8ACo35qItrHGuLuThMXf7dQ7eppvFDcrJk0xunIOi7rZj8x"                       \
    "SqlaJIMhMHLiTGziD1iPbGZBtP5EECA2VHPCRXWR/9cltH0kxJCF+c4gOac6o+i6cV2DF9"                       \
    "aBsqQPt8nc6MF+rwluUa7HKeL4s8fjPwEqfwJhUWURtc5KgKiw8LeKiUcLLuZFunbmA/um"                       \
    "+EHxXSf32NRBGNlHQnVO1AfsEjucjipumcCB5xupWhcgL6lL0iEJT1nfN5AfPtprs1muGP"                       \
    "sdDdVL0wfiaNpihRwGmWeN5n05+HeJgqywVQIDAQAB"
#define GOOD_MX                                                                                    \
    "a.test MX 10 mx.a.test\nmx.a.test A 9.9.9.9\nmx.a.test AAAA 2620:fe::9\n"                     \
    "_25._tcp.mx.a.test TLSA 3 1 1 " H256 "\n"
#define GOOD_AUTH                                                                                  \
    "a.test TXT v=spf1 ip4:9.9.9.9 -all\ns1._domainkey.a.test TXT " RSA "\n"                       \
    "_dmarc.a.test TXT v=DMARC1; p=reject; rua=mailto:d@a.test\n"
#define GOOD_STS                                                                                   \
    "_mta-sts.a.test TXT v=STSv1; id=1;\n_smtp._tls.a.test TXT v=TLSRPTv1; rua=mailto:t@a.test\n"
#define POLICY "version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 604800\n"
#define GOOD   "$SECURE\n" GOOD_MX GOOD_AUTH GOOD_STS

static inline enum sgl_status run_survey(struct dns_fixture *fx, enum dns_driver driver,
                                         const struct sgl_survey_request *request,
                                         struct sgl_arena *arena, struct sgl_survey *out,
                                         int *passes)
{
    size_t used = arena->used;
    enum sgl_status st;

    while ((st = sgl_survey(request, &fx->dns, arena, out)) == SGL_NEED_DNS) {
        (*passes)++;
        CHECK_TRUE("passes are bounded", *passes < 400);
        CHECK_EQ("scratch memory goes back", arena->used, used);
        CHECK_EQ("nothing leaks out of a pending pass", out->points, 999);
        dns_fixture_step(fx, driver);
    }
    return st;
}

/* All that a survey says, as text: the drivers have to agree to the letter. */
static inline void put_survey(const struct sgl_survey *s, struct sgl_buf *out)
{
    sgl_buf_addf(out, "%c %u %zu %zu %d %d\n", s->mark, s->points, s->errors, s->warnings,
                 s->failed, s->policy_wanted);
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        const struct sgl_survey_judged *p = &s->part[i];

        sgl_buf_addf(out, "%s %s %u/%u %.*s\n", sgl_survey_part_name((enum sgl_survey_part)i),
                     sgl_survey_state_name(p->state), p->points, p->points_max,
                     SGL_FMT(p->summary));
        for (const struct sgl_finding *f = p->findings.first; f != NULL; f = f->next)
            sgl_buf_addf(out, "  %s %s: %.*s [%.*s]\n", sgl_severity_name(f->severity), f->code,
                         SGL_FMT(f->text), SGL_FMT(f->mend));
    }
    for (size_t i = 0; i < SGL_SURVEY_RULES; i++)
        sgl_buf_addf(out, "%s: %s: %s\n", s->rule[i].receivers, s->rule[i].text,
                     sgl_survey_met_name(s->rule[i].met));
}

static inline bool has(const struct sgl_survey *s, const char *code)
{
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        if (sgl_findings_have(&s->part[i].findings, code))
            return true;
    }
    return false;
}

struct row {
    const char *name, *zone;
    const char *policy;   /* NULL: not fetched; "!why": failed; "?": its host is not known */
    const char *selector; /* NULL: well-known ones */
    const char *states;   /* a letter a part, in their order: g w b a u - ; '.' is anything */
    const char *codes;    /* that have to be there; "!code" must not; "" */
};

static inline struct sgl_survey_request make_request(const struct row *row, struct dns_fixture *fx,
                                                     sgl_view *selector)
{
    struct sgl_survey_request q = {.domain = fx->name, .crypto = crypto};

    if (row->selector != NULL) {
        *selector = sgl_view_cstr(row->selector);
        q.selector = selector;
        q.selectors = 1;
    }
    if (row->policy != NULL && row->policy[0] == '!') {
        q.policy = SGL_SURVEY_POLICY_FAILED;
        q.policy_why = row->policy + 1;
    } else if (row->policy != NULL && row->policy[0] == '?') {
        q.policy = SGL_SURVEY_POLICY_UNKNOWN;
    } else if (row->policy != NULL) {
        q.policy = SGL_SURVEY_POLICY_FETCHED;
        q.policy_body = sgl_view_cstr(row->policy);
    }
    return q;
}

#endif
