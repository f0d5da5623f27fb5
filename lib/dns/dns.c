/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/dns.h"

#include <stdlib.h>

#include "rdata_internal.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"

/*
 * A question and its answer.  States: open (asked or wanted) -> answered.  An answer may also come unasked.
 */
struct sgl_dns_entry {
    struct sgl_dns_question question; /* first member: drivers get a pointer to it */
    struct sgl_dns_entry *next;
    uint32_t hash;
    bool answered;
    bool got; /* sgl_dns_get() was asked: counts for got_max */
    struct sgl_dns_answer answer;
};

const char *sgl_rr_name(enum sgl_rr type)
{
    switch (type) {
    case SGL_RR_A:
        return "A";
    case SGL_RR_NS:
        return "NS";
    case SGL_RR_CNAME:
        return "CNAME";
    case SGL_RR_PTR:
        return "PTR";
    case SGL_RR_MX:
        return "MX";
    case SGL_RR_TXT:
        return "TXT";
    case SGL_RR_AAAA:
        return "AAAA";
    case SGL_RR_TLSA:
        return "TLSA";
    case SGL_RR_SPF:
        return "SPF";
    }
    return "?";
}

/* An entry with its name. */
#define ENTRY_ROOM 1024
_Static_assert(sizeof(struct sgl_dns_entry) + SGL_LIMIT_NAME_TEXT + 64 <= ENTRY_ROOM,
               "an entry has room");

void sgl_dns_init(struct sgl_dns *dns, size_t got_max)
{
    *dns = (struct sgl_dns){.got_max = got_max == 0 ? SGL_LIMIT_DNS_QUESTIONS : got_max};
    /* Asked and wished for, each may have a small answer and the names around it; so what is small never fails for want of room. */
    sgl_arena_init(&dns->arena,
                   SGL_LIMIT_DNS_SNAPSHOT + 2 * dns->got_max * (SGL_LIMIT_DNS_SMALL + ENTRY_ROOM));
}

void sgl_dns_done(struct sgl_dns *dns)
{
    sgl_arena_done(&dns->arena);
    sgl_dns_init(dns, dns->got_max);
}

void sgl_dns_reset(struct sgl_dns *dns)
{
    sgl_arena_reset(&dns->arena);
    dns->first = dns->last = NULL;
    dns->got = dns->wanted = dns->open = dns->bulk = 0;
}

static struct sgl_dns_entry *find(const struct sgl_dns *dns, struct sgl_name name, enum sgl_rr type)
{
    uint32_t hash = sgl_name_hash(name);

    for (struct sgl_dns_entry *e = dns->first; e != NULL; e = e->next) {
        if (e->hash == hash && e->question.type == type && sgl_name_eq(e->question.name, name))
            return e;
    }
    return NULL;
}

/* A new open entry; NULL: arena.status says why. */
static struct sgl_dns_entry *note(struct sgl_dns *dns, struct sgl_name name, enum sgl_rr type)
{
    struct sgl_dns_entry *e = SGL_NEW(&dns->arena, struct sgl_dns_entry);

    if (e == NULL || sgl_name_dup(name, &dns->arena, &e->question.name) != SGL_OK)
        return NULL;
    e->question.type = type;
    e->hash = sgl_name_hash(name);
    if (dns->last == NULL)
        dns->first = e;
    else
        dns->last->next = e;
    dns->last = e;
    dns->open++;
    return e;
}

enum sgl_status sgl_dns_get(struct sgl_dns *dns, struct sgl_name name, enum sgl_rr type,
                            const struct sgl_dns_answer **out)
{
    struct sgl_dns_entry *e = find(dns, name, type);

    if ((e == NULL || !e->got) && dns->got >= dns->got_max)
        return SGL_E_LIMIT;
    if (e == NULL) {
        e = note(dns, name, type);
        if (e == NULL)
            return dns->arena.status;
    }
    if (!e->got) {
        e->got = true;
        dns->got++;
    }
    if (!e->answered)
        return SGL_NEED_DNS;
    *out = &e->answer;
    return SGL_OK;
}

