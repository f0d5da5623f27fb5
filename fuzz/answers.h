/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that the fuzzer chose, for the targets of evaluators. */
#ifndef FUZZ_ANSWERS_H
#define FUZZ_ANSWERS_H

#include <stdlib.h>
#include <string.h>

#include "sigillo/dns.h"

/* The answer to q, out of what `from` is to the target. */
typedef void answer_fn(struct sgl_dns *dns, const struct sgl_dns_question *q, void *from);

/* Gives an answer, or a failure where it is none. */
static inline void put_answer(struct sgl_dns *dns, const struct sgl_dns_raw *raw)
{
    if (sgl_dns_add_answer(dns, raw) != SGL_OK)
        sgl_dns_fail(dns, raw->name, raw->type, "does not fit");
}

/* After SGL_NEED_DNS: something is open, and gets its answer: all of it, or the first only. */
static inline void answer_open(struct sgl_dns *dns, answer_fn *answer, void *from, bool one)
{
    const struct sgl_dns_question *q = sgl_dns_next_open(dns, NULL);

    if (q == NULL)
        abort();
    do {
        answer(dns, q, from);
    } while (!one && (q = sgl_dns_next_open(dns, NULL)) != NULL);
}

/* RDATA of a TXT record of one string; longer text is cut. */
static inline sgl_view txt_rdata(sgl_view text, uint8_t to[256])
{
    text = sgl_view_sub(text, 0, 255);
    to[0] = (uint8_t)text.len;
    if (text.len > 0)
        memcpy(to + 1, text.ptr, text.len);
    return sgl_view_of(to, text.len + 1);
}

/* ---- bytes as they come ---- */

static inline sgl_view take(sgl_view *in, size_t len)
{
    sgl_view head = sgl_view_sub(*in, 0, len);

    *in = sgl_view_from(*in, len);
    return head;
}

static inline size_t take_byte(sgl_view *in)
{
    sgl_view one = take(in, 1);

    return one.len == 0 ? 0 : one.ptr[0];
}

/* An answer_fn of a sgl_view: any outcome, security, alias, and up to seven records of any bytes. */
static inline void answer_of_bytes(struct sgl_dns *dns, const struct sgl_dns_question *q,
                                   void *from)
{
    sgl_view *in = from, rdata[8];
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
    put_answer(dns, &raw);
}

#endif
