/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the addresses that are not sent to.  all checked -> stored together -> shown in the set -> done().  directory_sweep.c has their end.
 *
 * The set is changed only after the store has said yes; between two changes of the same address the last one in the store's order wins, and both orders end in a state that
 * one of them asked for.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../store/json_text.h"
#include "../store/statistics.h"
#include "sigillo/ascii.h"
#include "sigillo/mailbox.h"
#include "suppression_name.h"

#define REPLY_MAX    500u
#define STATUS_MAX   16u
#define VALUE_MAX    4096u
#define BATCH_MAX    ((size_t)192 * 1024 * 1024)
#define MANY         1000u
#define ADDRESS_ROOM 16384u
#define SUPPRESSION  SGL_LIT(SUPPRESSION_KIND)

struct batch {
    struct store_noun_op op; /* first: cast from it */
    struct store_noun
        *noun; /* one for each item; two where one of any spelling and one of this one go */
    struct shown {
        uint8_t word;
        int64_t until;
    } * shown; /* of each noun that is added */
    struct directory *d;
    struct directory_suppress *s;
    struct sgl_arena arena, scratch;
    struct store_audit audit;
    sgl_view subscription;
    sgl_view domain; /* that was found to be the subscription's last */
    bool many;       /* this is the large one */
    int64_t now;
};

static void finish(struct batch *b)
{
    struct directory_suppress *s = b->s;

    sgl_arena_done(&b->arena);
    sgl_arena_done(&b->scratch);
    if (b->many)
        atomic_store(&b->d->suppress_many, false);
    free(b);
    s->private_ = NULL;
    s->done(s);
}

static void finish_later(struct loop_task *task)
{
    struct directory_suppress *s =
        (struct directory_suppress *)(void *)((char *)task -
                                              offsetof(struct directory_suppress, task));

    if (s->private_ != NULL)
        finish(s->private_);
    else
        s->done(s);
}

static bool say(struct directory_suppress *s, enum directory_result result, const char *field,
                const char *why)
{
    s->result = result;
    snprintf(s->field, sizeof(s->field), "%s", field);
    snprintf(s->why, sizeof(s->why), "%s", why);
    return false;
}

static bool no_memory(struct directory_suppress *s)
{
    return say(s, DIRECTORY_UNAVAILABLE, "", "out of memory");
}

static void show(struct batch *b)
{
    struct directory *d = b->d;
    bool fits = true;

    pthread_rwlock_wrlock(&d->lock);
    for (size_t i = 0; i < b->op.nouns; i++) {
        size_t before = d->suppressed.used;

        if (b->s->remove)
            b->s->fresh += suppression_set_remove(&d->suppressed, b->noun[i].key);
        else
            fits &= suppression_note_list(d, b->noun[i].key) &&
                    suppression_set_put(&d->suppressed, b->noun[i].key, b->shown[i].word,
                                        b->shown[i].until);
        b->s->fresh += !b->s->remove && d->suppressed.used > before;
    }
    pthread_rwlock_unlock(&d->lock);
    if (!fits)
        (void)say(b->s, DIRECTORY_UNAVAILABLE, "",
                  "it is stored, and will count after a restart: out of memory");
}

static void stored(struct store_op *op)
{
    struct batch *b = (struct batch *)(void *)op;
    char why[160];

    if (op->result == STORE_OK) {
        show(b);
    } else {
        snprintf(why, sizeof(why), "the store did not take it: %s", store_result_text(op->result));
        (void)say(b->s, DIRECTORY_UNAVAILABLE, "", why);
    }
    finish(b);
}

/* ---- checks ---- */

static bool check_subscription(struct batch *b)
{
    struct subscription *subscription = directory_subscription(b->d, b->subscription);
    bool known = subscription != NULL;

    subscription_unref(subscription);
    return known || say(b->s, DIRECTORY_NOT_FOUND, "subscription",
                        "there is no such subscription; sigillo subscription list shows those that "
                        "are there");
}

