/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message, envelope and answers from an enemy: the verdict comes in bounded passes, its field is one field that reads to the same, and neither
 * the cutting of the body nor the order of answers changes a byte of it.  Input: three lines (how, HELO, sender), a line "--" ends the answers (TXT, one a
 * line, dealt out by the name that is asked), the message follows.
 */
#include "answers.h"
#include "sigillo/limits.h"
#include "sigillo/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sgl_crypto *crypto;

struct input {
    sgl_view how, helo, sender, answers, message;
};

static struct input cut(sgl_view in)
{
    struct input out;
    size_t end;

    out.how = sgl_view_split(in, '\n', &in);
    out.helo = sgl_view_split(in, '\n', &in);
    out.sender = sgl_view_split(in, '\n', &in);
    end = sgl_view_find_view(in, SGL_LIT("--\n"));
    out.answers = sgl_view_sub(in, 0, end);
    out.message = sgl_view_from(in, end == in.len ? end : end + 3);
    return out;
}

/* The same question gets the same answer, whenever it is asked: one or two of the lines, or none. */
static void answer(struct sgl_dns *dns, const struct sgl_dns_question *q, void *from)
{
    sgl_view answers = ((const struct input *)from)->answers;
    uint8_t wire[2][256];
    sgl_view rdata[2], line = {NULL, 0};
    uint32_t lot = sgl_name_hash(q->name) + (uint32_t)q->type;
    struct sgl_dns_raw raw = {.name = q->name, .type = q->type, .rdata = rdata};

    raw.outcome = lot % 11 == 0 ? SGL_DNS_FAILED : SGL_DNS_OK;
    for (raw.rdatas = 0; raw.rdatas < 1 + lot % 7 / 6 && answers.len > 0; raw.rdatas++) {
        for (uint32_t skip = lot % 5 + 1; skip > 0 && answers.len > 0; skip--)
            line = sgl_view_split(answers, '\n', &answers);
        line = sgl_view_sub(line, 0, q->type == SGL_RR_A ? 4 : 255);
        rdata[raw.rdatas] = q->type == SGL_RR_TXT ? txt_rdata(line, wire[raw.rdatas]) : line;
    }
    put_answer(dns, &raw);
}

static void check_field(const struct sgl_verdict *verdict, const struct sgl_buf *field)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_headers headers;
    struct sgl_authres back;

    if (sgl_headers_parse(sgl_buf_view(field), SGL_HEADERS_STRICT, &arena, &headers, NULL) !=
            SGL_OK ||
        headers.count != 1 ||
        sgl_authres_parse(headers.field[0].value, &arena, &back, NULL) != SGL_OK ||
        back.results != verdict->results.results)
        abort();
    if ((verdict->overridden || verdict->override_unknown) &&
        verdict->dmarc.result != SGL_DMARC_FAIL)
        abort();
    if (verdict->overridden && verdict->override_unknown)
        abort();
}

static void judge(struct input *in, bool patient, struct sgl_buf *field)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4u << 20);
    sgl_auto(sgl_dns) dns = {0};
    struct sgl_verdict_state v;
    const sgl_view trusted[] = {SGL_LIT("a.test")};
    struct sgl_verdict_request request = {
        .helo = in->helo, .sender = in->sender, .now = 1700000000, .trust = {trusted, 1}};
    size_t passes = 0, off = sgl_view_find_view(in->message, SGL_LIT("\r\n\r\n"));
    struct sgl_verdict verdict;
    enum sgl_status st;

    if (in->how.len > 0 && (in->how.ptr[0] & 1) != 0)
        request.ip = sgl_ip_v4((const uint8_t *)"\xc0\x00\x02\x01");
    sgl_dns_init(&dns, SGL_LIMIT_JUDGE_QUESTIONS);
    off = patient ? in->message.len : off + 4;
    st = sgl_verdict_begin(&v, crypto, &request, sgl_view_sub(in->message, 0, off), &arena, NULL);
    for (; off < in->message.len; off += 3)
        sgl_verdict_body(&v, sgl_view_sub(in->message, off, 3));
    while (st == SGL_OK && (st = sgl_verdict_finish(&v, &dns, &verdict)) == SGL_NEED_DNS) {
        if (++passes > 2000)
            abort();
        answer_open(&dns, answer, in, !patient);
        st = SGL_OK;
    }
    if (st == SGL_OK && sgl_authres_put(&verdict.results, field) == SGL_OK)
        check_field(&verdict, field);
    sgl_verdict_end(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_buf) all = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) one_by_one = SGL_BUF_INIT(1 << 20);
    struct input in = cut(sgl_view_of(data, size));

    if (crypto == NULL && (crypto = sgl_crypto_new()) == NULL)
        return 0;
    judge(&in, true, &all);
    judge(&in, false, &one_by_one);
    if (!sgl_view_eq(sgl_buf_view(&all), sgl_buf_view(&one_by_one)))
        abort();
    return 0;
}
