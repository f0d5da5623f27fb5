/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses that are not sent to.  all checked -> stored together -> shown in the set -> done()
 *
 * The set is changed only after the store has said yes; between two changes of the same address the last one in the store's order wins, and both orders end in a state that
 * one of them asked for.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../store/json_text.h"
#include "directory_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/mailbox.h"

#define ROOM_FOR_NAME 768u /* 64 of a subscription, 255 of a domain, 320 of an address */
#define REPLY_MAX     500u
#define VALUE_MAX     4096u
#define BATCH_MAX     ((size_t)DIRECTORY_SUPPRESSIONS_MAX * 8192u)
#define ADDRESS_ROOM  16384u
#define SUPPRESSION   SGL_LIT(SUPPRESSION_KIND)

static const char *const reason_name[] = {
    [SUPPRESSION_HARD_BOUNCE] = "hard-bounce",
    [SUPPRESSION_COMPLAINT] = "complaint",
    [SUPPRESSION_UNSUBSCRIBE] = "unsubscribe",
    [SUPPRESSION_MANUAL] = "manual",
};
#define REASONS (sizeof(reason_name) / sizeof(reason_name[0]))

const char *suppression_reason_name(enum suppression_reason reason)
{
    return reason_name[reason];
}

bool suppression_reason_parse(sgl_view name, enum suppression_reason *out)
{
    for (size_t i = 0; i < REASONS; i++)
        if (sgl_view_eq(name, sgl_view_cstr(reason_name[i]))) {
            *out = (enum suppression_reason)i;
            return true;
        }
    return false;
}

/* ---- names ---- */

struct name {
    char text[ROOM_FOR_NAME];
    size_t len; /* ROOM_FOR_NAME: it does not fit, and names nothing */
};

/* Empty when it did not fit. */
static sgl_view name_view(const struct name *n)
{
    return sgl_view_of(n->text, n->len < sizeof(n->text) ? n->len : 0);
}

static void add_lower(struct name *n, sgl_view v)
{
    if (v.len >= sizeof(n->text) - n->len) {
        n->len = sizeof(n->text);
        return;
    }
    for (size_t i = 0; i < v.len; i++)
        n->text[n->len++] = (char)sgl_ascii_lower(v.ptr[i]);
}

/* "SUBSCRIPTION/DOMAIN/ADDRESS": neither of the first two can have a slash. */
static sgl_view name_of(struct name *n, sgl_view subscription, sgl_view domain, sgl_view address)
{
    n->len = 0;
    if (subscription.len < sizeof(n->text)) {
        if (subscription.len > 0)
            memcpy(n->text, subscription.ptr, subscription.len);
        n->len = subscription.len;
    }
    add_lower(n, SGL_LIT("/"));
    add_lower(n, domain);
    add_lower(n, SGL_LIT("/"));
    add_lower(n, address);
    return name_view(n);
}

static bool has(const struct directory *d, sgl_view name, int64_t now, unsigned *word)
{
    return name.len > 0 && suppression_set_has(&d->suppressed, name, now, word);
}

bool directory_suppressed(struct directory *d, const struct domain *domain, sgl_view address,
                          int64_t now, enum suppression_reason *reason)
{
    sgl_view subscription = sgl_view_cstr(domain->subscription);
    struct name all, own;
    unsigned word = 0;
    bool found;

    (void)name_of(&all, subscription, SGL_LIT(""), address);
    (void)name_of(&own, subscription, sgl_view_cstr(domain->name), address);
    pthread_rwlock_rdlock(&d->lock);
    found = has(d, name_view(&all), now, &word) || has(d, name_view(&own), now, &word);
    pthread_rwlock_unlock(&d->lock);
    if (found)
        *reason = (enum suppression_reason)(word % REASONS);
    return found;
}

/* ---- changes ---- */

struct batch {
    struct store_noun_op op; /* first: cast from it */
    struct store_noun *noun;
    struct directory *d;
    struct directory_suppress *s;
    struct sgl_arena arena;
    sgl_view subscription, domain;
    struct store_audit audit;
    const struct suppression *item; /* the caller's: only while it is checked */
    struct batch_item {
        uint8_t word;
        int64_t until;
    } * shown;
};

