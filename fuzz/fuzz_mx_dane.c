/* SPDX-License-Identifier: Apache-2.0 */
/* MX and DANE over answers that an enemy chose: they end, stay within their limits, and never say "none" after an error. */
#include <stdlib.h>

#include "sigillo/buf.h"
#include "sigillo/dane.h"
#include "sigillo/limits.h"
#include "sigillo/mx.h"

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
        if (sgl_dns_open(dns) == 0 || ++passes > 6)
            abort();
        answer_all(dns, in);
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
        answer_all(&dns, &in);
    for (size_t i = 0; mx.state == SGL_MX_HOSTS && i < mx.hosts; i++)
        check_host(&dns, &arena, &mx, i, &in);
    return 0;
}
