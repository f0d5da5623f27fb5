/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of this machine that run as one user: they need no secret, since the kernel says who they are.
 *
 *   {"created_at":N,"domains":["example.org"],"uid":N}
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"

#define UID_LAST (UINT32_MAX - 1) /* the one after it means: none */

static void free_(void *noun)
{
    holder_free(noun, sizeof(struct local_process));
}

static void *copy(const void *noun)
{
    return holder_copy(noun, sizeof(struct local_process));
}

static const char *alias(const void *noun)
{
    return ((const struct local_process *)noun)->uid_text;
}

static void uid_put(uint32_t uid, char out[UID_TEXT_SIZE])
{
    snprintf(out, UID_TEXT_SIZE, "%" PRIu32, uid);
}

static struct local_process *local_new(sgl_view name, sgl_view subscription, uint32_t uid)
{
    struct local_process *p = holder_new(sizeof(*p), IDENTITY_LOCAL, "local:", name, subscription);

    if (p == NULL)
        return NULL;
    p->uid = uid;
    uid_put(uid, p->uid_text);
    return p;
}

/* ---- as JSON ---- */

static void *from_json(const struct store_noun *noun, const json_t *json)
{
    const json_t *uid = json_object_get(json, "uid");
    json_int_t number = json_integer_value(uid);
    struct local_process *p;

    if (!json_is_integer(uid) || number < 0 || number > UID_LAST)
        return NULL;
    p = local_new(noun->key, noun->subscription, (uint32_t)number);
    if (p != NULL && identity_domains_from_json(p->holder.identity, json)) {
        p->holder.identity->version = noun->version;
        return p;
    }
    free_(p);
    return NULL;
}

static json_t *to_json(const void *noun)
{
    const struct local_process *p = noun;

    return json_pack("{s:I, s:o, s:I}", "created_at", (json_int_t)p->holder.identity->created_at,
                     "domains", identity_domains_to_json(p->holder.identity), "uid",
                     (json_int_t)p->uid);
}

/* ---- added, changed ---- */

/* A uid is one identity: whoever connects is told by nothing else. */
static bool check_uid(struct change *g, int64_t uid)
{
    struct identity *who;

    if (uid < 0 || uid > (int64_t)UID_LAST) {
        change_say(g->c, DIRECTORY_INVALID, "uid", "a uid is a number from 0 to %" PRIu32,
                   UID_LAST);
        return false;
    }
    who = directory_process(g->d, (uint32_t)uid);
    if (who == NULL)
        return true;
    change_say(g->c, DIRECTORY_EXISTS, "uid", "uid %" PRId64 " is that of another one already",
               uid);
    identity_unref(who);
    return false;
}

static bool prepare(struct change *g)
{
    struct directory_change *c = g->c;
    int64_t uid = c->local == NULL ? -1 : c->local->uid;
    struct local_process *p;

    if (!change_check_name(g) || !change_check_subscription(g) || !change_check_free(g) ||
        !check_uid(g, uid))
        return false;
    g->noun = p = local_new(c->name, sgl_view_cstr(g->subscription), (uint32_t)uid);
    if (p == NULL) {
        change_no_memory(c);
        return false;
    }
    return identity_check_domains(g, p->holder.identity, true);
}

static bool alter(struct change *g)
{
    return identity_alter(g, ((struct local_process *)g->noun)->holder.identity);
}

static const char *const shown[] = {"uid", "domains", "profile", NULL};

const struct noun_kind noun_local = {
    .name = "local",
    .field = "name",
    .prefix = "local:",
    .key = holder_key,
    .alias = alias,
    .version = holder_version,
    .free = free_,
    .hidden = holder_hidden,
    .settle = holder_settle,
    .from_json = from_json,
    .to_json = to_json,
    .subscription = holder_subscription,
    .shown = shown,
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
    .replaced = holder_replaced,
    .may_go = holder_may_go,
};

/* ---- who is it? ---- */

static struct identity *found(struct directory *d, const struct table *in, sgl_view name,
                              uint32_t *uid)
{
    const struct local_process *p;
    struct identity *who = NULL;

    pthread_rwlock_rdlock(&d->lock);
    p = table_find(in, name);
    if (p != NULL)
        who = identity_ref(p->holder.identity);
    if (p != NULL && uid != NULL)
        *uid = p->uid;
    pthread_rwlock_unlock(&d->lock);
    return who;
}

struct identity *directory_process(struct directory *d, uint32_t uid)
{
    char text[UID_TEXT_SIZE];

    uid_put(uid, text);
    return found(d, &d->alias[DIRECTORY_LOCAL], sgl_view_cstr(text), NULL);
}

struct identity *directory_process_named(struct directory *d, sgl_view name, uint32_t *uid)
{
    return found(d, &d->table[DIRECTORY_LOCAL], name, uid);
}

/* ---- what its tokens know it by ---- */

static sgl_view name_of(const struct identity *who)
{
    return sgl_view_from(sgl_view_cstr(who->name), strlen("local:"));
}

/* All that stays the same for as long as it is there, and when that began. */
static bool put_guid(const struct identity *who, uint32_t uid, char out[GUID_TEXT_SIZE])
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1024);

    sgl_buf_addf(&text, "%s/%s/%" PRIu32 "/%" PRId64, who->subscription, who->name, uid,
                 who->created_at);
    if (text.status == SGL_OK)
        guid_of(sgl_buf_view(&text), out);
    return text.status == SGL_OK;
}

bool directory_process_guid(struct directory *d, const struct identity *who,
                            char out[GUID_TEXT_SIZE])
{
    struct identity *now;
    uint32_t uid = 0;
    bool fine;

    if (who->kind != IDENTITY_LOCAL || who->subscription[0] == '\0')
        return false;
    now = directory_process_named(d, name_of(who), &uid);
    fine = now != NULL && put_guid(now, uid, out);
    identity_unref(now);
    return fine;
}

struct identity *directory_process_of_guid(struct directory *d, sgl_view name, sgl_view guid)
{
    uint32_t uid = 0;
    struct identity *who = directory_process_named(d, name, &uid);
    char its[GUID_TEXT_SIZE];

    if (who != NULL && put_guid(who, uid, its) && sgl_view_eq(guid, sgl_view_cstr(its)))
        return who;
    identity_unref(who);
    return NULL;
}
