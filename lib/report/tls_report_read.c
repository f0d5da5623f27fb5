/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS report of somebody else: what the RFC says, and what senders make of it  [RFC 8460 s4.4]. */
#include "sigillo/date.h"
#include "sigillo/json.h"
#include "sigillo/limits.h"
#include "tls_report_internal.h"

#include "sigillo/banned.h"

struct reading {
    sgl_view text;
    struct sgl_arena *arena;
    struct sgl_diag *diag;
};

static enum sgl_status wrong(struct reading *r, const char *what, const struct sgl_json *at)
{
    const uint8_t *place = at == NULL ? NULL : at->text.len > 0 ? at->text.ptr : at->name.ptr;
    bool inside = place != NULL && place >= r->text.ptr && place <= r->text.ptr + r->text.len;

    sgl_diag_set(r->diag, what, "RFC 8460 s4.4", r->text,
                 inside ? (size_t)(place - r->text.ptr) : 0);
    return SGL_E_SYNTAX;
}

/* ---- members ---- */

/* NULL also where it is null: some senders write what they do not know that way. */
static const struct sgl_json *member(const struct sgl_json *object, const char *name)
{
    const struct sgl_json *m = sgl_json_member(object, sgl_view_cstr(name));

    return m == NULL || m->kind == SGL_JSON_NULL ? NULL : m;
}

static enum sgl_status take_object(struct reading *r, const struct sgl_json *parent,
                                   const char *name, const struct sgl_json **out)
{
    *out = member(parent, name);
    return *out == NULL || (*out)->kind == SGL_JSON_OBJECT
               ? SGL_OK
               : wrong(r, "a member that must be an object is none", *out);
}

static enum sgl_status take_array(struct reading *r, const struct sgl_json *parent,
                                  const char *name, const struct sgl_json **out)
{
    *out = member(parent, name);
    return *out == NULL || (*out)->kind == SGL_JSON_ARRAY
               ? SGL_OK
               : wrong(r, "a member that must be an array is none", *out);
}

static enum sgl_status take_text(struct reading *r, const struct sgl_json *parent, const char *name,
                                 sgl_view *out)
{
    const struct sgl_json *m = member(parent, name);

    if (m == NULL)
        return SGL_OK;
    if (m->kind != SGL_JSON_STRING)
        return wrong(r, "a member that must be text is none", m);
    *out = m->text;
    return SGL_OK;
}

/* A number, or one in quotes. */
static enum sgl_status take_count(struct reading *r, const struct sgl_json *parent,
                                  const char *name, uint64_t *out)
{
    const struct sgl_json *m = member(parent, name);

    if (m == NULL)
        return SGL_OK;
    if ((m->kind == SGL_JSON_NUMBER || m->kind == SGL_JSON_STRING) &&
        sgl_view_u64(m->text, SGL_TLS_REPORT_COUNT_MAX, out))
        return SGL_OK;
    return wrong(r, "a count of sessions is no whole number from 0 to 2^53 - 1", m);
}

static enum sgl_status take_time(struct reading *r, const struct sgl_json *parent, const char *name,
                                 sgl_time *out)
{
    const struct sgl_json *m = member(parent, name);

    if (m == NULL)
        return SGL_OK;
    return m->kind == SGL_JSON_STRING && sgl_date_parse_internet(m->text, out, NULL) == SGL_OK
               ? SGL_OK
               : wrong(r, "a time is not as 2016-04-01T00:00:00Z", m);
}

/* Addresses that can't be read count as not told: some senders put a host name there. */
static enum sgl_status take_ip(struct reading *r, const struct sgl_json *parent, const char *name,
                               struct sgl_ip *out)
{
    sgl_view text = {NULL, 0};

    SGL_TRY(take_text(r, parent, name, &text));
    if (sgl_view_starts(text, SGL_LIT("[")) && sgl_view_ends(text, SGL_LIT("]")))
        text = sgl_view_sub(text, 1, text.len - 2);
    if (sgl_ip_parse(text, out) != SGL_OK)
        *out = (struct sgl_ip){.version = 0};
    return SGL_OK;
}

/* An array of texts, or one text alone. */
static enum sgl_status take_texts(struct reading *r, const struct sgl_json *parent,
                                  const char *name, const sgl_view **out, size_t *count)
{
    const struct sgl_json *m = member(parent, name), *one;
    sgl_view *texts;

    if (m == NULL)
        return SGL_OK;
    if (m->kind != SGL_JSON_ARRAY && m->kind != SGL_JSON_STRING)
        return wrong(r, "a member that must be a list of texts is none", m);
    one = m->kind == SGL_JSON_STRING ? m : m->first;
    *count = m->kind == SGL_JSON_STRING ? 1 : m->count;
    *out = texts = SGL_NEW_N(r->arena, *count, sgl_view);
    if (texts == NULL)
        return r->arena->status;
    for (size_t i = 0; i < *count; i++, one = one->next) {
        if (one->kind != SGL_JSON_STRING)
            return wrong(r, "a member that must be a list of texts is none", one);
        texts[i] = one->text;
    }
    return SGL_OK;
}

