/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verdict over answers that an enemy chose.  Lines: flags, author, SPF domain, DKIM domain, then one answer a line as it is asked for ("N" no
 * such name, "F" failed, "D" no data, else TXT records separated by "|").  It ends, asks so much and no more, does not depend on how answers
 * come, and never passes a message without an identifier that passed.
 */
#include "answers.h"
#include "sigillo/dmarc.h"
#include "sigillo/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ASKED_MAX (8 * (2 + SGL_LIMIT_DMARC_WALKS) + 1)

/* Answers belong to names, so that the order of questions does not matter. */
static sgl_view line_for(const struct sgl_dns_question *q, sgl_view lines)
{
    uint32_t skip = sgl_name_hash(q->name) % 16;
    sgl_view line = sgl_view_split(lines, '\n', &lines);

    while (skip-- > 0 && lines.len > 0)
        line = sgl_view_split(lines, '\n', &lines);
    return line;
}

struct answers {
    sgl_view lines;
    size_t asked;
};

static void answer(struct sgl_dns *dns, const struct sgl_dns_question *q, void *from)
{
    struct answers *answers = from;
    uint8_t bytes[4][256];
    sgl_view rdata[4], line = line_for(q, answers->lines), rest = line;
    struct sgl_dns_raw raw = {.name = q->name, .type = q->type, .rdata = rdata};

    if (line.len == 0 || sgl_view_eq(line, SGL_LIT("N")))
        raw.outcome = SGL_DNS_NXDOMAIN;
    else if (sgl_view_eq(line, SGL_LIT("F")))
        raw.outcome = SGL_DNS_FAILED;
    else if (sgl_view_eq(line, SGL_LIT("D")))
        raw.outcome = SGL_DNS_NODATA;
    while (raw.outcome == SGL_DNS_OK && rest.len > 0 && raw.rdatas < 4) {
        rdata[raw.rdatas] = txt_rdata(sgl_view_split(rest, '|', &rest), bytes[raw.rdatas]);
        raw.rdatas++;
    }
    put_answer(dns, &raw);
    if (++answers->asked > ASKED_MAX)
        abort();
}

static enum sgl_status judge(const struct sgl_dmarc_request *request, sgl_view lines,
                             bool one_by_one, struct sgl_dns *dns, struct sgl_arena *arena,
                             struct sgl_dmarc *out)
{
    struct answers answers = {.lines = lines};
    enum sgl_status st;

    while ((st = sgl_dmarc_check(request, dns, arena, out)) == SGL_NEED_DNS)
        answer_open(dns, answer, &answers, one_by_one);
    return st;
}

static void check(const struct sgl_dmarc *d, const struct sgl_dmarc_request *q)
{
    bool passed = q->spf->auth == SGL_DMARC_AUTH_PASS;

    for (size_t i = 0; i < q->dkims; i++)
        passed = passed || q->dkim[i].auth == SGL_DMARC_AUTH_PASS;
    if (d->result == SGL_DMARC_PASS && (!passed || d->record.len == 0))
        abort();
    if (d->disposition != SGL_DMARC_POLICY_NONE && d->result != SGL_DMARC_FAIL)
        abort();
    if (d->policy > d->requested || d->asked_count == 0 || d->asked_count > 8 ||
        !sgl_name_is_at_or_below(d->author, d->org) ||
        !sgl_name_is_at_or_below(d->author, d->policy_domain))
        abort();
}

static sgl_view take_line(sgl_view *in)
{
    return sgl_view_split(*in, '\n', in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20), second = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_dns) dns = {0}, other = {0};
    sgl_view in = sgl_view_of(data, size), flags = take_line(&in), author = take_line(&in);
    unsigned f = flags.len == 0 ? 0 : flags.ptr[0];
    struct sgl_dmarc_identifier spf = {take_line(&in), (enum sgl_dmarc_auth)(f % 3)};
    struct sgl_dmarc_identifier dkim[2] = {{take_line(&in), (enum sgl_dmarc_auth)(f / 3 % 3)}};
    struct sgl_dmarc_request request = {.spf = &spf, .dkim = dkim, .dkims = 2};
    struct sgl_dmarc a, b;

    dkim[1] = dkim[0];
    dkim[1].domain = spf.domain;
    request.rules = (f & 64) != 0 ? SGL_DMARC_RFC7489 : SGL_DMARC_RFC9989;
    request.psl = request.rules == SGL_DMARC_RFC7489 || (f & 128) != 0 ? sgl_psl_builtin() : NULL;
    request.sample = f % 100;
    sgl_dns_init(&dns, 0);
    sgl_dns_init(&other, 0);
    if (sgl_name_parse(author, SGL_NAME_UNDERSCORE, &arena, NULL, &request.author) != SGL_OK ||
        judge(&request, in, false, &dns, &arena, &a) != SGL_OK ||
        judge(&request, in, true, &other, &second, &b) != SGL_OK)
        return 0;
    check(&a, &request);
    if (a.result != b.result || a.disposition != b.disposition || !sgl_name_eq(a.org, b.org) ||
        !sgl_name_eq(a.policy_domain, b.policy_domain))
        abort();
    return 0;
}