void sgl_dns_want(struct sgl_dns *dns, struct sgl_name name, enum sgl_rr type)
{
    struct sgl_arena_mark mark;

    /* A quarter of the memory stays free of wishes, so that they cannot make a question fail. */
    if (dns->wanted >= dns->got_max || dns->arena.used > dns->arena.max / 4 * 3 ||
        find(dns, name, type) != NULL)
        return;
    mark = sgl_arena_mark(&dns->arena);
    if (note(dns, name, type) == NULL)
        sgl_arena_rewind(&dns->arena, mark);
    else
        dns->wanted++;
}

const struct sgl_dns_question *sgl_dns_next_open(const struct sgl_dns *dns,
                                                 const struct sgl_dns_question *after)
{
    const struct sgl_dns_entry *e =
        after == NULL ? dns->first : ((const struct sgl_dns_entry *)after)->next;

    while (e != NULL && e->answered)
        e = e->next;
    return e == NULL ? NULL : &e->question;
}

static int by_bytes(const void *a, const void *b)
{
    return sgl_view_cmp(*(const sgl_view *)a, *(const sgl_view *)b);
}

/* A sorted copy of the list without doubles; *count its length. */
static sgl_view *sort_rdata(struct sgl_dns *dns, const struct sgl_dns_raw *raw, size_t *count)
{
    sgl_view *list = SGL_NEW_N(&dns->arena, raw->rdatas, sgl_view);
    size_t kept = 0;

    if (list == NULL)
        return NULL;
    if (raw->rdatas > 0) {
        memcpy(list, raw->rdata, raw->rdatas * sizeof *list);
        qsort(list, raw->rdatas, sizeof *list, by_bytes);
    }
    for (size_t i = 0; i < raw->rdatas; i++) {
        if (i == 0 || !sgl_view_eq(list[i], list[kept - 1]))
            list[kept++] = list[i];
    }
    *count = kept;
    return list;
}

static enum sgl_status read_records(struct sgl_dns *dns, const struct sgl_dns_raw *raw,
                                    struct sgl_dns_answer *answer)
{
    size_t sent, room;
    sgl_view *rdata = sort_rdata(dns, raw, &sent);
    struct sgl_dns_rr *rr;

    if (rdata == NULL)
        return dns->arena.status;
    room = sent > SGL_LIMIT_DNS_RECORDS ? SGL_LIMIT_DNS_RECORDS : sent;
    rr = SGL_NEW_N(&dns->arena, room, struct sgl_dns_rr);
    if (rr == NULL)
        return dns->arena.status;
    for (size_t i = 0; i < sent && answer->count < room; i++) {
        enum sgl_status st = sgl_rdata_parse(raw->type, rdata[i], &dns->arena, &rr[answer->count]);

        if (st == SGL_OK)
            answer->count++;
        else if (st != SGL_E_SYNTAX)
            return st;
    }
    answer->rr = rr;
    answer->dropped = sent - answer->count;
    return SGL_OK;
}

static enum sgl_status read_why(struct sgl_dns *dns, const struct sgl_dns_raw *raw,
                                struct sgl_dns_answer *answer)
{
    uint8_t text[200];
    size_t len = 0;
    const char *copy;

    for (size_t i = 0; i < raw->why.len && len < sizeof text; i++) {
        uint8_t c = raw->why.ptr[i];

        text[len++] = c < 0x20 || c > 0x7e ? ' ' : c;
    }
    if (len == 0) {
        answer->why = answer->outcome == SGL_DNS_BOGUS ? "DNSSEC validation failed" : "no answer";
        return SGL_OK;
    }
    copy = sgl_arena_cstr(&dns->arena, sgl_view_of(text, len));
    if (copy == NULL)
        return dns->arena.status;
    answer->why = copy;
    return SGL_OK;
}

static enum sgl_status read_alias(struct sgl_dns *dns, const struct sgl_dns_raw *raw,
                                  struct sgl_dns_answer *answer)
{
    enum sgl_status st;

