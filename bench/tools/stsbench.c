/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to decide by a policy of MTA-STS that is known: stsbench DOMAINS QUESTIONS
 *
 * The policies of many domains are found once, through a name server, a web server and a store that are none; then each domain in turn is asked for, and its policy about two MX
 * hosts.  Prints one JSON line.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../server/log/log.h"
#include "../../server/sts/sts.h"

#define BODY                                                                                       \
    "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.net\r\nmx: "                               \
    "*.mail.example.net\r\nmax_age: 604800\r\n"

const char *store_result_text(enum store_result r)
{
    (void)r;
    return "";
}

enum store_result store_read_noun(struct store *store, sgl_view kind, sgl_view key,
                                  bool (*each)(void *ctx, const struct store_noun *n), void *ctx)
{
    (void)store;
    (void)kind;
    (void)key;
    (void)each;
    (void)ctx;
    return STORE_NOT_FOUND;
}

enum store_result store_read_noun_page(struct store *store, const struct store_noun_page *page,
                                       bool (*each)(void *ctx, const struct store_noun *n),
                                       void *ctx)
{
    (void)store;
    (void)page;
    (void)each;
    (void)ctx;
    return STORE_OK;
}

void store_submit(struct store *store, struct store_op *op)
{
    (void)store;
    op->result = STORE_OK;
    op->done(op);
}

static struct https_get *asked;
static struct resolver_fill *looked;
static struct work *working;

void https_get(struct https *h, struct https_get *g)
{
    (void)h;
    asked = g;
}

void resolver_fill(struct resolver *r, struct resolver_fill *fill)
{
    (void)r;
    looked = fill;
}

void resolver_cancel(struct resolver_fill *fill)
{
    (void)fill;
}

bool workers_submit(struct workers *workers, struct work *w)
{
    (void)workers;
    working = w;
    return true;
}

static void serve(void)
{
    asked->end = HTTPS_OK;
    asked->ok = true;
    snprintf(asked->type, sizeof(asked->type), "text/plain");
    asked->body = (struct sgl_buf)SGL_BUF_INIT(asked->size_max);
    sgl_buf_add(&asked->body, SGL_LIT(BODY));
    asked->done(asked);
}

static bool look(void)
{
    static const char text[] = "\x12v=STSv1; id=abcde;";
    sgl_view rdata = sgl_view_of(text, sizeof(text) - 1);
    const struct sgl_dns_question *q = sgl_dns_next_open(looked->dns, NULL);
    struct sgl_dns_raw raw = {.name = q->name,
                              .type = q->type,
                              .outcome = SGL_DNS_OK,
                              .ttl_s = 3600,
                              .rdata = &rdata,
                              .rdatas = 1};

    if (sgl_dns_add_answer(looked->dns, &raw) != SGL_OK)
        return false;
    looked->done(looked);
    return true;
}

static void nobody(struct sts_ask *ask)
{
    sts_policy_unref(ask->answer.policy);
}

static bool name_of(uint64_t n, struct sgl_arena *arena, struct sgl_name *out)
{
    char text[40];
    int len = snprintf(text, sizeof(text), "domain-%llu.example", (unsigned long long)n);

    return sgl_name_parse(sgl_view_of(text, (size_t)len), SGL_NAME_HOST, arena, NULL, out) ==
           SGL_OK;
}

static bool find_one(struct sts *sts, struct sgl_name domain)
{
    struct sts_ask ask = {.done = nobody};

    if (sts_ask(sts, domain, &ask))
        return false;
    working->work(working);
    working->done(working);
    if (!look())
        return false;
    serve();
    return true;
}

static bool ask_one(struct sts *sts, struct sgl_name domain, const struct sgl_name mx[2])
{
    struct sts_ask ask = {.done = nobody};
    bool good = sts_ask(sts, domain, &ask) && ask.answer.state == STS_POLICY &&
                sgl_mta_sts_matches(&ask.answer.policy->policy, mx[0]) &&
                !sgl_mta_sts_matches(&ask.answer.policy->policy, mx[1]);

    sts_policy_unref(ask.answer.policy);
    return good;
}

int main(int argc, char **argv)
{
    struct sgl_arena arena = SGL_ARENA_INIT(1u << 30);
    struct sts *sts = sts_new(&(struct sts_config){.loop = loop_new("bench"), .resolve_ms = 1000});
    uint64_t domains = 0, questions = 0, start;
    struct sgl_name mx[2], *name;

    if (argc != 3 || !sgl_view_u64(sgl_view_cstr(argv[1]), 16000, &domains) ||
        !sgl_view_u64(sgl_view_cstr(argv[2]), 1000000000, &questions) || domains == 0 ||
        sts == NULL || (name = SGL_NEW_N(&arena, domains, struct sgl_name)) == NULL ||
        sgl_name_parse(SGL_LIT("a.mail.example.net"), SGL_NAME_HOST, &arena, NULL, &mx[0]) !=
            SGL_OK ||
        sgl_name_parse(SGL_LIT("mx9.example.net"), SGL_NAME_HOST, &arena, NULL, &mx[1]) != SGL_OK) {
        fprintf(stderr, "stsbench DOMAINS QUESTIONS\n");
        return 2;
    }
    log_set_level(LOG_ERROR_);
    for (uint64_t i = 0; i < domains; i++)
        if (!name_of(i, &arena, &name[i]) || !find_one(sts, name[i]))
            return 1;
    start = clock_mono_us();
    for (uint64_t i = 0; i < questions; i++)
        if (!ask_one(sts, name[i * 7919 % domains], mx))
            return 1;
    printf("{\"domains\":%llu,\"questions\":%llu,\"ns_per_decision\":%.0f}\n",
           (unsigned long long)domains, (unsigned long long)questions,
           (double)(clock_mono_us() - start) * 1000.0 / (double)questions);
    return 0;
}
