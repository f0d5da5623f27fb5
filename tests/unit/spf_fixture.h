/* SPDX-License-Identifier: Apache-2.0 */
/* One evaluation of SPF, its answers from a table. */
#ifndef TESTS_UNIT_SPF_FIXTURE_H
#define TESTS_UNIT_SPF_FIXTURE_H

#include "check.h"
#include "dns_fixture.h"
#include "sigillo/spf.h"

#define V(s)    sgl_view_cstr(s)
#define OCTET62 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijab"

enum { PASSES_MAX = 140 };

static inline enum sgl_status check_spf(struct dns_fixture *fx, enum dns_driver driver,
                                        const struct sgl_spf_request *request,
                                        struct sgl_arena *arena, struct sgl_spf *out)
{
    enum sgl_status st;

    for (int passes = 0; (st = sgl_spf_check(request, &fx->dns, arena, out)) == SGL_NEED_DNS;
         passes++) {
        CHECK_TRUE("passes are bounded", passes < PASSES_MAX);
        CHECK_EQ("scratch memory goes back", arena->used, 0);
        CHECK_EQ("nothing leaks out of a pending pass", out->result, 99);
        dns_fixture_step(fx, driver);
    }
    return st;
}

static inline struct sgl_spf_request request_of(const char *ip, const char *sender,
                                                const char *helo)
{
    struct sgl_spf_request q = {
        .sender = V(sender), .helo = V(helo), .receiver = V("rcv.test"), .now = 1400000000};

    if (sgl_ip_parse(V(ip), &q.ip) != SGL_OK)
        fail_msg("not an address: %s", ip);
    return q;
}

#endif
