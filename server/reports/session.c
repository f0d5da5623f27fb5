/* SPDX-License-Identifier: Apache-2.0 */
/* A session as a report counts it: the policy in its own words, what went wrong and where. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sts/sts.h"
#include "sigillo/ascii.h"
#include "sigillo/hex.h"
#include "sigillo/tls_report.h"
#include "sigillo/tlsrpt.h"

#define TLSA_MAX 16 /* records of a host that are told */

/* A line of the list, unless it would be too long then. */
static void add_line(struct sgl_buf *out, sgl_view line)
{
    if (line.len == 0 || out->len + line.len + 1 > out->max)
        return;
    if (out->len > 0)
        sgl_buf_add_byte(out, '\n');
    sgl_buf_add(out, line);
}

static int by_record(const void *a, const void *b)
{
    const struct sgl_tlsa *x = a, *y = b;
    int of_data = sgl_view_cmp(x->data, y->data);

    if (x->usage != y->usage)
        return x->usage < y->usage ? -1 : 1;
    if (x->selector != y->selector)
        return x->selector < y->selector ? -1 : 1;
    if (x->matching != y->matching)
        return x->matching < y->matching ? -1 : 1;
    return of_data;
}

/* "3 1 1 ab12...": always in the same order, whatever that of the answer was. [RFC 8460 s4.5] */
static void put_tlsa(struct sgl_buf *out, const struct sgl_dane *dane)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(SESSION_STRINGS_MAX);
    struct sgl_tlsa record[TLSA_MAX];
    size_t n = dane == NULL ? 0 : dane->tlsas < TLSA_MAX ? dane->tlsas : TLSA_MAX;

    if (n > 0)
        memcpy(record, dane->tlsa, n * sizeof(*record));
    qsort(record, n, sizeof(*record), by_record);
    for (size_t i = 0; i < n; i++) {
        sgl_buf_reset(&line);
        sgl_buf_addf(&line, "%u %u %u ", record[i].usage, record[i].selector, record[i].matching);
        sgl_hex_encode(&line, record[i].data);
        if (line.status == SGL_OK)
            add_line(out, sgl_buf_view(&line));
    }
}

/* The policy as it was published, with its errors. [RFC 8460 s4.5] */
static void put_sts(struct session_text *t, const struct sts_policy *p)
{
    sgl_view rest = p->body;
    char pattern[300];

    while (rest.len > 0)
        add_line(&t->strings, sgl_view_trim(sgl_view_split(rest, '\n', &rest)));
    for (size_t i = 0; i < p->policy.count; i++) {
        snprintf(pattern, sizeof(pattern), "%s%.*s", p->policy.mx[i].wildcard ? "*." : "",
                 SGL_FMT(p->policy.mx[i].name.text));
        add_line(&t->mx, sgl_view_cstr(pattern));
    }
}

static sgl_view put_ip(const struct sgl_ip *ip, char out[SGL_IP_TEXT_SIZE])
{
    return ip->version == 0 ? SGL_LIT("") : sgl_ip_text(ip, out);
}

static uint8_t put_policy(const struct delivery_session *s, struct session_text *t)
{
    switch (s->type) {
    case DELIVERY_POLICY_TLSA:
        put_tlsa(&t->strings, s->dane);
        return SGL_TLS_POLICY_TLSA;
    case DELIVERY_POLICY_STS:
        if (s->sts != NULL)
            put_sts(t, s->sts);
        return SGL_TLS_POLICY_STS;
    case DELIVERY_POLICY_NONE:
        break;
    }
    return SGL_TLS_POLICY_NONE;
}

static sgl_view lower(sgl_view domain, char out[256])
{
    size_t len = domain.len;

    if (len > 0 && domain.ptr[len - 1] == '.')
        len--;
    if (len >= 256)
        return SGL_LIT("");
    for (size_t i = 0; i < len; i++)
        out[i] = (char)sgl_ascii_lower(domain.ptr[i]);
    return sgl_view_of(out, len);
}

bool session_read(const struct delivery_session *s, struct session_text *text,
                  struct tlsrpt_count *out)
{
    sgl_buf_init(&text->strings, SESSION_STRINGS_MAX);
    sgl_buf_init(&text->mx, SESSION_STRINGS_MAX);
    *out = (struct tlsrpt_count){.domain = lower(s->domain, text->domain), .sessions = 1};
    if (s->of_report || !sgl_name_ok(out->domain, SGL_NAME_UNDERSCORE)) /* [RFC 8460 s3] */
        return false;
    out->policy.type = put_policy(s, text);
    out->policy.strings = sgl_buf_view(&text->strings);
    out->policy.mx = sgl_buf_view(&text->mx);
    if (text->strings.status == SGL_E_NOMEM || text->mx.status == SGL_E_NOMEM)
        return false;
    if (s->result == SGL_TLS_OK)
        return true;
    out->result = sgl_view_cstr(sgl_tls_result_name(s->result));
    out->sending = put_ip(&s->from, text->sending);
    out->receiving = put_ip(&s->to, text->receiving);
    out->host = sgl_name_ok(s->mx, SGL_NAME_UNDERSCORE) ? s->mx : SGL_LIT("");
    snprintf(text->reason, sizeof(text->reason), "%s", s->reason);
    out->reason = sgl_view_cstr(text->reason);
    return true;
}

/* Of a success nobody asks where it was. */
void session_count(const struct tlsrpt_count *c, struct tally_count *out)
{
    bool bare = c->result.len == 0;
    sgl_view none = SGL_LIT("");

    *out = (struct tally_count){.day = c->day,
                                .type = c->policy.type,
                                .text = {c->domain, c->policy.strings, c->policy.mx, c->result,
                                         bare ? none : c->sending, bare ? none : c->host,
                                         bare ? none : c->receiving, bare ? none : c->reason},
                                .n = c->sessions,
                                .due_at = c->due_at};
}

static void put_count(void *array, size_t i, const struct tally_count *c)
{
    ((struct tlsrpt_count *)array)[i] =
        (struct tlsrpt_count){.day = c->day,
                              .domain = c->text[0],
                              .policy = {.type = c->type, .strings = c->text[1], .mx = c->text[2]},
                              .result = c->text[3],
                              .sending = c->text[4],
                              .host = c->text[5],
                              .receiving = c->text[6],
                              .reason = c->text[7],
                              .sessions = c->n,
                              .due_at = c->due_at};
}

const struct tally_form session_form = {
    .kept = 4, .size = sizeof(struct tlsrpt_count), .put = put_count};

void session_text_done(struct session_text *text)
{
    sgl_buf_done(&text->strings);
    sgl_buf_done(&text->mx);
}
