/* SPDX-License-Identifier: Apache-2.0 */
/* A survey over answers that an enemy chose: it ends, stays within its bounds, and what it says is printable. */
#include <stdlib.h>

#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/survey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sgl_view take(sgl_view *in, size_t len)
{
    sgl_view head = sgl_view_sub(*in, 0, len);

    *in = sgl_view_from(*in, len);
    return head;
}

static size_t take_byte(sgl_view *in)
{
    sgl_view one = take(in, 1);

    return one.len == 0 ? 0 : one.ptr[0];
}

static void answer_all(struct sgl_dns *dns, sgl_view *in)
{
    const struct sgl_dns_question *q;

    while ((q = sgl_dns_next_open(dns, NULL)) != NULL) {
        sgl_view rdata[8];
        size_t how = take_byte(in);
        struct sgl_dns_raw raw = {.name = q->name,
                                  .type = q->type,
                                  .outcome = (enum sgl_dns_outcome)(how % 5),
                                  .rdata = rdata};

        raw.security = (how & 0x80) != 0 ? SGL_DNS_SECURE : SGL_DNS_INSECURE;
        if ((how & 0x40) != 0)
            raw.canonical = take(in, take_byte(in));
        for (raw.rdatas = 0; raw.rdatas < (how >> 3 & 7); raw.rdatas++)
            rdata[raw.rdatas] = take(in, take_byte(in));
        if (sgl_dns_add_answer(dns, &raw) != SGL_OK)
            sgl_dns_fail(dns, q->name, q->type, "does not fit");
    }
}

static void check(const struct sgl_survey *s)
{
    size_t errors = 0;

    if (s->points > 100 || s->mark == '\0' || s->hosts > SGL_LIMIT_MX_HOSTS)
        abort();
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        const struct sgl_survey_judged *p = &s->part[i];

        errors += p->findings.errors;
        if (p->points > p->points_max || !sgl_ascii_is_printable(p->summary) ||
            (p->state == SGL_SURVEY_GOOD && p->findings.errors > 0))
            abort();
        for (const struct sgl_finding *f = p->findings.first; f != NULL; f = f->next) {
            if (!sgl_ascii_is_printable(f->text) || !sgl_ascii_is_printable(f->mend))
                abort();
        }
    }
    if (errors != s->errors)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 23);
    sgl_auto(sgl_dns) dns = {0};
    sgl_view in = sgl_view_of(data, size), selector = SGL_LIT("s1");
    struct sgl_crypto *crypto = sgl_crypto_new();
    struct sgl_survey_request q = {.crypto = crypto};
    struct sgl_survey s;
    enum sgl_status st;

    sgl_dns_init(&dns, SGL_LIMIT_SURVEY_QUESTIONS);
    if (crypto == NULL || sgl_name_parse(SGL_LIT("a.test"), 0, &arena, NULL, &q.domain) != SGL_OK)
        abort();
    q.selector = &selector;
    q.selectors = take_byte(&in) & 1;
    q.policy = (enum sgl_survey_policy)(take_byte(&in) % 3);
    q.policy_body = take(&in, take_byte(&in));
    while ((st = sgl_survey(&q, &dns, &arena, &s)) == SGL_NEED_DNS) {
        if (sgl_dns_open(&dns) == 0)
            abort();
        answer_all(&dns, &in);
    }
    if (st == SGL_OK)
        check(&s);
    sgl_crypto_free(crypto);
    return 0;
}
