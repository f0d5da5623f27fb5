/* SPDX-License-Identifier: Apache-2.0 */
/* A message: which rules it breaks, and what it counts. */
#include "guard_internal.h"

struct copies {
    uint32_t to[GUARD_RECEIVERS_MAX];
    uint32_t all;
};

/* Recipients of one destination often stand together. Who is suppressed is not sent to. */
static void count_copies(const struct guard *g, const struct store_message *m, struct copies *n)
{
    sgl_view last = {0};
    unsigned receiver = OTHER;

    *n = (struct copies){.all = 0};
    for (size_t i = 0; i < m->rcpts; i++) {
        if (m->rcpt[i].state == RCPT_SUPPRESSED)
            continue;
        if (last.ptr == NULL || !sgl_view_eq(m->rcpt[i].domain, last)) {
            last = m->rcpt[i].domain;
            receiver = receiver_of(g, last);
        }
        n->to[receiver]++;
        n->all++;
    }
}

struct judging {
    struct guard *g;
    struct sender *s;
    const struct guard_mail *mail;
    struct guard_refusal *refusal;
    bool refused;
};

static void judge_one(struct judging *j, const struct found *f)
{
    if (!cause_found(j->g, j->s, j->mail->subscription, f, j->mail->message->accepted_at) ||
        j->refused)
        return;
    j->refused = true;
    j->refusal->cause = f->kind;
    cause_text(j->g, j->s, f, j->refusal->text, sizeof(j->refusal->text));
}

/* As what it would be with this message. */
static void judge_volume(struct judging *j, unsigned receiver, uint64_t messages)
{
    const struct rules *rules = j->g->rules;
    uint64_t most = rules->messages[receiver];
    enum level level = most == 0                                      ? LEVEL_NONE
                       : messages >= most                             ? LEVEL_STOP
                       : messages * 100 >= most * rules->near_percent ? LEVEL_WARN
                                                                      : LEVEL_NONE;
    struct found f = {.receiver = receiver, .messages = messages};

    f.kind = GUARD_NO_DMARC;
    f.level = j->mail->dmarc == GUARD_MISSING ? level : LEVEL_NONE;
    judge_one(j, &f);
    f.kind = GUARD_NO_AUTH;
    f.level = j->mail->spf == GUARD_MISSING || j->mail->dkim == GUARD_MISSING ? level : LEVEL_NONE;
    judge_one(j, &f);
}

static void judge_receiver(struct judging *j, unsigned receiver, uint32_t copies)
{
    struct counted *c = counted_of(j->g, j->s->organisation, receiver);
    struct found f = {.kind = GUARD_COMPLAINTS, .receiver = receiver};

    if (c == NULL) {
        metric_add(&guard_uncounted, 1);
        return;
    }
    window_advance(&c->window, j->mail->message->accepted_at);
    judge_volume(j, receiver, c->window.messages_sum + copies);
    f.messages = c->window.messages_sum;
    f.complaints = c->window.complaints_sum;
    f.level = complaint_level(j->g->rules, f.messages, f.complaints);
    judge_one(j, &f);
}

static void judge(struct judging *j, const struct copies *n)
{
    struct found list = {.kind = GUARD_NO_ONE_CLICK, .level = LEVEL_STOP, .messages = n->all};

    for (unsigned r = 0; r < GUARD_RECEIVERS_MAX; r++)
        if (n->to[r] > 0)
            judge_receiver(j, r, n->to[r]);
    if (j->mail->list_without_one_click && n->all > 0)
        judge_one(j, &list);
}

static void count(struct sender *s, const struct guard_mail *mail, const struct copies *n,
                  struct guard_ticket *t)
{
    int64_t now = mail->message->accepted_at;

    for (unsigned r = 0; r < GUARD_RECEIVERS_MAX; r++) {
        struct counted *c = s->organisation->of[r];

        if (n->to[r] == 0 || c == NULL)
            continue;
        t->of[t->used].counted = c;
        t->of[t->used].messages = n->to[r];
        t->of[t->used].cell = window_add(&c->window, now, n->to[r], 0);
        t->tally[t->used] =
            (struct store_tally){.name = sgl_view_cstr(c->name),
                                 .charge = {.at_ms = window_stored_ms(now), .messages = n->to[r]}};
        t->used++;
    }
}

bool guard_take(struct guard *g, const struct guard_mail *mail, struct guard_ticket *ticket,
                struct guard_refusal *refusal)
{
    struct judging j = {.g = g, .mail = mail, .refusal = refusal};
    struct copies n;

    ticket->used = 0;
    pthread_mutex_lock(&g->lock);
    if (g->rules->action != GUARD_OFF) {
        count_copies(g, mail->message, &n);
        j.s = n.all == 0 ? NULL : sender_of(g, mail->domain);
        if (j.s != NULL)
            judge(&j, &n);
        else if (n.all > 0)
            metric_add(&guard_uncounted, 1);
        if (j.s != NULL && !j.refused)
            count(j.s, mail, &n, ticket);
    }
    pthread_mutex_unlock(&g->lock);
    return !j.refused;
}

void guard_give_back(struct guard *g, struct guard_ticket *ticket)
{
    if (ticket->used == 0)
        return;
    pthread_mutex_lock(&g->lock);
    for (size_t i = 0; i < ticket->used; i++)
        window_give_back(&ticket->of[i].counted->window, ticket->of[i].cell,
                         ticket->of[i].messages);
    pthread_mutex_unlock(&g->lock);
    ticket->used = 0;
}