static void finish(struct batch *b)
{
    struct directory_suppress *s = b->s;

    sgl_arena_done(&b->arena);
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
            (void)suppression_set_remove(&d->suppressed, b->noun[i].key);
        else
            fits &= suppression_set_put(&d->suppressed, b->noun[i].key, b->shown[i].word,
                                        b->shown[i].until);
        b->s->fresh += d->suppressed.used > before;
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

static bool check_owner(struct batch *b)
{
    struct directory_suppress *s = b->s;
    struct subscription *subscription = directory_subscription(b->d, b->subscription);
    struct domain *domain = b->domain.len == 0 ? NULL : directory_domain(b->d, b->domain);
    bool known = subscription != NULL;
    bool owned =
        b->domain.len == 0 || s->remove ||
        (domain != NULL && sgl_view_eq(sgl_view_cstr(domain->subscription), b->subscription));

    subscription_unref(subscription);
    domain_unref(domain);
    if (!known)
        return say(s, DIRECTORY_NOT_FOUND, "subscription", "there is no such subscription");
    if (owned)
        return true;
    return say(s, DIRECTORY_NOT_FOUND, "domain",
               "the subscription has no such domain; leave it out for all of its mail");
}

static bool make_key(struct batch *b, sgl_view address, sgl_view *key)
{
    struct directory_suppress *s = b->s;
    struct sgl_arena scratch = SGL_ARENA_INIT(ADDRESS_ROOM);
    struct sgl_mailbox mailbox;
    struct sgl_diag diag = {0};
    struct name name;
    enum sgl_status status = sgl_mailbox_parse(address, &scratch, &mailbox, &diag);
    bool fine = false;

    if (status == SGL_E_NOMEM)
        (void)no_memory(s);
    else if (status != SGL_OK || mailbox.literal)
        (void)say(s, DIRECTORY_INVALID, "address",
                  status == SGL_OK || diag.what == NULL ? "this is no mail address" : diag.what);
    else if (name_of(&name, b->subscription, b->domain, mailbox.text).len == 0)
        (void)say(s, DIRECTORY_INVALID, "address", "this address is too long");
    else if (sgl_arena_dup(&b->arena, name_view(&name), key) != SGL_OK)
        (void)no_memory(s);
    else
        fine = true;
    sgl_arena_done(&scratch);
    return fine;
}

static bool make_value(struct batch *b, const struct suppression *item, sgl_view *value)
{
    struct sgl_buf text = SGL_BUF_INIT(VALUE_MAX);
    bool fine;

    sgl_buf_add_byte(&text, '{');
    json_text_member(&text, "reason", sgl_view_cstr(reason_name[item->reason]));
    json_text_member(&text, "reply", sgl_view_sub(item->reply, 0, REPLY_MAX));
    json_text_number(&text, "created_at", clock_now_s());
    json_text_number(&text, "expires_at", item->expires_at);
    sgl_buf_add_byte(&text, '}');
    fine = text.status == SGL_OK && sgl_arena_dup(&b->arena, sgl_buf_view(&text), value) == SGL_OK;
    sgl_buf_done(&text);
    return fine || no_memory(b->s);
}

static bool is_known(struct batch *b, sgl_view key)
{
    unsigned word;
    bool known;

    pthread_rwlock_rdlock(&b->d->lock);
    known = suppression_set_has(&b->d->suppressed, key, 0, &word);
    pthread_rwlock_unlock(&b->d->lock);
    return known;
}

static bool prepare_one(struct batch *b, size_t i)
{
    struct directory_suppress *s = b->s;
    const struct suppression *item = &b->item[i];
    struct store_noun *noun = &b->noun[i];

    *noun = (struct store_noun){
        .kind = SUPPRESSION, .subscription = b->subscription, .version = STORE_NOUN_ANY};
    if (!make_key(b, item->address, &noun->key))
        return false;
    if (s->remove)
        return is_known(b, noun->key) ||
               say(s, DIRECTORY_NOT_FOUND, "address", "this address is not suppressed");
    if (item->expires_at < 0 || (item->expires_at > 0 && item->expires_at <= clock_now_s()))
        return say(s, DIRECTORY_INVALID, "expires_at", "this time has passed already");
    b->shown[i] = (struct batch_item){(uint8_t)item->reason, item->expires_at};
    return make_value(b, item, &noun->value);
}

static bool prepare(struct batch *b)
{
    struct directory_suppress *s = b->s;

    if (s->items == 0 || s->items > DIRECTORY_SUPPRESSIONS_MAX)
        return say(s, DIRECTORY_INVALID, "addresses", "name 1 to 1000 addresses at a time");
    b->noun = SGL_NEW_N(&b->arena, s->items, struct store_noun);
    b->shown = SGL_NEW_N(&b->arena, s->items, struct batch_item);
    if (b->noun == NULL || b->shown == NULL ||
        sgl_arena_dup(&b->arena, s->subscription.len == 0 ? SGL_LIT("default") : s->subscription,
                      &b->subscription) != SGL_OK ||
        sgl_arena_dup(&b->arena, s->domain, &b->domain) != SGL_OK)
        return no_memory(s);
    if (b->domain.len > 0 && b->domain.ptr[b->domain.len - 1] == '.')
        b->domain.len--;
    if (!check_owner(b))
        return false;
    for (size_t i = 0; i < s->items; i++) {
        s->wrong = i;
        if (!prepare_one(b, i))
            return false;
    }
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
    if (s->items == 1) {
        sgl_buf_addf(&text, "suppression:%.*s", SGL_FMT(address_of(b->noun[0].key)));
        fine = sgl_arena_dup(&b->arena, sgl_buf_view(&text), &b->audit.object) == SGL_OK;
        sgl_buf_reset(&text);
    }
    if (b->domain.len > 0)
        sgl_buf_addf(&text, "domain %.*s; ", SGL_FMT(b->domain));
    if (!s->remove)
        sgl_buf_addf(&text, "reason %s; ", reason_name[b->item[0].reason]);
    if (s->items > 1)
        sgl_buf_addf(&text, "%zu addresses: ", s->items);
    for (size_t i = 0; i < s->items && s->items > 1 && text.len < STORE_AUDIT_DETAIL_MAX; i++)
        sgl_buf_addf(&text, "%s%.*s", i == 0 ? "" : ", ", SGL_FMT(address_of(b->noun[i].key)));
    fine = fine && text.status == SGL_OK &&
           sgl_arena_dup(&b->arena, trimmed(sgl_buf_view(&text)), &b->audit.detail) == SGL_OK;
    sgl_buf_done(&text);
    return fine || no_memory(b->s);
}

void directory_suppress(struct directory *d, struct directory_suppress *s)
{
    struct batch *b = calloc(1, sizeof(*b));

    s->private_ = b;
    s->result = DIRECTORY_OK;
    s->wrong = s->fresh = 0;
    s->field[0] = s->why[0] = '\0';
    s->task.run = finish_later;
    if (b == NULL) {
        (void)no_memory(s);
        loop_post(s->loop, &s->task);
        return;
    }
    b->d = d;
    b->s = s;
    b->item = s->item;
    sgl_arena_init(&b->arena, BATCH_MAX);
    if (!prepare(b) || !prepare_audit(b)) {
        loop_post(s->loop, &s->task);
        return;
    }
    b->op = (struct store_noun_op){.op = {.kind = s->remove ? STORE_NOUN_DELETE : STORE_NOUN_PUT,
                                          .loop = s->loop,
                                          .done = stored},
                                   .noun = b->noun,
                                   .nouns = s->items,
                                   .audit = s->actor.len > 0 ? &b->audit : NULL};
    store_submit(d->store, &b->op.op);
}

/* ---- at start ---- */

struct reader {
    struct directory *d;
    char *why;
    size_t why_size;
    int64_t now;
    bool failed;
};

static bool read_one(void *ctx, const struct store_noun *noun)
{
    struct reader *r = ctx;
    json_t *json = json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL);
    int64_t until = json_integer_value(json_object_get(json, "expires_at"));
    enum suppression_reason reason;

    if (!suppression_reason_parse(sgl_view_cstr(json_string_value(json_object_get(json, "reason"))),
                                  &reason) ||
        ((until == 0 || until > r->now) &&
         !suppression_set_put(&r->d->suppressed, noun->key, (unsigned)reason, until))) {
        snprintf(r->why, r->why_size, "the stored suppression \"%.*s\" cannot be read",
                 SGL_FMT(sgl_view_sub(noun->key, 0, 100)));
        r->failed = true;
    }
    json_decref(json);
    return !r->failed;
}

bool suppressions_read(struct directory *d, char *why, size_t why_size)
{
    struct reader r = {.d = d, .why = why, .why_size = why_size, .now = clock_now_s()};
    enum store_result result = store_read_nouns(d->store, SUPPRESSION, read_one, &r);

    if (result != STORE_OK && !r.failed)
        snprintf(why, why_size, "cannot read the stored suppressions: %s",
                 store_result_text(result));
    return result == STORE_OK && !r.failed;
}