/* The rule of X-Sigillo-List, but that a domain was added where there was no dot. */
static bool list_name_ok(sgl_view id)
{
    bool part = false, dot = false;

    if (id.len > SUPPRESSION_SCOPE_ROOM / 2)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        uint8_t c = id.ptr[i];

        if (c == '.' ? !part : !sgl_ascii_is_alnum(c) && sgl_view_find(SGL_LIT("-_+="), c) == 4)
            return false;
        dot = dot || c == '.';
        part = c != '.';
    }
    return part && dot;
}

/* "list:ID": cut to what it is in keys. */
static bool take_list(sgl_view *name, sgl_view *list)
{
    const size_t mark = sizeof(SUPPRESSION_LIST) - 1;

    if (!sgl_view_starts_nocase(*name, SGL_LIT(SUPPRESSION_LIST)))
        return false;
    *list = directory_list_scope(sgl_view_from(*name, mark));
    name->len = mark + list->len;
    return true;
}

/* The domain's name as it is in keys; entries of a domain that is gone can still be removed. */
static bool check_domain(struct batch *b, sgl_view *name)
{
    struct domain *domain;
    sgl_view list;
    uint32_t id;
    bool owned;

    if (name->len > 0 && name->ptr[name->len - 1] == '.')
        name->len--;
    if (take_list(name, &list)) {
        if (b->s->remove || list_name_ok(list) || asm_group_of_list(list, &id) ||
            sender_list_ok(b->d, b->subscription, list))
            return true;
        return say(b->s, DIRECTORY_INVALID, "domain",
                   "behind list: stands the id of a list, such as news.example.org");
    }
    if (name->len == 0 || b->s->remove || sgl_view_eq(*name, b->domain))
        return true;
    domain = directory_domain(b->d, *name);
    owned = domain != NULL && sgl_view_eq(sgl_view_cstr(domain->subscription), b->subscription);
    domain_unref(domain);
    if (owned)
        b->domain = *name;
    return owned || say(b->s, DIRECTORY_NOT_FOUND, "domain",
                        "the subscription has no such domain; leave it out for all of its mail");
}

static bool read_address(struct batch *b, const struct suppression *item,
                         struct suppression_names *out)
{
    struct directory_suppress *s = b->s;
    sgl_view domain = item->domain.len > 0 ? item->domain : s->domain;
    struct sgl_mailbox mailbox;
    struct sgl_diag diag = {0};
    enum sgl_status status;

    if (!check_domain(b, &domain))
        return false;
    sgl_arena_reset(&b->scratch);
    status = sgl_mailbox_parse(item->address, &b->scratch, &mailbox, &diag);
    if (status == SGL_E_NOMEM)
        return no_memory(s);
    if (status != SGL_OK || mailbox.literal)
        return say(s, DIRECTORY_INVALID, "address",
                   status == SGL_OK || diag.what == NULL ? "this is no mail address" : diag.what);
    suppression_spell(out, b->subscription, domain, mailbox.text);
    return (suppression_name_view(&out->folded).len > 0 &&
            suppression_name_view(suppression_given(out)).len > 0) ||
           say(s, DIRECTORY_INVALID, "address", "this address is too long");
}

static bool check_times(struct batch *b, const struct suppression *item)
{
    if (item->expires_at < 0 || (item->expires_at > 0 && item->expires_at <= b->now))
        return say(b->s, DIRECTORY_INVALID, "expires_at", "this time has passed already");
    if (item->created_at < 0 || item->created_at > b->now)
        return say(b->s, DIRECTORY_INVALID, "created_at", "this time is still to come");
    return true;
}

