/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks SPF with a resolver of one's own: here a table in this file.
 *
 *     check_spf IP SENDER          e.g. check_spf 192.0.2.10 alice@example.org
 *
 * A program with sockets does the same with answers from its own resolver; sigillo/unbound.h is one for libunbound.
 */
#include <sigillo/limits.h>
#include <sigillo/spf.h>
#include <stdio.h>

/* ---- the resolver ---- */

static const struct {
    const char *name;
    enum sgl_rr type;
    const char *text; /* TXT */
    uint8_t ip[4];    /* A */
} zone[] = {
    {"example.org", SGL_RR_TXT, "v=spf1 a:mail.example.org include:_spf.example.net -all", {0}},
    {"mail.example.org", SGL_RR_A, NULL, {192, 0, 2, 10}},
    {"_spf.example.net", SGL_RR_TXT, "v=spf1 ip4:198.51.100.0/24 ?all", {0}},
};

/* Answers one question with what the table has; records are given in their wire form. */
static void answer(struct sgl_dns *dns, const struct sgl_dns_question *q)
{
    struct sgl_dns_raw raw = {.name = q->name, .type = q->type, .outcome = SGL_DNS_NXDOMAIN};
    uint8_t txt[256];
    sgl_view rdata;

    for (size_t i = 0; i < sizeof(zone) / sizeof(zone[0]); i++) {
        if (!sgl_view_eq(q->name.text, sgl_view_cstr(zone[i].name)))
            continue;
        raw.outcome = SGL_DNS_NODATA; /* the name exists */
        if (q->type != zone[i].type)
            continue;
        raw.outcome = SGL_DNS_OK;
        rdata = sgl_view_of(zone[i].ip, 4);
        if (q->type == SGL_RR_TXT) { /* a string: its length, its bytes */
            txt[0] = (uint8_t)strlen(zone[i].text);
            memcpy(txt + 1, zone[i].text, txt[0]);
            rdata = sgl_view_of(txt, 1u + txt[0]);
        }
        raw.rdata = &rdata;
        raw.rdatas = 1;
        break;
    }
    if (sgl_dns_add_answer(dns, &raw) != SGL_OK)
        sgl_dns_fail(dns, q->name, q->type, "no room");
}

static void resolve(struct sgl_dns *dns)
{
    const struct sgl_dns_question *q = NULL;

    while ((q = sgl_dns_next_open(dns, q)) != NULL)
        answer(dns, q);
}

/* ---- the check ---- */

static enum sgl_status check(const struct sgl_spf_request *request, struct sgl_dns *dns,
                             struct sgl_arena *arena, struct sgl_spf *spf)
{
    enum sgl_status status;

    while ((status = sgl_spf_check(request, dns, arena, spf)) == SGL_NEED_DNS)
        resolve(dns);
    return status;
}

int main(int argc, char **argv)
{
    struct sgl_spf_request request = {.helo = SGL_LIT("client.example"),
                                      .identity = SGL_SPF_MAILFROM};
    struct sgl_arena arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_dns dns;
    struct sgl_spf spf;
    enum sgl_status status;

    if (argc != 3 || sgl_ip_parse(sgl_view_cstr(argv[1]), &request.ip) != SGL_OK) {
        fprintf(stderr, "usage: check_spf IP SENDER\n");
        return 2;
    }
    request.sender = sgl_view_cstr(argv[2]);
    sgl_dns_init(&dns, SGL_LIMIT_JUDGE_QUESTIONS);
    status = check(&request, &dns, &arena, &spf);
    if (status == SGL_OK)
        printf("%s, by \"%.*s\", %u lookups%s%s\n", sgl_spf_result_name(spf.result),
               SGL_FMT(spf.mechanism), spf.lookups, spf.problem[0] == '\0' ? "" : ": ",
               spf.problem);
    else
        fprintf(stderr, "check_spf: %s\n", sgl_status_name(status));
    sgl_dns_done(&dns);
    sgl_arena_done(&arena);
    return status != SGL_OK ? 3 : spf.result == SGL_SPF_PASS ? 0 : 1;
}
