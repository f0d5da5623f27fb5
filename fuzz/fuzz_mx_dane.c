/* SPDX-License-Identifier: Apache-2.0 */
/* MX and DANE over answers that an enemy chose: they end, stay within their limits, and never say "none" after an error. */
#include "answers.h"
#include "sigillo/dane.h"
#include "sigillo/limits.h"
#include "sigillo/mx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_host(struct sgl_dns *dns, struct sgl_arena *arena, const struct sgl_mx *mx,
                       size_t i, sgl_view *in)
{
    struct sgl_dane_request request = {mx->host[i].name,
                                       25,
                                       true,
                                       true,
                                       mx->host[0].name,
                                       mx->canonical,
                                       mx->security == SGL_DNS_SECURE};
    struct sgl_dane dane;
    enum sgl_status st;
    int passes = 0;

    while ((st = sgl_dane_check(&request, dns, arena, &dane)) == SGL_NEED_DNS) {
        if (++passes > 6)
            abort();
        answer_open(dns, answer_of_bytes, in, false);
    }
    if (st != SGL_OK)
        return;
    if ((dane.level == SGL_DANE_AUTHENTICATE) != (dane.tlsas > 0) ||
        dane.addresses > SGL_LIMIT_MX_ADDRESSES || dane.why == NULL)
        abort();
    if (dane.level == SGL_DANE_NONE && dane.addresses == 0 &&
        dane.addresses_state != SGL_DANE_ADDRESSES_NONE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_dns) dns = {0};
    sgl_view in = sgl_view_of(data, size);
    struct sgl_mx_request request = {.seed = 1};
    struct sgl_mx mx;

    sgl_dns_init(&dns, 0);
    if (sgl_name_parse(SGL_LIT("a.test"), 0, &arena, NULL, &request.domain) != SGL_OK)
        return 0;
    while (sgl_mx_check(&request, &dns, &arena, &mx) == SGL_NEED_DNS)
        answer_open(&dns, answer_of_bytes, &in, false);
    for (size_t i = 0; mx.state == SGL_MX_HOSTS && i < mx.hosts; i++)
        check_host(&dns, &arena, &mx, i, &in);
    return 0;
}