static void put_reply(struct sgl_buf *text, sgl_view reply)
{
    uint8_t line[REPLY_MAX];
    size_t len = reply.len < sizeof(line) ? reply.len : sizeof(line);

    /* A character is kept whole or not at all. */
    while (len < reply.len && len > 0 && (reply.ptr[len] & 0xc0) == 0x80)
        len--;
    for (size_t i = 0; i < len; i++)
        line[i] = sgl_ascii_is_control(reply.ptr[i]) ? ' ' : reply.ptr[i];
    json_text_member(text, "reply", sgl_view_of(line, len));
}

static bool make_value(struct batch *b, const struct suppression *item, bool exact, sgl_view *value)
{
    struct sgl_buf text = SGL_BUF_INIT(VALUE_MAX);
    bool fine;

    sgl_buf_add_byte(&text, '{');
    json_text_member(&text, "reason", sgl_view_cstr(suppression_reason_name(item->reason)));
    if (item->status.len > 0 && item->status.len <= STATUS_MAX)
        json_text_member(&text, "status", item->status);
    put_reply(&text, item->reply);
    if (exact)
        json_text_number(&text, "exact", 1);
    json_text_number(&text, "created_at", item->created_at > 0 ? item->created_at : b->now);
    json_text_number(&text, "expires_at", item->expires_at);
    sgl_buf_add_byte(&text, '}');
    fine = text.status == SGL_OK && sgl_arena_dup(&b->arena, sgl_buf_view(&text), value) == SGL_OK;
    sgl_buf_done(&text);
    return fine || no_memory(b->s);
}

static struct store_noun *add_noun(struct batch *b, const struct suppression_name *key)
{
    struct store_noun *noun = &b->noun[b->op.nouns];

    *noun = (struct store_noun){
        .kind = SUPPRESSION, .subscription = b->subscription, .version = STORE_NOUN_ANY};
    if (sgl_arena_dup(&b->arena, suppression_name_view(key), &noun->key) != SGL_OK) {
        (void)no_memory(b->s);
        return NULL;
    }
    b->op.nouns++;
    return noun;
}

static bool is_wanted(const struct batch *b, unsigned word)
{
    return b->s->reasons == 0 ||
           (b->s->reasons & SUPPRESSION_REASON_BIT(suppression_reason_of(word))) != 0;
}

/* What covers the address goes: the entry of any spelling, and the one of this spelling. */
static bool prepare_removal(struct batch *b, const struct suppression_names *spelling)
{
    struct directory *d = b->d;
    unsigned word = 0;
    bool folded, exact;

    pthread_rwlock_rdlock(&d->lock);
    folded = suppression_has(d, &spelling->folded, 0, &word) &&
             (!spelling->differ || (word & SUPPRESSION_WORD_EXACT) == 0) && is_wanted(b, word);
    exact =
        spelling->differ && suppression_has(d, &spelling->given, 0, &word) && is_wanted(b, word);
    pthread_rwlock_unlock(&d->lock);
    if (!folded && !exact)
        return b->s->absent_ok ||
               say(b->s, DIRECTORY_NOT_FOUND, "address", "this address is not suppressed");
    return (!folded || add_noun(b, &spelling->folded) != NULL) &&
           (!exact || add_noun(b, &spelling->given) != NULL);
}

/* Does an entry that is of the lower spelling only stand where one of any spelling would?  Under the lock. */
static bool has_exact(const struct batch *b, const struct suppression_names *spelling)
{
    unsigned word = 0;

    return spelling->differ && suppression_has(b->d, &spelling->folded, b->now, &word) &&
           (word & SUPPRESSION_WORD_EXACT) != 0 &&
           suppression_reason_stops(suppression_reason_of(word));
}

/* What a recipient did, on the day on which it became known. */
static uint8_t counts_as(enum suppression_reason reason)
{
    return reason == SUPPRESSION_COMPLAINT     ? STATISTIC_SPAM_REPORTS
           : reason == SUPPRESSION_UNSUBSCRIBE ? STATISTIC_UNSUBSCRIBES
                                               : STATISTIC_NONE;
}

