/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding out about one domain: what the store has, what the record says, and the policy itself where there is reason to fetch it.
 *
 *   READING (a worker) --> LOOKING (TXT) --> FETCHING --> over
 *                                        \-> over, or FETCHING with everybody answered already
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sigillo/limits.h"
#include "sts_internal.h"

#define FETCH_MS    60000 /* [RFC 8461 s3.3] */
#define FETCHES     48    /* at once: fewer than HTTPS_OPEN_MAX */
#define SCRATCH_MAX 65536 /* texts of a record, names */
#define PASSES_MAX  4     /* of which one asks */
#define PATH        "/.well-known/mta-sts.txt"

struct inquiry {
    struct sts_entry *entry;
    struct inquiry *next; /* in the line of those that wait to fetch */
    struct work work;
    enum store_result result;
    struct sts_row row;
    struct resolver_fill fill;
    struct sgl_dns dns;
    struct sgl_arena scratch;
    struct https_get get;
    bool fetching, background;
    unsigned passes;
    char url[SGL_LIMIT_NAME_TEXT + 64];
};

/* ---- over ---- */

static void over(struct inquiry *q)
{
    q->entry->inquiry = NULL;
    sgl_dns_done(&q->dns);
    sgl_arena_done(&q->scratch);
    sgl_buf_done(&q->get.body);
    free(q);
}

static void answer(struct inquiry *q)
{
    struct sts_entry *e = q->entry;

    over(q);
    entry_answer(e);
}

/* What cannot be known now may be known soon. */
static void stay_fresh(struct sts_entry *e, uint32_t ttl_s)
{
    uint64_t s = ttl_s > STS_FRESH_S ? STS_FRESH_S : ttl_s < STS_SOON_S ? STS_SOON_S : ttl_s;

    if (!e->read || e->said == SGL_MTA_STS_TEMPERROR)
        s = STS_SOON_S;
    e->fresh_until_ms = clock_mono_ms() + s * 1000;
}

bool find_is_background(const struct sts_entry *e)
{
    return e->inquiry->background;
}

/* A request that is open ends with its room, which is gone by now. */
void find_end(struct sts_entry *e)
{
    struct inquiry *q = e->inquiry;

    while (e->asks != NULL)
        sts_cancel(e->asks);
    if (q == NULL)
        return;
    resolver_cancel(&q->fill);
    sts_policy_unref(q->row.policy);
    if (q->fetching)
        q->get.body = (struct sgl_buf){0};
    over(q);
}

/* ---- the policy ---- */

static enum sgl_tls_result trouble_of(enum https_end end)
{
    switch (end) {
    case HTTPS_OK:
        return SGL_TLS_OK;
    case HTTPS_CERTIFICATE:
        return SGL_TLS_STS_WEBPKI_INVALID;
    case HTTPS_TOO_LARGE:
        return SGL_TLS_STS_POLICY_INVALID;
    case HTTPS_LOCAL:
    case HTTPS_LOOKUP:
    case HTTPS_NO_ADDRESS:
    case HTTPS_CONNECTION:
    case HTTPS_TIMEOUT:
    case HTTPS_STATUS:
        break;
    }
    return SGL_TLS_STS_POLICY_FETCH_ERROR;
}

/* What was fetched, judged. SGL_TLS_OK: *out is the policy. */
static enum sgl_tls_result judge_body(const struct inquiry *q, struct sts_policy **out,
                                      char why[STS_WHY_SIZE])
{
    const struct https_get *g = &q->get;
    enum sgl_status status;

    if (!g->ok) {
        snprintf(why, STS_WHY_SIZE, "%s", g->why);
        return trouble_of(g->end);
    }
    /* Others than its owner may have a say in what a web server serves; not as plain text [RFC 8461 s3.3]. */
    if (strcmp(g->type, "text/plain") != 0) {
        snprintf(why, STS_WHY_SIZE, "its media type is \"%s\", not text/plain", g->type);
        return SGL_TLS_STS_POLICY_INVALID;
    }
    status = sts_policy_read(q->entry->domain.text, sgl_view_cstr(q->entry->id),
                             sgl_buf_view(&g->body), clock_now_s(), out, why);
    if (status == SGL_E_NOMEM)
        return SGL_TLS_RESULTS;
    return status == SGL_OK ? SGL_TLS_OK : SGL_TLS_STS_POLICY_INVALID;
}

