/* SPDX-License-Identifier: Apache-2.0 */
/* Who may send as whom, and which recipients can be sent to. Pure look-ups. */
#include <stdio.h>

#include "admission_internal.h"
#include "sigillo/ascii.h"

#define QUADRATIC_MAX 16

static bool mailbox_of(const struct admission *a, sgl_view text, bool recipient,
                       struct sgl_arena *arena, struct sgl_mailbox *out, const char *field,
                       struct admission_answer *answer)
{
    struct sgl_diag diag = {0};
    enum sgl_status status;

    if (recipient && sgl_view_eq_nocase(text, SGL_LIT("postmaster"))) { /* [RFC 5321 s4.5.1] */
        struct sgl_buf full = SGL_BUF_INIT(512);
        sgl_view copy;

        sgl_buf_addf(&full, "postmaster@%s", a->hostname);
        status =
            full.status == SGL_OK ? sgl_arena_dup(arena, sgl_buf_view(&full), &copy) : SGL_E_NOMEM;
        sgl_buf_done(&full);
        if (status != SGL_OK)
            return refuse_memory(answer);
        text = copy;
    }
    status = sgl_mailbox_parse(text, arena, out, &diag);
    if (status == SGL_E_NOMEM || (status == SGL_E_LIMIT && arena->status != SGL_OK))
        return refuse_memory(answer);
    if (status != SGL_OK) {
        const char *enhanced = recipient ? "5.1.3" : "5.1.7";

        answer_set(answer, 553, enhanced, 422, "address-syntax", field);
        snprintf(answer->text, sizeof(answer->text), "This is no mail address: %s.",
                 diag.what == NULL ? "a rule of RFC 5321 is broken" : diag.what);
        return false;
    }
    if (out->literal)
        return refuse(answer, 550, recipient ? "5.1.2" : "5.1.8", 422, "address-literal", field,
                      "Address literals are not sent to: a domain is needed.", SGL_LIT(""));
    return true;
}

bool admission_may_send_as(struct admission *a, const struct identity *who, sgl_view mailbox,
                           struct admission_answer *out)
{
    struct sgl_arena arena = SGL_ARENA_INIT(8192);
    struct sgl_mailbox parsed;
    struct domain *domain = NULL;
    bool yes;

    if (mailbox.len == 0)
        return true; /* the null sender: its From is checked with the message [RFC 6409 s3.2] */
    yes = mailbox_of(a, mailbox, false, &arena, &parsed, "MAIL FROM", out) &&
          may_stand(a, who, &parsed, "MAIL FROM", &domain, out);
    domain_unref(domain);
    sgl_arena_done(&arena);
    return yes;
}

bool admission_may_send_to(struct admission *a, const struct identity *who, sgl_view mailbox,
                           struct admission_answer *out)
{
    struct sgl_arena arena = SGL_ARENA_INIT(8192);
    struct sgl_mailbox parsed;
    bool yes = mailbox_of(a, mailbox, true, &arena, &parsed, "RCPT TO", out);

    (void)who;
    sgl_arena_done(&arena);
    return yes;
}

/* ---- envelope ---- */

static bool seen_before(const struct store_rcpt *rcpt, size_t count, sgl_view address)
{
    for (size_t i = 0; i < count; i++)
        if (sgl_view_eq(rcpt[i].address, address))
            return true;
    return false;
}

/* For long lists: a table of indices + 1. false when the address is new; it is noted then. */
static bool seen_in_table(uint32_t *table, size_t mask, const struct store_rcpt *rcpt, size_t index,
                          sgl_view address)
{
    uint64_t hash = 14695981039346656037u;
    size_t at;

    for (size_t i = 0; i < address.len; i++)
        hash = (hash ^ address.ptr[i]) * 1099511628211u;
    for (at = (size_t)(hash ^ hash >> 32) & mask; table[at] != 0; at = (at + 1) & mask)
        if (sgl_view_eq(rcpt[table[at] - 1].address, address))
            return true;
    table[at] = (uint32_t)index + 1;
    return false;
}

static bool check_recipients(struct admission *a, struct submission *s, bool *utf8,
                             struct admission_answer *out)
{
    struct store_message *m = &s->message;
    size_t kept = 0, mask = 1;
    uint32_t *table = NULL;

    if (m->rcpts > QUADRATIC_MAX) {
        while (mask < m->rcpts * 2)
            mask *= 2;
        table = SGL_NEW_N(s->arena, mask, uint32_t);
        if (table == NULL)
            return refuse_memory(out);
    }
    for (size_t i = 0; i < m->rcpts; i++) {
        struct store_rcpt r = m->rcpt[i];
        struct sgl_mailbox mailbox;
        char field[32];

        snprintf(field, sizeof(field), "rcpt[%zu]", i);
        if (!mailbox_of(a, r.address, true, s->arena, &mailbox, field, out))
            return false;
        if (table == NULL ? seen_before(m->rcpt, kept, mailbox.text)
                          : seen_in_table(table, mask - 1, m->rcpt, kept, mailbox.text))
            continue;
        *utf8 |= mailbox.utf8;
        r.address = mailbox.text;
        r.domain = sgl_view_from(mailbox.text, mailbox.text.len - mailbox.domain.len);
        r.state = RCPT_QUEUED;
        r.next_at = m->not_before;
        m->rcpt[kept++] = r;
    }
    m->rcpts = kept;
    return true;
}

bool check_envelope(struct admission *a, struct submission *s, bool *utf8,
                    struct admission_answer *out)
{
    struct store_message *m = &s->message;
    struct sgl_mailbox mailbox;
    struct domain *domain = NULL;

    if (m->rcpts == 0)
        return refuse(out, 554, "5.5.1", 422, "no-recipients", "to",
                      "The message has no recipient.", SGL_LIT(""));
    if (m->rcpts > a->recipients_max)
        return refuse(out, 452, "4.5.3", 422, "too-many-recipients", "to",
                      "The message has more recipients than this server accepts.", SGL_LIT(""));
    if (m->env_from.len > 0) {
        if (!mailbox_of(a, m->env_from, false, s->arena, &mailbox, "MAIL FROM", out) ||
            !may_stand(a, s->who, &mailbox, "MAIL FROM", &domain, out))
            return false;
        *utf8 |= mailbox.utf8;
        m->env_from = mailbox.text;
        domain_unref(domain);
    }
    return check_recipients(a, s, utf8, out);
}
