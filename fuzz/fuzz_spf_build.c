/* SPDX-License-Identifier: Apache-2.0 */
/* Records built from any wish into any record: they can be read, have no errors of their own, and building again changes nothing. */
#include "answers.h"
#include "sigillo/limits.h"
#include "sigillo/spf_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A line is one record; an empty one none, "!" a failure. */
static void answer(struct sgl_dns *dns, const struct sgl_dns_question *q, void *from)
{
    sgl_view *in = from, line = sgl_view_sub(sgl_view_split(*in, '\n', in), 0, 255), rdata;
    uint8_t text[256];
    struct sgl_dns_raw raw = {
        .name = q->name, .type = q->type, .rdata = &rdata, .rdatas = line.len > 1};

    if (line.len == 1 && line.ptr[0] == '!')
        raw.outcome = SGL_DNS_FAILED;
    rdata = txt_rdata(line, text);
    put_answer(dns, &raw);
}

static enum sgl_status run(const struct sgl_spf_build_request *request, struct sgl_dns *dns,
                           struct sgl_arena *arena, sgl_view *in, struct sgl_spf_build *out)
{
    enum sgl_status st;

    for (int passes = 0; (st = sgl_spf_build(request, dns, arena, out)) == SGL_NEED_DNS; passes++) {
        if (passes > 300)
            abort();
        answer_open(dns, answer, in, false);
    }
    return st;
}

/* Words of the first line: a network, "NAME:SERVICE", or a name to include. */
static void read_wishes(sgl_view line, struct sgl_arena *arena, struct sgl_spf_build_request *r)
{
    static struct sgl_ip_prefix network[8];
    static struct sgl_name include[8];
    static struct sgl_spf_subdomain sub[8];

    r->network = network;
    r->include = include;
    r->subdomain = sub;
    for (int words = 0; line.len > 0 && words < 8; words++) {
        sgl_view word = sgl_view_split(line, ' ', &line), service,
                 label = sgl_view_split(word, ':', &service);

        if (sgl_ip_prefix_parse(word, &network[r->networks]) == SGL_OK)
            r->networks++;
        else if (sgl_name_parse(word, 0, arena, NULL, &include[r->includes]) == SGL_OK)
            r->includes++;
        else if (sgl_name_parse(label, 0, arena, NULL, &sub[r->subdomains].name) == SGL_OK &&
                 sgl_name_parse(service, 0, arena, NULL, &sub[r->subdomains].include) == SGL_OK)
            r->subdomains++;
    }
}

static void check_record(const struct sgl_spf_build_request *request,
                         const struct sgl_spf_publish *p, struct sgl_dns *dns,
                         struct sgl_arena *arena, sgl_view *in)
{
    struct sgl_spf_build_request more = *request;
    struct sgl_spf_record record;
    struct sgl_spf_build again = {0};

    if (!sgl_spf_is_record(p->text))
        return;
    if (sgl_spf_parse(p->text, arena, &record, NULL) == SGL_E_SYNTAX)
        abort();
    if (!sgl_name_eq(p->name, request->domain))
        return;
    more.existing = p->text;
    if (run(&more, dns, arena, in, &again) != SGL_OK || again.refused || again.failed)
        return;
    if (again.records == 0 || !sgl_view_eq(again.record[0].text, p->text))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(32 << 20);
    sgl_auto(sgl_dns) dns = {0};
    sgl_view in = sgl_view_of(data, size);
    struct sgl_spf_build_request request = {0};
    struct sgl_spf_build b = {0};

    sgl_dns_init(&dns, 500);
    if (size < 1 || sgl_name_parse(SGL_LIT("a.test"), 0, &arena, NULL, &request.domain) != SGL_OK)
        return 0;
    request.m365 = (enum sgl_spf_m365)(data[0] % 6);
    request.policy = (enum sgl_spf_policy)(data[0] / 6 % 4);
    request.parked = data[0] / 24 % 8 == 7;
    request.offline = data[0] / 24 % 2 == 1;
    in = sgl_view_from(in, 1);
    read_wishes(sgl_view_split(in, '\n', &in), &arena, &request);
    if (run(&request, &dns, &arena, &in, &b) != SGL_OK)
        return 0;
    if (b.refused != (b.findings.errors > 0) || ((b.refused || b.failed) && b.records > 0))
        abort();
    for (size_t i = 0; i < b.records; i++)
        check_record(&request, &b.record[i], &dns, &arena, &in);
    return 0;
}