/* An entry of any spelling is not narrowed down to one; but nothing that gives way takes the place of another spelling's. */
static bool prepare_addition(struct batch *b, const struct suppression *item,
                             const struct suppression_names *spelling)
{
    struct directory *d = b->d;
    bool exact = item->spelling == SUPPRESSION_EXACT ||
                 (item->spelling == SUPPRESSION_AS_CONFIGURED && atomic_load(&d->suppress_exact));
    struct store_noun *noun;
    unsigned word = 0;
    bool known, stops = suppression_reason_stops(item->reason);

    pthread_rwlock_rdlock(&d->lock);
    if (suppression_has(d, &spelling->folded, b->now, &word) &&
        (word & SUPPRESSION_WORD_EXACT) == 0)
        exact = false;
    else if ((b->s->keep || !stops) && has_exact(b, spelling))
        exact = true;
    known =
        suppression_is_covered(d, spelling, &(struct suppression_question){.now = b->now}, &word) ||
        (!stops && suppression_is_listed(d, spelling, b->now, 0, &word));
    pthread_rwlock_unlock(&d->lock);
    if (known && (b->s->keep || (!stops && suppression_reason_stops(suppression_reason_of(word)))))
        return true; /* what stops nothing never takes the place of what does */
    b->shown[b->op.nouns] = (struct shown){
        (uint8_t)(item->reason | (exact ? SUPPRESSION_WORD_EXACT : 0u)), item->expires_at};
    noun = add_noun(b, exact ? suppression_given(spelling) : &spelling->folded);
    if (noun != NULL && (!known || suppression_reason_of(word) != item->reason))
        noun->counts = counts_as(item->reason);
    return noun != NULL && make_value(b, item, exact, &noun->value);
}

static bool prepare_one(struct batch *b, const struct suppression *item)
{
    struct suppression_names spelling;

    if (!read_address(b, item, &spelling))
        return false;
    if (b->s->remove)
        return prepare_removal(b, &spelling);
    return check_times(b, item) && prepare_addition(b, item, &spelling);
}

/* false: too many at once, too many in all, or another large change is on its way. */
static bool prepare_room(struct batch *b)
{
    struct directory_suppress *s = b->s;
    struct directory *d = b->d;
    bool own = s->actor.len == 0 || sgl_view_starts(s->actor, SGL_LIT("system:"));
    size_t most = d->suppressions_max - (own ? 0 : d->suppressions_own);
    bool none = false, full;

    if (s->items == 0 || s->items > DIRECTORY_SUPPRESSIONS_MAX)
        return say(s, DIRECTORY_INVALID, "addresses", "name 1 to 100,000 addresses at a time");
    pthread_rwlock_rdlock(&d->lock);
    full = d->suppressed.used + s->items > most;
    pthread_rwlock_unlock(&d->lock);
    if (full && !s->remove) {
        (void)say(s, DIRECTORY_UNAVAILABLE, "", "");
        snprintf(s->why, sizeof(s->why),
                 "this server keeps at most %zu suppressed addresses, of all its subscriptions "
                 "together%s; remove some, or give them an end",
                 d->suppressions_max,
                 own ? "" : ", and the last tenth of them are for what it adds itself");
        return false;
    }
    b->many = s->items > MANY && atomic_compare_exchange_strong(&d->suppress_many, &none, true);
    return b->many || s->items <= MANY ||
           say(s, DIRECTORY_UNAVAILABLE, "", "another import is on its way; try again soon");
}

static bool prepare(struct batch *b)
{
    struct directory_suppress *s = b->s;

    if (!prepare_room(b))
        return false;
    b->noun = SGL_NEW_N(&b->arena, s->remove ? s->items * 2 : s->items, struct store_noun);
    b->shown = SGL_NEW_N(&b->arena, s->items, struct shown);
    if (b->noun == NULL || b->shown == NULL ||
        sgl_arena_dup(&b->arena, s->subscription.len == 0 ? SGL_LIT("default") : s->subscription,
                      &b->subscription) != SGL_OK)
        return no_memory(s);
    if (!check_subscription(b))
        return false;
    for (s->wrong = 0; s->wrong < s->items; s->wrong++)
        if (!prepare_one(b, &s->item[s->wrong]))
            return false;
    return true;
}

