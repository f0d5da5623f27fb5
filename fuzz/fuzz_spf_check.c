/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An evaluation over answers that an enemy chose.  The first line is the client ("4" or "6" and its HELO and sender), every other one an answer; which of them a
 * question gets follows from its name and type, so that it is the same whoever asks when.  Answered all at once or one by one: same verdict.
 */
#include "answers.h"
#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sgl_view line_for(sgl_view in, const struct sgl_dns_question *q)
{
    size_t lines = 1, pick;
    sgl_view rest = in, line = {NULL, 0};

    for (size_t i = 0; i < in.len; i++)
        lines += in.ptr[i] == '\n';
    pick = (sgl_name_hash(q->name) + (unsigned)q->type) % lines;
    for (size_t i = 0; i <= pick; i++)
        line = sgl_view_split(rest, '\n', &rest);
    return line;
}

/* "outcome text": the text is the TXT, the address, or the wire form of a name. */
static void answer(struct sgl_dns *dns, const struct sgl_dns_question *q, void *lines)
{
    sgl_view line = line_for(*(sgl_view *)lines, q), rdata[2];
    uint8_t bytes[2][257];
    size_t how = line.len == 0 ? 1 : line.ptr[0], shift = q->type == SGL_RR_TXT;
    struct sgl_dns_raw raw = {.name = q->name, .type = q->type, .rdata = rdata};

    raw.outcome = (enum sgl_dns_outcome)(how % 5);
    for (raw.rdatas = 0; raw.rdatas < 2 && line.len > 1; raw.rdatas++) {
        sgl_view part = sgl_view_sub(sgl_view_split(sgl_view_from(line, 1), '\x01', &line), 0, 255);

        bytes[raw.rdatas][0] = (uint8_t)part.len;
        if (part.len > 0)
            memcpy(bytes[raw.rdatas] + shift, part.ptr, part.len);
        rdata[raw.rdatas] = sgl_view_of(bytes[raw.rdatas], part.len + shift);
    }
    put_answer(dns, &raw);
}

static enum sgl_status drive(const struct sgl_spf_request *q, struct sgl_dns *dns,
                             struct sgl_arena *arena, sgl_view in, bool one_by_one,
                             struct sgl_spf *out)
{
    enum sgl_status st;
    int passes = 0;

    while ((st = sgl_spf_check(q, dns, arena, out)) == SGL_NEED_DNS) {
        if (++passes > 300 || arena->used != 0)
            abort();
        answer_open(dns, answer, &in, one_by_one);
    }
    return st;
}

static void check(const struct sgl_spf *a, const struct sgl_spf *b)
{
    if (a->result != b->result || a->lookups != b->lookups || a->void_lookups != b->void_lookups ||
        a->steps != b->steps || !sgl_view_eq(a->mechanism, b->mechanism) ||
        !sgl_view_eq(a->explanation, b->explanation) || strcmp(a->problem, b->problem) != 0)
        abort();
    if (a->lookups > 12 || a->void_lookups > 3 || !sgl_ascii_is_printable(a->explanation) ||
        (a->explanation.len > 0 && a->result != SGL_SPF_FAIL))
        abort();
    if ((a->lookups > 10 || a->void_lookups > 2) && a->result != SGL_SPF_PERMERROR)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) one = SGL_ARENA_INIT(1 << 22), other = SGL_ARENA_INIT(1 << 22);
    sgl_auto(sgl_dns) at_once = {0}, one_by_one = {0};
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 16);
    sgl_view in = sgl_view_of(data, size), line = sgl_view_split(in, '\n', &in);
    struct sgl_spf_request q = {.ip = {4, {192, 0, 2, 1}}, .trace = true};
    struct sgl_spf a, b;
    unsigned code;

    if (line.len > 0 && line.ptr[0] == '6')
        q.ip = (struct sgl_ip){6, {0x20, 0x01, 0x0d, 0xb8, 1}};
    q.helo = sgl_view_split(sgl_view_from(line, 1), ' ', &q.sender);
    sgl_dns_init(&at_once, 0);
    sgl_dns_init(&one_by_one, 0);
    if (drive(&q, &at_once, &one, in, false, &a) != SGL_OK ||
        drive(&q, &one_by_one, &other, in, true, &b) != SGL_OK)
        return 0;
    check(&a, &b);
    if (sgl_spf_put_received(&a, &q, &text) != SGL_OK)
        abort();
    sgl_buf_reset(&text);
    if (sgl_spf_put_reply(&a, &code, &text) != SGL_OK || text.len > 500 ||
        !sgl_ascii_is_printable(sgl_buf_view(&text)))
        abort();
    return 0;
}