    if (raw->canonical.len == 0)
        return SGL_OK;
    st = sgl_name_parse(raw->canonical, SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT | SGL_NAME_ROOT,
                        &dns->arena, NULL, &answer->canonical);
    if (st == SGL_E_SYNTAX) {
        answer->outcome = SGL_DNS_FAILED;
        answer->why = "the alias leads to a name that no host has";
        return SGL_OK;
    }
    SGL_TRY(st);
    answer->aliased = !sgl_name_eq(answer->canonical, raw->name);
    return SGL_OK;
}

/* Everything but the name, which the entry has. */
static enum sgl_status read_answer(struct sgl_dns *dns, const struct sgl_dns_raw *raw,
                                   struct sgl_dns_answer *answer)
{
    answer->outcome = raw->outcome;
    if (raw->outcome == SGL_DNS_OK && raw->rdatas == 0)
        answer->outcome = SGL_DNS_NODATA;
    SGL_TRY(read_alias(dns, raw, answer));
    if (sgl_dns_is_error(answer))
        return answer->why[0] == 0 ? read_why(dns, raw, answer) : SGL_OK;
    answer->security = raw->security;
    answer->ttl_s = raw->ttl_s;
    if (answer->outcome == SGL_DNS_OK)
        SGL_TRY(read_records(dns, raw, answer));
    return SGL_OK;
}

/*
 * Large answers share a bound of their own: whoever signs with ten keys of 60 KB must not be able to push out the DMARC record of the domain that he
 * pretends to be.
 */
static enum sgl_status weigh(struct sgl_dns *dns, size_t used_before)
{
    size_t size = dns->arena.used - used_before;

    if (size <= SGL_LIMIT_DNS_SMALL)
        return SGL_OK;
    if (size > SGL_LIMIT_DNS_SNAPSHOT - dns->bulk)
        return SGL_E_LIMIT;
    dns->bulk += size;
    return SGL_OK;
}

enum sgl_status sgl_dns_add_answer(struct sgl_dns *dns, const struct sgl_dns_raw *raw)
{
    struct sgl_dns_entry *e = find(dns, raw->name, raw->type);
    struct sgl_dns_answer answer = {.type = raw->type, .why = ""};
    struct sgl_arena_mark mark = sgl_arena_mark(&dns->arena);
    enum sgl_status st;

    if (e != NULL && e->answered)
        return SGL_OK;
    if (e == NULL) {
        if (dns->wanted >= dns->got_max)
            return SGL_E_LIMIT;
        e = note(dns, raw->name, raw->type);
        if (e == NULL) {
            st = dns->arena.status;
            sgl_arena_rewind(&dns->arena, mark);
            return st;
        }
        dns->wanted++;
        mark = sgl_arena_mark(&dns->arena);
    }
    answer.name = answer.canonical = e->question.name;
    st = read_answer(dns, raw, &answer);
    if (st == SGL_OK)
        st = weigh(dns, mark.used);
    if (st != SGL_OK) {
        sgl_arena_rewind(&dns->arena, mark);
        return st;
    }
    e->answer = answer;
    e->answered = true;
    dns->open--;
    return SGL_OK;
}

static void fail_entry(struct sgl_dns *dns, struct sgl_dns_entry *e, const char *why)
{
    if (e->answered)
        return;
    e->answer = (struct sgl_dns_answer){.name = e->question.name,
                                        .type = e->question.type,
                                        .outcome = SGL_DNS_FAILED,
                                        .canonical = e->question.name,
                                        .why = why};
    e->answered = true;
    dns->open--;
}

void sgl_dns_fail(struct sgl_dns *dns, struct sgl_name name, enum sgl_rr type, const char *why)
{
    struct sgl_dns_entry *e = find(dns, name, type);

    if (e != NULL)
        fail_entry(dns, e, why);
}

void sgl_dns_fail_open(struct sgl_dns *dns, const char *why)
{
    for (struct sgl_dns_entry *e = dns->first; e != NULL; e = e->next)
        fail_entry(dns, e, why);
}
