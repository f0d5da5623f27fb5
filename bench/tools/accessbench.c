/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to ask who may send as whom: accessbench IDENTITIES DOMAINS MEMBERS LOOKUPS
 *
 * The tables of a directory, without its store: so many domains, a group with so many members, and identities of which one third has a policy that allows the group and one
 * that denies another, one third a sender of its own, one third neither.  Then each is asked in turn for an address that it may send as and for one that it may not.  Prints
 * one JSON line; the time is that of the processor.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../server/directory/directory_internal.h"
#include "sigillo/mailbox.h"

static struct directory d;

/* No key is made or used here. */
void keys_submit(struct keys *keys, struct keys_op *op)
{
    (void)keys;
    (void)op;
    abort();
}

static void die(const char *what)
{
    fprintf(stderr, "accessbench: %s\n", what);
    exit(1);
}

static void show(enum directory_noun which, const char *key, json_t *json)
{
    struct store_noun stored = {.key = sgl_view_cstr(key), .subscription = SGL_LIT("default")};
    void *noun = noun_kind_of(which)->from_json(&stored, json);

    json_decref(json);
    if (noun == NULL || !noun_show(&d, which, noun))
        die(key);
}

static size_t heap_bytes(void)
{
    struct mallinfo2 now = mallinfo2();

    return now.uordblks + now.hblkhd;
}

static void make_domains(unsigned domains)
{
    char name[64];

    for (unsigned i = 0; i < domains; i++) {
        snprintf(name, sizeof(name), "domain%u.test", i);
        show(DIRECTORY_DOMAIN, name, json_pack("{s:i, s:[]}", "created_at", 1, "selectors"));
    }
}

static void make_groups(unsigned members, unsigned domains)
{
    json_t *list = json_array();
    char name[64];

    for (unsigned i = 0; i < members; i++) {
        snprintf(name, sizeof(name), "member%u@domain%u.test", i, i % domains);
        json_array_append_new(list, json_string(name));
    }
    show(DIRECTORY_GROUP, "default/large", json_pack("{s:o}", "members", list));
    show(DIRECTORY_GROUP, "default/small",
         json_pack("{s:[s,s]}", "members", "boss@domain0.test", "*@domain1.test"));
}

/* Its name, and what it is confined to. */
static void make_identity(unsigned i, unsigned domains)
{
    char key[128], name[32], address[64];

    snprintf(name, sizeof(name), "app:app%u", i);
    if (i % 3 == 0) {
        snprintf(key, sizeof(key), "a%u", i);
        show(DIRECTORY_POLICY, key,
             json_pack("{s:s, s:s, s:b}", "identity", name, "group", "large", "deny", 0));
        snprintf(key, sizeof(key), "d%u", i);
        show(DIRECTORY_POLICY, key,
             json_pack("{s:s, s:s, s:b}", "identity", name, "group", "small", "deny", 1));
    } else if (i % 3 == 1) {
        snprintf(address, sizeof(address), "own%u@domain%u.test", i, i % domains);
        snprintf(key, sizeof(key), "%s %s", address, name);
        show(DIRECTORY_SENDER, key, json_pack("{s:s, s:s}", "address", address, "identity", name));
    }
}

/* One to be granted, one to be denied. */
struct question {
    struct identity *who;
    struct sgl_mailbox mailbox;
    bool want;
};

static void ask_as(struct question *q, struct sgl_arena *arena, unsigned i, unsigned domains,
                   unsigned members, bool want)
{
    char text[64], name[32];

    snprintf(name, sizeof(name), "app%u", i);
    if (i % 3 == 0)
        snprintf(text, sizeof(text), "%s%u@domain%u.test", want ? "Member" : "stranger",
                 i % members, i % members % domains);
    else
        snprintf(text, sizeof(text), "own%u@%sdomain%u.test", i, want ? "" : "sub.", i % domains);
    q->who = identity_new(IDENTITY_APP, "app:", sgl_view_cstr(name), SGL_LIT("default"));
    q->want = want;
    if (q->who == NULL || !identity_add_domain(q->who, SGL_LIT("*")) ||
        sgl_mailbox_parse(sgl_view_cstr(text), arena, &q->mailbox, NULL) != SGL_OK)
        die(text);
}

#define QUESTIONS 4096

static uint64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double ns_per_lookup(unsigned identities, unsigned domains, unsigned members,
                            uint64_t lookups)
{
    static struct question q[QUESTIONS];
    struct sgl_arena arena = SGL_ARENA_INIT(8u * 1024u * 1024u);
    struct directory_access access;
    uint64_t start;

    for (unsigned i = 0; i < QUESTIONS; i++)
        ask_as(&q[i], &arena, (unsigned)((uint64_t)i * 7919 % identities), domains, members,
               i % 2 == 0);
    start = cpu_ns();
    for (uint64_t i = 0; i < lookups; i++) {
        const struct question *now = &q[i % QUESTIONS];
        struct domain *domain = NULL;

        if (directory_may_send(&d, now->who, &now->mailbox, &domain, &access) != now->want)
            die("an answer is wrong");
        domain_unref(domain);
    }
    return (double)(cpu_ns() - start) / (double)lookups;
}

static unsigned argument(const char *text)
{
    uint64_t n = 0;

    if (!sgl_view_u64(sgl_view_cstr(text), 100000000, &n) || n == 0) {
        fprintf(stderr, "accessbench IDENTITIES DOMAINS MEMBERS LOOKUPS\n");
        exit(2);
    }
    return (unsigned)n;
}

int main(int argc, char **argv)
{
    unsigned identities = argument(argc == 5 ? argv[1] : ""), domains = argument(argv[2]),
             members = argument(argv[3]), lookups = argument(argv[4]);
    size_t before, with_domains;
    double ns;

    pthread_rwlock_init(&d.lock, NULL);
    for (unsigned i = 0; i < DIRECTORY_NOUNS; i++) {
        table_init(&d.table[i]);
        table_init(&d.alias[i]);
    }
    access_init(&d);
    before = heap_bytes();
    make_domains(domains);
    with_domains = heap_bytes();
    make_groups(members, domains);
    for (unsigned i = 0; i < identities; i++)
        make_identity(i, domains);
    ns = ns_per_lookup(identities, domains, members, lookups);
    printf("{\"identities\":%u,\"domains\":%u,\"members\":%u,\"policies\":%zu,\"senders\":%zu,"
           "\"domain_bytes\":%zu,\"access_bytes\":%zu,\"ns_per_lookup\":%.0f}\n",
           identities, domains, members, d.table[DIRECTORY_POLICY].used,
           d.table[DIRECTORY_SENDER].used, with_domains - before, heap_bytes() - with_domains, ns);
    return 0;
}
