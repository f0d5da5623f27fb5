/* SPDX-License-Identifier: Apache-2.0 */
/* One update: every record set is read, what is to change is compared with it, and both go out as one transaction. */
#include "update.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "update_internal.h"

#define CLASS_NONE ((ldns_rr_class)254) /* [RFC 2136 s2.4.3, s2.5.4] */

struct job {
    struct update *u;
    struct wire wire;
    struct record_set set[UPDATE_CHANGES_MAX];
    ldns_rr_list *wanted, *changes;
};

static bool fail(struct job *j, enum update_result result, const char *format, ...)
    SGL_PRINTF(3, 4);
static bool fail(struct job *j, enum update_result result, const char *format, ...)
{
    va_list args;

    j->u->result = result;
    va_start(args, format);
    vsnprintf(j->u->why, sizeof(j->u->why), format, args);
    va_end(args);
    return false;
}

static bool no_memory(struct job *j)
{
    return fail(j, UPDATE_FAILED, "There is no memory left for an update of DNS.");
}

static uint16_t new_id(void)
{
    return (uint16_t)randombytes_uniform(UINT16_MAX + 1u);
}

/* ---- read ---- */

static bool exchange(struct job *j, const uint8_t *message, size_t len)
{
    const char *why = wire_exchange(&j->wire, message, len);

    return why == NULL || fail(j, UPDATE_FAILED, "%s: %s.", j->u->at->text, why);
}

static bool read_set(struct job *j, struct record_set *s)
{
    uint16_t id = new_id();
    struct reading_of of;
    size_t len = 0;
    uint8_t *message = message_question(s->change, id, &len);
    bool sent = message != NULL && exchange(j, message, len);

    free(message);
    if (!sent)
        return message != NULL ? false : no_memory(j);
    s->there = message_read_set(j->wire.answer, j->wire.answer_len, id, s->change, &of);
    if (s->there == NULL)
        return fail(j, UPDATE_REFUSED, "%s was asked for %.*s: %s.", j->u->at->text,
                    SGL_FMT(s->change->name.text), of.why);
    if (of.alias)
        return fail(j, UPDATE_CONFLICT,
                    "An alias (CNAME) stands at %.*s, where a %s record is to be: remove it first.",
                    SGL_FMT(s->change->name.text), sgl_rr_name(s->change->type));
    s->ttl = j->u->to->ttl_s;
    if (ldns_rr_list_rr_count(s->there) > 0) /* those of a set have one [RFC 2181 s5.2] */
        s->ttl = ldns_rr_ttl(ldns_rr_list_rr(s->there, 0));
    if (j->u->ttl_s < s->ttl)
        j->u->ttl_s = s->ttl;
    return true;
}

static bool read_all(struct job *j)
{
    for (size_t i = 0; i < j->u->changes; i++) {
        struct record_set *s = &j->set[i];

        s->change = &j->u->change[i];
        for (size_t k = 0; s->same == NULL && k < i; k++)
            if (j->set[k].same == NULL && record_same_set(j->set[k].change, s->change))
                s->same = &j->set[k];
        if (s->same == NULL && !read_set(j, s))
            return false;
    }
    return true;
}

/* ---- compared ---- */

/* Takes the record; false: memory has ended. */
static bool append(struct job *j, ldns_rr_list *list, ldns_rr *rr, ldns_rr_class class,
                   uint32_t ttl)
{
    if (rr != NULL) {
        ldns_rr_set_class(rr, class);
        ldns_rr_set_ttl(rr, ttl);
        if (ldns_rr_list_push_rr(list, rr))
            return true;
    }
    ldns_rr_free(rr);
    return no_memory(j);
}

/* The set is as it was read. [RFC 2136 s2.4.2, s2.4.3] */
static bool want_as_read(struct job *j, const struct record_set *s)
{
    size_t count = ldns_rr_list_rr_count(s->there);

    for (size_t i = 0; i < count; i++)
        if (!append(j, j->wanted, ldns_rr_clone(ldns_rr_list_rr(s->there, i)), LDNS_RR_CLASS_IN, 0))
            return false;
    if (count > 0)
        return true;
    return append(j, j->wanted, record_empty(s->change, 0), CLASS_NONE, 0);
}

static bool goes(const struct update_change *c, const ldns_rr_list *there, const ldns_rr *rr)
{
    for (size_t i = 0; i < c->olds; i++)
        if (record_find(there, c, c->old[i]) == rr)
            return true;
    return false;
}

/* Something is there that nobody spoke of. */
static const ldns_rr *foreign(const struct update_change *c, const ldns_rr_list *there)
{
    const ldns_rr *added = c->add.len == 0 ? NULL : record_find(there, c, c->add);

    for (size_t i = 0; i < ldns_rr_list_rr_count(there); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(there, i);

        if (rr != added && !goes(c, there, rr))
            return rr;
    }
    return NULL;
}