/* ---- the parts of a report ---- */

static enum sgl_status take_failure(struct reading *r, const struct sgl_json *json,
                                    struct sgl_tls_report_failure *out)
{
    if (json->kind != SGL_JSON_OBJECT)
        return wrong(r, "an entry of failure-details is no object", json);
    SGL_TRY(take_text(r, json, "result-type", &out->result));
    SGL_TRY(take_ip(r, json, "sending-mta-ip", &out->sending));
    SGL_TRY(take_ip(r, json, "receiving-ip", &out->receiving));
    SGL_TRY(take_text(r, json, "receiving-mx-hostname", &out->mx));
    SGL_TRY(take_text(r, json, "receiving-mx-helo", &out->helo));
    SGL_TRY(take_text(r, json, "additional-information", &out->information));
    SGL_TRY(take_text(r, json, "failure-reason-code", &out->reason));
    return take_count(r, json, "failed-session-count", &out->sessions);
}

static enum sgl_status take_failures(struct reading *r, const struct sgl_json *json,
                                     struct sgl_tls_report_policy *out)
{
    const struct sgl_json *list, *one;
    struct sgl_tls_report_failure *failure;

    SGL_TRY(take_array(r, json, "failure-details", &list));
    if (list == NULL)
        return SGL_OK;
    out->failure = failure = SGL_NEW_N(r->arena, list->count, struct sgl_tls_report_failure);
    if (failure == NULL)
        return r->arena->status;
    for (one = list->first; one != NULL; one = one->next)
        SGL_TRY(take_failure(r, one, &failure[out->failures++]));
    return SGL_OK;
}

/* The patterns stand below one of three names, or of none. */
static enum sgl_status take_patterns(struct reading *r, const struct sgl_json *json,
                                     struct sgl_tls_report_policy *out)
{
    SGL_TRY(take_texts(r, json, "mx-host", &out->mx, &out->mxs));
    if (out->mxs == 0)
        SGL_TRY(take_texts(r, json, "mx-host-pattern", &out->mx, &out->mxs));
    return SGL_OK;
}

static enum sgl_status take_policy(struct reading *r, const struct sgl_json *json,
                                   struct sgl_tls_report_policy *out)
{
    const struct sgl_json *policy, *summary;
    sgl_view type = {NULL, 0};

    if (json->kind != SGL_JSON_OBJECT)
        return wrong(r, "an entry of policies is no object", json);
    SGL_TRY(take_object(r, json, "policy", &policy));
    SGL_TRY(take_object(r, json, "summary", &summary));
    SGL_TRY(take_text(r, policy, "policy-type", &type));
    out->type = sgl_tls_policy_type_of_name(type);
    SGL_TRY(take_text(r, policy, "policy-domain", &out->domain));
    SGL_TRY(take_texts(r, policy, "policy-string", &out->string, &out->strings));
    SGL_TRY(take_patterns(r, policy, out));
    SGL_TRY(take_count(r, summary, "total-successful-session-count", &out->successes));
    SGL_TRY(take_count(r, summary, "total-failure-session-count", &out->failed));
    return take_failures(r, json, out);
}

static enum sgl_status take_policies(struct reading *r, const struct sgl_json *root,
                                     struct sgl_tls_report *out)
{
    const struct sgl_json *list;
    struct sgl_tls_report_policy *policy;

    SGL_TRY(take_array(r, root, "policies", &list));
    if (list == NULL || list->count == 0)
        return wrong(r, "it has no policies", list);
    out->policy = policy = SGL_NEW_N(r->arena, list->count, struct sgl_tls_report_policy);
    if (policy == NULL)
        return r->arena->status;
    for (const struct sgl_json *one = list->first; one != NULL; one = one->next)
        SGL_TRY(take_policy(r, one, &policy[out->policies++]));
    return SGL_OK;
}

enum sgl_status sgl_tls_report_parse(sgl_view json, struct sgl_arena *arena,
                                     struct sgl_tls_report *out, struct sgl_diag *diag)
{
    struct reading r = {json, arena, diag};
    struct sgl_tls_report report = {0};
    const struct sgl_json *root, *range;

    SGL_TRY(sgl_json_parse(json, arena, &root, diag));
    if (root->kind != SGL_JSON_OBJECT)
        return wrong(&r, "it is no object", root);
    SGL_TRY(take_text(&r, root, "organization-name", &report.organization));
    SGL_TRY(take_text(&r, root, "contact-info", &report.contact));
    SGL_TRY(take_text(&r, root, "report-id", &report.id));
    SGL_TRY(take_object(&r, root, "date-range", &range));
    SGL_TRY(take_time(&r, range, "start-datetime", &report.begin));
    SGL_TRY(take_time(&r, range, "end-datetime", &report.end));
    SGL_TRY(take_policies(&r, root, &report));
    *out = report;
    return SGL_OK;
}
