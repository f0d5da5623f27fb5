/* SPDX-License-Identifier: Apache-2.0 */
/* A message of others: judged, what is said of it on top, what its author's domain asks for done. */
#include <stdio.h>

#include "../server/judge/judge.h"
#include "../server/loop/loop.h"
#include "filter.h"

/* Without a field there is no author, no signature, and still a connection to be judged: as if there were one that says nothing. */
static sgl_view header_of(const struct message *m)
{
    return m->headers.count > 0 ? sgl_buf_view(&m->head) : SGL_LIT("Comments:\r\n");
}

enum sgl_status verify_begin(struct message *m)
{
    const struct milter_settings *c = m->g->settings;
    struct sgl_verdict_request request = {
        .helo = m->client->helo,
        .sender = sgl_buf_view(&m->sender),
        .authserv_id = sgl_view_cstr(c->authserv_id),
        .now = clock_now_s(),
        .dkim = {.rsa_bits_min = (unsigned)c->min_key_bits},
        .trust = {m->g->sealer, c->trusted_sealers},
    };

    if (c->spf != MILTER_SPF_OFF)
        request.ip = m->client->ip;
    SGL_TRY(sgl_verdict_begin(&m->state, filter.crypto, &request, header_of(m), &m->arena, NULL));
    if (!c->seals)
        return SGL_OK;
    /* places are limited: where they are all taken by signatures, the message goes unsealed */
    if (sgl_dkim_hashes_want(&m->state.hashes, SGL_DKIM_RELAXED, SGL_DKIM_ALL, &m->seal_hash) !=
        SGL_OK)
        m->seal_hash = SIZE_MAX;
    return SGL_OK;
}

/* The answers come in rounds, and all of them together have dns_timeout. */
static enum sgl_status reach_verdict(struct message *m, struct sgl_dns *dns,
                                     struct sgl_verdict *out, size_t *unanswered)
{
    uint64_t end = clock_mono_ms() + m->g->settings->dns_timeout_ms;
    enum sgl_status status;

    while ((status = sgl_verdict_finish(&m->state, dns, out)) == SGL_NEED_DNS) {
        uint64_t now = clock_mono_ms();

        if (now < end) {
            *unanswered += milter_dns_fill(&filter.dns, dns, end - now);
        } else {
            *unanswered += sgl_dns_open(dns);
            sgl_dns_fail_open(dns, "not answered in time");
        }
    }
    return status;
}

/* Whatever the domain asks for, nothing is done about it. */
static bool is_ignored(const struct milter_settings *c, sgl_view author)
{
    for (size_t i = 0; i < c->ignore_froms; i++)
        if (sgl_view_eq_nocase(author, sgl_view_cstr(c->ignore_from[i])))
            return true;
    return false;
}

static void decide(const struct message *m, const struct sgl_verdict *verdict,
                   struct judge_decision *out)
{
    static const enum judge_mode mode[] = {JUDGE_FOLLOW, JUDGE_QUARANTINE, JUDGE_MARK};
    const struct milter_settings *c = m->g->settings;
    struct judge_policy policy = {
        .dmarc = mode[c->dmarc],
        .spf_fail = c->spf == MILTER_SPF_REJECT ? JUDGED_REJECT : JUDGED_ACCEPT,
        .on_temperror =
            c->on_error == MILTER_TEMPFAIL ? JUDGE_TEMPERROR_DEFER : JUDGE_TEMPERROR_ACCEPT};
    struct judge_facts facts = {verdict, m->client->ip, judge_path_of(&m->headers)};

    if (m->client->ignored || is_ignored(c, verdict->dmarc.author.text))
        policy = (struct judge_policy){
            .dmarc = JUDGE_MARK, .spf_fail = JUDGED_ACCEPT, .on_temperror = JUDGE_TEMPERROR_ACCEPT};
    judge_decide(&policy, &facts, out);
}

static void quarantine(struct message *m, struct sgl_buf *fields)
{
    if (m->g->settings->quarantine == MILTER_HOLD)
        changes_hold(&m->changes, "DMARC: the policy of the author's domain");
    else
        sgl_buf_add(fields, SGL_LIT("X-Spam-Flag: YES\r\nX-Sigillo-Quarantine: dmarc\r\n"));
}

static void answer(const struct judge_decision *d, struct message_reply *reply)
{
    bool refused = d->action == JUDGED_REJECT;

    if (!refused && d->action != JUDGED_DEFER)
        return;
    reply->end = refused ? END_REJECT : END_TEMPFAIL;
    reply->code = d->code;
    snprintf(reply->enhanced, sizeof reply->enhanced, "%s", d->enhanced);
    snprintf(reply->text, sizeof reply->text, "%s", d->text);
}

static enum sgl_status conclude(struct message *m, const struct sgl_verdict *verdict, bool unknown,
                                struct message_reply *reply)
{
    sgl_auto(sgl_buf) fields = SGL_BUF_INIT(FIELDS_MAX);
    struct judge_decision decision;

    decide(m, verdict, &decision);
    answer(&decision, reply);
    report_judged(m, verdict, judge_action_name(decision.action), decision.text);
    if (reply->end != END_ACCEPT)
        return SGL_OK;
    if (decision.action == JUDGED_QUARANTINE)
        quarantine(m, &fields);
    SGL_TRY(sgl_authres_put(&verdict->results, &fields));
    if (m->g->settings->seals && m->seal_hash != SIZE_MAX)
        SGL_TRY(seal_message(m, verdict, sgl_buf_view(&fields), unknown, &fields));
    SGL_TRY(fields.status);
    changes_insert(&m->changes, sgl_buf_view(&fields));
    return m->changes.status;
}

enum sgl_status verify_finish(struct message *m, struct message_reply *reply)
{
    struct sgl_verdict verdict;
    struct sgl_dns dns;
    enum sgl_status status;
    size_t unanswered = 0;

    sgl_dns_init(&dns, SGL_LIMIT_JUDGE_QUESTIONS);
    status = reach_verdict(m, &dns, &verdict, &unanswered);
    if (status == SGL_OK)
        status = conclude(m, &verdict, unanswered > 0, reply);
    sgl_dns_done(&dns);
    return status;
}