/* "SUBSCRIPTION/DOMAIN/ADDRESS" */
static sgl_view address_of(sgl_view key)
{
    sgl_view rest;

    (void)sgl_view_split(key, '/', &rest);
    (void)sgl_view_split(rest, '/', &rest);
    return rest;
}

static sgl_view trimmed(sgl_view text)
{
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == ';'))
        text.len--;
    return text;
}

/* One is named by itself, several are listed. false: memory has ended, and it is said. */
static bool prepare_audit(struct batch *b)
{
    const struct directory_suppress *s = b->s;
    struct sgl_buf text = SGL_BUF_INIT(STORE_AUDIT_DETAIL_MAX * 2);
    bool fine = true;

    b->audit = (struct store_audit){.at_ms = clock_now_ms(),
                                    .actor = s->actor,
                                    .peer = s->peer,
                                    .action = s->remove ? SGL_LIT("suppression remove")
                                                        : SGL_LIT("suppression add"),
                                    .object = SGL_LIT("suppression"),
                                    .subscription = b->subscription,
                                    .result = SGL_LIT("done")};
    if (b->op.nouns == 1) {
        sgl_buf_addf(&text, "suppression:%.*s", SGL_FMT(address_of(b->noun[0].key)));
        fine = sgl_arena_dup(&b->arena, sgl_buf_view(&text), &b->audit.object) == SGL_OK;
        sgl_buf_reset(&text);
    }
    if (s->domain.len > 0)
        sgl_buf_addf(&text, "domain %.*s; ", SGL_FMT(s->domain));
    if (!s->remove)
        sgl_buf_addf(&text, "reason %s; ", suppression_reason_name(s->item[0].reason));
    if (b->op.nouns > 1)
        sgl_buf_addf(&text, "%zu addresses: ", b->op.nouns);
    for (size_t i = 0; i < b->op.nouns && b->op.nouns > 1 && text.len < STORE_AUDIT_DETAIL_MAX; i++)
        sgl_buf_addf(&text, "%s%.*s", i == 0 ? "" : ", ", SGL_FMT(address_of(b->noun[i].key)));
    fine = fine && text.status == SGL_OK &&
           sgl_arena_dup(&b->arena, trimmed(sgl_buf_view(&text)), &b->audit.detail) == SGL_OK;
    sgl_buf_done(&text);
    return fine || no_memory(b->s);
}

static struct batch *batch_new(struct directory *d, struct directory_suppress *s)
{
    struct batch *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return NULL;
    b->d = d;
    b->s = s;
    b->now = clock_now_s();
    sgl_arena_init(&b->arena, BATCH_MAX);
    sgl_arena_init(&b->scratch, ADDRESS_ROOM);
    b->op.op = (struct store_op){
        .kind = s->remove ? STORE_NOUN_DELETE : STORE_NOUN_PUT, .loop = s->loop, .done = stored};
    return b;
}

void directory_suppress(struct directory *d, struct directory_suppress *s)
{
    struct batch *b;

    s->result = DIRECTORY_OK;
    s->wrong = s->fresh = 0;
    s->field[0] = s->why[0] = '\0';
    s->task.run = finish_later;
    s->private_ = b = batch_new(d, s);
    if (b == NULL) {
        (void)no_memory(s);
    } else if (prepare(b) && b->op.nouns > 0 && prepare_audit(b)) {
        b->op.noun = b->noun;
        b->op.audit = s->actor.len > 0 ? &b->audit : NULL;
        store_submit(d->store, &b->op.op);
        return;
    }
    loop_post(s->loop, &s->task);
}