static bool remove_old(struct job *j, const struct update_change *c, const ldns_rr_list *there)
{
    for (size_t i = 0; i < c->olds; i++) {
        const ldns_rr *rr = record_find(there, c, c->old[i]);

        if (rr == NULL && c->lenient)
            continue;
        if (rr == NULL)
            return fail(j, UPDATE_CONFLICT,
                        "The %s record at %.*s that was to be replaced is not there any more: "
                        "nothing was changed.",
                        sgl_rr_name(c->type), SGL_FMT(c->name.text));
        if (!append(j, j->changes, ldns_rr_clone(rr), CLASS_NONE, 0))
            return false;
        j->u->changed++;
    }
    return true;
}

static bool compare(struct job *j, const struct record_set *s)
{
    const struct update_change *c = s->change;
    const ldns_rr_list *there = s->same != NULL ? s->same->there : s->there;
    const ldns_rr *added = c->add.len == 0 ? NULL : record_find(there, c, c->add);

    if (c->only && foreign(c, there) != NULL)
        return fail(j, UPDATE_CONFLICT,
                    "Another %s record stands at %.*s, which is not ours: remove it, or have it "
                    "replaced.",
                    sgl_rr_name(c->type), SGL_FMT(c->name.text));
    if (!remove_old(j, c, there))
        return false;
    if (c->add.len == 0 || added != NULL)
        return true;
    j->u->changed++;
    if (append(j, j->changes, record_new(c, c->add, 0), LDNS_RR_CLASS_IN,
               s->same != NULL ? s->same->ttl : s->ttl))
        return true;
    return fail(j, UPDATE_FAILED, "The %s record for %.*s could not be made.", sgl_rr_name(c->type),
                SGL_FMT(c->name.text));
}

/* ---- sent ---- */

static bool send_it(struct job *j)
{
    uint16_t id = new_id();
    ldns_rdf *mac = NULL;
    size_t len = 0;
    uint8_t *message = message_update(j->u->to, id, j->wanted, j->changes, &len, &mac);
    bool sent;

    if (message == NULL)
        return fail(j, UPDATE_FAILED, "The update could not be signed with the key %s.",
                    j->u->to->key_name);
    sent = exchange(j, message, len);
    if (sent)
        message_judge(j->u, j->wire.answer, j->wire.answer_len, id, mac);
    ldns_rdf_deep_free(mac);
    free(message);
    return sent;
}

static void work(struct job *j)
{
    if (!read_all(j))
        return;
    for (size_t i = 0; i < j->u->changes; i++)
        if ((j->set[i].same == NULL && !want_as_read(j, &j->set[i])) || !compare(j, &j->set[i]))
            return;
    if (j->u->changed == 0)
        j->u->result = UPDATE_DONE;
    else
        (void)send_it(j);
}

static void job_free(struct job *j)
{
    wire_close(&j->wire);
    for (size_t i = 0; i < UPDATE_CHANGES_MAX; i++)
        ldns_rr_list_deep_free(j->set[i].there);
    ldns_rr_list_deep_free(j->wanted);
    ldns_rr_list_deep_free(j->changes);
    free(j);
}

/* With the server that is asked now. */
static void run_once(struct update *u)
{
    struct job *j = calloc(1, sizeof(*j));
    const char *why;

    u->result = UPDATE_FAILED;
    u->changed = 0;
    u->ttl_s = 0;
    snprintf(u->why, sizeof(u->why), "There is no memory left for an update of DNS.");
    if (j == NULL)
        return;
    j->u = u;
    j->wire.fd = -1;
    j->wanted = ldns_rr_list_new();
    j->changes = ldns_rr_list_new();
    why = wire_open(&j->wire, u->at, u->to->timeout_ms);
    if (why != NULL)
        (void)fail(j, UPDATE_FAILED, "%s: %s.", u->at->text, why);
    else if (j->wanted != NULL && j->changes != NULL)
        work(j);
    job_free(j);
}

/* Behind what the servers before it said. */
static void add_why(char *all, size_t size, const char *why)
{
    size_t len = strlen(all), more = strlen(why);

    if (len > 0 && len + 1 < size)
        all[len++] = ' ';
    more = more < size - len ? more : size - len - 1;
    memcpy(all + len, why, more);
    all[len + more] = '\0';
}

void update_run(struct update *u)
{
    char all[UPDATE_WHY_SIZE] = "";
    bool refused = false;

    u->result = UPDATE_FAILED;
    u->changed = 0;
    if (u->changes > UPDATE_CHANGES_MAX) {
        snprintf(u->why, sizeof(u->why), "These are too many changes for one update.");
        return;
    }
    for (size_t i = 0; i < u->to->servers; i++) {
        u->at = &u->to->server[i];
        run_once(u);
        if (u->result == UPDATE_DONE) {
            u->why[0] = '\0';
            return;
        }
        u->changed = 0;
        if (u->result == UPDATE_CONFLICT)
            return;
        refused = refused || u->result == UPDATE_REFUSED;
        add_why(all, sizeof(all), u->why);
    }
    if (refused)
        u->result = UPDATE_REFUSED;
    memcpy(u->why, all, sizeof(all));
}