static void take_policy(struct sts_entry *e, struct sts_policy *p)
{
    log_line(LOG_INFO_, "MTA-STS policy fetched", LOG_VIEW("domain", p->domain),
             LOG_VIEW("id", p->id), LOG_STR("mode", sgl_mta_sts_mode_name(p->policy.mode)),
             LOG_INT("max_age", p->policy.max_age_s));
    cache_set_policy(e, p);
    e->failure = (struct sts_failure){0};
    e->read = true; /* whatever the store has: this is newer */
    row_write(e);
}

static void note_failure(struct sts_entry *e, enum sgl_tls_result trouble, const char *why)
{
    int64_t now = clock_now_s();
    bool none = e->policy != NULL && e->policy->policy.mode == SGL_MTA_STS_MODE_NONE;

    /* [RFC 8461 s3.3] */
    log_line(none ? LOG_INFO_ : LOG_WARN_, "MTA-STS policy not fetched",
             LOG_VIEW("domain", e->domain.text), LOG_STR("id", e->id),
             LOG_STR("result", sgl_tls_result_name(trouble)), LOG_STR("why", why),
             LOG_BOOL("known", sts_in_force(e->policy, now)));
    e->failure = (struct sts_failure){.until = now + STS_RETRY_S, .trouble = trouble};
    snprintf(e->failure.id, sizeof(e->failure.id), "%s", e->id);
    snprintf(e->failure.why, sizeof(e->failure.why), "%s", why);
    if (e->read) /* else what is stored may be a policy */
        row_write(e);
}

/* It was not even asked: that says nothing about the domain. */
static void not_asked(struct inquiry *q, const char *why)
{
    struct sts_entry *e = q->entry;
    bool valid = sts_in_force(e->policy, clock_now_s());
    char said[STS_WHY_SIZE];

    snprintf(said, sizeof(said), "its policy could not be asked for: %s", why);
    e->fresh_until_ms = clock_mono_ms() + STS_SOON_S * 1000;
    over(q);
    if (valid)
        entry_answer(e);
    else
        entry_refuse(e, said);
}

static void next_in_line(struct sts *s)
{
    struct inquiry *q = s->line_first;

    if (q == NULL || s->fetching >= FETCHES)
        return;
    s->line_first = q->next;
    if (s->line_first == NULL)
        s->line_last = NULL;
    s->fetching++;
    q->fetching = true;
    https_get(s->https, &q->get);
}

static void fetched(struct https_get *g)
{
    struct inquiry *q = (struct inquiry *)(void *)((char *)g - offsetof(struct inquiry, get));
    struct sts_policy *p = NULL;
    char why[STS_WHY_SIZE] = "";
    enum sgl_tls_result trouble = judge_body(q, &p, why);

    q->fetching = false;
    q->entry->sts->fetching--;
    next_in_line(q->entry->sts);
    if (g->end == HTTPS_LOCAL || trouble == SGL_TLS_RESULTS) {
        not_asked(q, g->end == HTTPS_LOCAL ? g->why : "out of memory");
        return;
    }
    count_fetch(trouble);
    if (p != NULL)
        take_policy(q->entry, p);
    else
        note_failure(q->entry, trouble, why);
    answer(q);
}

static void fetch(struct inquiry *q)
{
    struct sts *s = q->entry->sts;

    snprintf(q->url, sizeof(q->url), "https://mta-sts.%.*s" PATH, SGL_FMT(q->entry->domain.text));
    q->get = (struct https_get){.url = q->url,
                                .size_max = SGL_LIMIT_MTA_STS_POLICY,
                                .timeout_ms = FETCH_MS,
                                .done = fetched};
    if (s->line_last != NULL)
        s->line_last->next = q;
    else
        s->line_first = q;
    s->line_last = q;
    next_in_line(s);
}

/* ---- the record ---- */

