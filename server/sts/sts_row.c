/* SPDX-License-Identifier: Apache-2.0 */
/* How a domain is kept in the store: a noun, {"id","body","fetched_at","expires_at"} of its policy, {"failed_id","failed_until","failed_as","failed_why"} of a fetch that went wrong since. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sts_internal.h"

/* ---- read ---- */

struct reader {
    sgl_view domain;
    struct sts_row row;
    enum store_result result;
};

static sgl_view text_of(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);

    return value == NULL ? SGL_LIT("")
                         : sgl_view_of(json_string_value(value), json_string_length(value));
}

static int64_t number_of(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

static enum store_result read_policy(const json_t *json, struct reader *r)
{
    char why[STS_WHY_SIZE];

    if (json_object_get(json, "body") == NULL)
        return STORE_OK;
    switch (sts_policy_read(r->domain, text_of(json, "id"), text_of(json, "body"),
                            number_of(json, "fetched_at"), &r->row.policy, why)) {
    case SGL_OK:
        return STORE_OK;
    case SGL_E_NOMEM:
        return STORE_NOMEM;
    case SGL_NEED_DNS:
    case SGL_MORE:
    case SGL_E_LIMIT:
    case SGL_E_SYNTAX:
    case SGL_E_MISUSE:
        break;
    }
    return STORE_CORRUPT;
}

static void read_failure(const json_t *json, struct sts_failure *out)
{
    snprintf(out->id, sizeof(out->id), "%.*s", SGL_FMT(text_of(json, "failed_id")));
    snprintf(out->why, sizeof(out->why), "%.*s", SGL_FMT(text_of(json, "failed_why")));
    out->until = number_of(json, "failed_until");
    out->trouble = SGL_TLS_STS_POLICY_FETCH_ERROR;
    (void)!sgl_tls_result_of_name(text_of(json, "failed_as"), &out->trouble);
}

static bool read_one(void *ctx, const struct store_noun *noun)
{
    struct reader *r = ctx;
    json_t *json = json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL);

    r->result = json_is_object(json) ? read_policy(json, r) : STORE_CORRUPT;
    if (r->result == STORE_OK)
        read_failure(json, &r->row.failure);
    json_decref(json);
    return false;
}

enum store_result row_read(struct store *store, sgl_view domain, struct sts_row *out)
{
    struct reader r = {.domain = domain, .result = STORE_NOT_FOUND};
    enum store_result result = store_read_noun(store, SGL_LIT(STS_KIND), domain, read_one, &r);

    if (result != STORE_OK && result != STORE_NOT_FOUND) {
        sts_policy_unref(r.row.policy);
        return result;
    }
    if (r.result == STORE_OK)
        *out = r.row;
    return r.result;
}

bool row_times(sgl_view value, struct sts_times *out)
{
    json_t *json = json_loadb((const char *)value.ptr, value.len, 0, NULL);
    int64_t failed_until;

    if (!json_is_object(json)) {
        json_decref(json);
        return false;
    }
    out->fetched_at = number_of(json, "fetched_at");
    out->expires_at = number_of(json, "expires_at");
    failed_until = number_of(json, "failed_until");
    out->keep_until = out->expires_at > failed_until ? out->expires_at : failed_until;
    json_decref(json);
    return true;
}

/* ---- written ---- */

struct write {
    struct store_noun_op op;
    struct store_noun noun;
    char *value;
    char domain[];
};

/* On a thread of the store. The next fetch, a day later or sooner, writes it again. */
static void written(struct store_op *op)
{
    struct write *w = (struct write *)(void *)op;

    if (op->result != STORE_OK)
        log_line(LOG_ERROR_, "MTA-STS policy cannot be kept", LOG_VIEW("domain", w->noun.key),
                 LOG_STR("why", store_result_text(op->result)));
    free(w->value);
    free(w);
}

static char *put_value(const struct sts_entry *e)
{
    const struct sts_policy *p = e->policy;
    const struct sts_failure *f = &e->failure;
    json_t *json =
        p == NULL ? json_object()
                  : json_pack("{s:s%, s:s%, s:I, s:I}", "id", p->id.ptr, p->id.len, "body",
                              p->body.ptr, p->body.len, "fetched_at", (json_int_t)p->fetched_at,
                              "expires_at", (json_int_t)p->expires_at);
    json_t *failed = f->id[0] == '\0'
                         ? json_object()
                         : json_pack("{s:s, s:I, s:s, s:s}", "failed_id", f->id, "failed_until",
                                     (json_int_t)f->until, "failed_as",
                                     sgl_tls_result_name(f->trouble), "failed_why", f->why);
    char *value = NULL;

    if (json != NULL && failed != NULL && json_object_update(json, failed) == 0)
        value = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    json_decref(failed);
    return value;
}

/* Is there room for it?  What is there already is always renewed. */
static bool has_room(struct sts *s, size_t bytes)
{
    if (s->stored > STS_STORED)
        return false;
    s->stored += bytes;
    return true;
}

void row_write(struct sts_entry *e)
{
    struct sts *s = e->sts;
    struct write *w = calloc(1, sizeof(*w) + e->domain.text.len + 1);
    char *value = put_value(e);

    if (w == NULL || value == NULL || (!e->stored && !has_room(s, strlen(value)))) {
        log_line(LOG_ERROR_, "MTA-STS policy cannot be kept", LOG_VIEW("domain", e->domain.text),
                 LOG_STR("why", w == NULL || value == NULL ? "out of memory"
                                                           : "too many of them are kept"));
        free(w);
        free(value);
        return;
    }
    e->stored = true;
    w->value = value;
    memcpy(w->domain, e->text, e->domain.text.len);
    w->noun = (struct store_noun){.kind = SGL_LIT(STS_KIND),
                                  .key = sgl_view_of(w->domain, e->domain.text.len),
                                  .value = sgl_view_cstr(value),
                                  .version = STORE_NOUN_ANY};
    w->op = (struct store_noun_op){
        .op = {.kind = STORE_NOUN_PUT, .done = written}, .noun = &w->noun, .nouns = 1};
    store_submit(s->store, &w->op.op);
}
