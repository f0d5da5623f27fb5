/* SPDX-License-Identifier: Apache-2.0 */
/* The room: who asks is answered from memory, or waits with others for what is being found out. */
#include "sts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sts_internal.h"

/* ---- answers ---- */

struct sts_verdict entry_judge(const struct sts_entry *e)
{
    struct sts_facts facts = {.known = e->policy,
                              .read = e->read,
                              .said = e->said,
                              .id = sgl_view_cstr(e->id),
                              .failure = &e->failure,
                              .now = clock_now_s()};

    return sts_judge(&facts);
}

static void say_why(const struct sts_entry *e, struct sts_answer *a)
{
    if (a->state == STS_UNKNOWN)
        snprintf(a->why, sizeof(a->why), "%s",
                 !e->read ? "the policies in the store cannot be read" : e->said_why);
    else if (a->trouble != SGL_TLS_OK)
        snprintf(a->why, sizeof(a->why), "%s", e->failure.why);
}

static void fill_answer(const struct sts_entry *e, enum sts_state state, struct sts_answer *a)
{
    bool failed = e->said == SGL_MTA_STS_FOUND && e->failure.id[0] != '\0' &&
                  strcmp(e->failure.id, e->id) == 0;

    *a = (struct sts_answer){.state = state, .trouble = failed ? e->failure.trouble : SGL_TLS_OK};
    if (state == STS_POLICY)
        a->policy = sts_policy_ref(e->policy);
    if (state == STS_UNKNOWN)
        count_unknown();
    say_why(e, a);
}

static struct sts_ask *take(struct sts_entry *e)
{
    struct sts_ask *ask = e->asks;

    if (ask != NULL)
        sts_cancel(ask);
    return ask;
}

/* Who asks again from within done() does not wait in this line: what is found out is over by then. */
void entry_answer(struct sts_entry *e)
{
    struct sts_ask *ask;
    enum sts_state state = entry_judge(e).state;

    e->answering = true;
    while ((ask = take(e)) != NULL) {
        fill_answer(e, state, &ask->answer);
        ask->done(ask);
    }
    e->answering = false;
}

void entry_refuse(struct sts_entry *e, const char *why)
{
    struct sts_ask *ask;

    e->answering = true;
    while ((ask = take(e)) != NULL) {
        ask->answer = (struct sts_answer){.state = STS_UNKNOWN};
        snprintf(ask->answer.why, sizeof(ask->answer.why), "%s", why);
        count_unknown();
        ask->done(ask);
    }
    e->answering = false;
}

/* ---- questions ---- */

static void join(struct sts_entry *e, struct sts_ask *ask)
{
    ask->next = e->asks;
    ask->link = &e->asks;
    if (e->asks != NULL)
        e->asks->link = &ask->next;
    e->asks = ask;
}

void sts_cancel(struct sts_ask *ask)
{
    if (ask->link == NULL)
        return;
    *ask->link = ask->next;
    if (ask->next != NULL)
        ask->next->link = ask->link;
    ask->link = NULL;
}

/* Nothing can be begun for it. */
static bool refuse(struct sts_ask *ask)
{
    ask->answer = (struct sts_answer){.state = STS_UNKNOWN};
    snprintf(ask->answer.why, sizeof(ask->answer.why), "too many domains are being asked");
    count_unknown();
    return true;
}

/* The record's answer still counts, or a fetch is under way for which nobody has to wait. */
static bool is_fresh(const struct sts_entry *e)
{
    if (e->inquiry != NULL)
        return find_is_background(e);
    return clock_mono_ms() < e->fresh_until_ms;
}

bool sts_ask(struct sts *sts, struct sgl_name domain, struct sts_ask *ask)
{
    struct sts_entry *e = cache_entry(sts, domain);
    struct sts_verdict v;

    ask->link = NULL;
    if (e == NULL)
        return refuse(ask);
    if (!is_fresh(e) && e->inquiry == NULL && !find_begin(e))
        return refuse(ask);
    if (is_fresh(e)) { /* maybe at once: a name so long that no record can be */
        v = entry_judge(e);
        if (v.fetch && e->inquiry == NULL && !find_fetch(e) && v.wait)
            return refuse(ask);
        if (!v.wait) {
            fill_answer(e, v.state, &ask->answer);
            return true;
        }
    }
    join(e, ask);
    return false;
}

/* ---- life ---- */

static int64_t read_policies(void *ctx)
{
    return ((struct sts *)ctx)->policies;
}

static struct metric held =
    METRIC_GAUGE("sigillo_mta_sts_policies", "Policies of other domains in memory", NULL);

struct sts *sts_new(const struct sts_config *config)
{
    struct sts *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    *s = (struct sts){.loop = config->loop,
                      .resolver = config->resolver,
                      .https = config->https,
                      .store = config->store,
                      .workers = config->workers,
                      .resolve_ms = config->resolve_ms};
    if (!cache_init(s) || !sweep_start(s)) {
        sts_free(s);
        return NULL;
    }
    count_register();
    metrics_register_read(&held, read_policies, s);
    return s;
}

void sts_free(struct sts *s)
{
    if (s == NULL)
        return;
    metrics_unregister(&held);
    sweep_stop(s);
    cache_done(s);
    free(s);
}
