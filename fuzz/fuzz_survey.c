/* SPDX-License-Identifier: Apache-2.0 */
/* A survey over answers that an enemy chose: it ends, stays within its bounds, and what it says is printable. */
#include "answers.h"
#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/survey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    while ((st = sgl_survey(&q, &dns, &arena, &s)) == SGL_NEED_DNS)
        answer_open(&dns, answer_of_bytes, &in, false);
    if (st == SGL_OK)
        check(&s);
    sgl_crypto_free(crypto);
    return 0;
}