static void take_record(struct sts_entry *e, const struct sgl_mta_sts_answer *said)
{
    e->said = said->state;
    e->id[0] = e->said_why[0] = '\0';
    if (said->state == SGL_MTA_STS_FOUND)
        snprintf(e->id, sizeof(e->id), "%.*s", SGL_FMT(said->record.id));
    if (said->state == SGL_MTA_STS_TEMPERROR)
        snprintf(e->said_why, sizeof(e->said_why), "the lookup of its record failed: %s",
                 said->why);
}

/* The least of what the resolver said; a name that cannot be has none. */
static uint32_t ttl_of(struct inquiry *q)
{
    const struct sgl_dns_answer *answer = NULL;
    struct sgl_name name;

    if (sgl_name_under(SGL_LIT("_mta-sts"), q->entry->domain, &q->scratch, &name) != SGL_OK ||
        sgl_dns_get(&q->dns, name, SGL_RR_TXT, &answer) != SGL_OK)
        return STS_FRESH_S;
    return answer->ttl_s;
}

static void judge(struct inquiry *q)
{
    struct sts_entry *e = q->entry;
    struct sts_verdict v = entry_judge(e);

    if (!v.fetch) {
        answer(q);
        return;
    }
    q->background = !v.wait;
    fetch(q);
    if (q->background)
        entry_answer(e);
}

static void look(struct inquiry *q);

static void looked(struct resolver_fill *fill)
{
    look((struct inquiry *)(void *)((char *)fill - offsetof(struct inquiry, fill)));
}

static void look(struct inquiry *q)
{
    struct sts_entry *e = q->entry;
    struct sgl_mta_sts_answer said = {.state = SGL_MTA_STS_TEMPERROR, .why = "no memory for it"};
    enum sgl_status status = sgl_mta_sts_find(e->domain, &q->dns, &q->scratch, &said);

    if (status == SGL_NEED_DNS && q->passes++ < PASSES_MAX) {
        q->fill = (struct resolver_fill){
            .dns = &q->dns, .timeout_ms = e->sts->resolve_ms, .done = looked};
        resolver_fill(e->sts->resolver, &q->fill);
        return;
    }
    if (status == SGL_E_LIMIT)
        said.why = "its answer is too large";
    take_record(e, &said);
    stay_fresh(e, ttl_of(q));
    judge(q);
}

/* ---- the store ---- */

static void read_on_worker(struct work *w)
{
    struct inquiry *q = (struct inquiry *)(void *)((char *)w - offsetof(struct inquiry, work));

    q->result = row_read(q->entry->sts->store, q->entry->domain.text, &q->row);
}

static void read_done(struct work *w)
{
    struct inquiry *q = (struct inquiry *)(void *)((char *)w - offsetof(struct inquiry, work));
    struct sts_entry *e = q->entry;

    e->read = q->result == STORE_OK || q->result == STORE_NOT_FOUND;
    e->stored = q->result == STORE_OK;
    if (q->result == STORE_OK) {
        cache_set_policy(e, q->row.policy);
        e->failure = q->row.failure;
        q->row.policy = NULL;
    }
    if (!e->read)
        log_line(LOG_ERROR_, "MTA-STS policy cannot be read from the store",
                 LOG_VIEW("domain", e->domain.text), LOG_STR("why", store_result_text(q->result)));
    look(q);
}

static struct inquiry *inquiry_new(struct sts_entry *e)
{
    struct inquiry *q = calloc(1, sizeof(*q));

    if (q == NULL)
        return NULL;
    q->entry = e;
    q->work = (struct work){.work = read_on_worker, .done = read_done, .loop = e->sts->loop};
    sgl_dns_init(&q->dns, 4);
    sgl_arena_init(&q->scratch, SCRATCH_MAX);
    e->inquiry = q;
    return q;
}

bool find_begin(struct sts_entry *e)
{
    struct inquiry *q = inquiry_new(e);

    if (q == NULL)
        return false;
    if (!e->read) {
        if (workers_submit(e->sts->workers, &q->work))
            return true;
        over(q);
        return false;
    }
    look(q);
    return true;
}

bool find_fetch(struct sts_entry *e)
{
    struct inquiry *q = inquiry_new(e);

    if (q == NULL)
        return false;
    q->background = !entry_judge(e).wait;
    fetch(q);
    return true;
}
