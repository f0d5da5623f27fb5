/* SPDX-License-Identifier: Apache-2.0 */
/* lib/mail and lib/report by command line, for the Python tests (tool.h): {"op":...,"in":BASE64}, or a description. Bytes come and go as base64. */
#include <stdlib.h>

#include "sigillo/compose.h"
#include "sigillo/date.h"
#include "sigillo/dsn.h"
#include "sigillo/encoded_word.h"
#include "sigillo/header.h"
#include "sigillo/message_id.h"
#include "sigillo/param.h"
#include "tool.h"

static sgl_view given(struct tool *t)
{
    return tool_unbase64(t, json_object_get(t->in, "in"));
}

static json_t *mailbox_json(const struct sgl_mailbox *m)
{
    return json_pack("{s:o, s:o, s:o, s:b, s:b}", "text", tool_text(m->text), "local",
                     tool_text(m->local), "domain", tool_text(m->domain), "literal", m->literal,
                     "utf8", m->utf8);
}

static json_t *op_mailbox(struct tool *t)
{
    struct sgl_mailbox m;

    if (sgl_mailbox_parse(given(t), &t->arena, &m, &t->diag) != SGL_OK)
        return tool_failed_diag(t);
    return json_pack("{s:b, s:o}", "ok", 1, "mailbox", mailbox_json(&m));
}

static json_t *op_addresses(struct tool *t)
{
    struct sgl_address_list l;
    json_t *items = json_array(), *groups = json_array();

    if (sgl_address_list_parse(given(t), &t->arena, &l, &t->diag) != SGL_OK) {
        json_decref(items);
        json_decref(groups);
        return tool_failed_diag(t);
    }
    for (size_t i = 0; i < l.count; i++)
        json_array_append_new(
            items, json_pack("{s:o, s:o, s:I}", "name", tool_text(l.item[i].name), "address",
                             tool_text(l.item[i].mailbox.text), "group",
                             l.item[i].group == SGL_NO_GROUP ? (json_int_t)-1
                                                             : (json_int_t)l.item[i].group));
    for (size_t i = 0; i < l.groups; i++)
        json_array_append_new(groups, tool_text(l.group[i].name));
    return json_pack("{s:b, s:o, s:o}", "ok", 1, "items", items, "groups", groups);
}

static json_t *op_date(struct tool *t)
{
    struct sgl_date d;

    if (sgl_date_parse(given(t), &d, &t->diag) != SGL_OK)
        return tool_failed_diag(t);
    return json_pack("{s:b, s:I, s:i}", "ok", 1, "time", (json_int_t)d.time, "offset_min",
                     (int)d.offset_min);
}

static json_t *op_ids(struct tool *t)
{
    json_t *ids = json_array();
    sgl_view rest = given(t), id;

    do {
        if (sgl_message_id_next(rest, &id, &rest, &t->diag) != SGL_OK) {
            json_decref(ids);
            return tool_failed_diag(t);
        }
        if (id.len > 0)
            json_array_append_new(ids, tool_text(id));
    } while (id.len > 0);
    return json_pack("{s:b, s:o}", "ok", 1, "ids", ids);
}

static json_t *op_words(struct tool *t)
{
    sgl_view unfolded, out;

    if (sgl_header_unfold(given(t), &t->arena, &unfolded) != SGL_OK ||
        sgl_encoded_word_decode(unfolded, &t->arena, &out) != SGL_OK)
        return tool_failed_diag(t);
    return json_pack("{s:b, s:o}", "ok", 1, "text", tool_text(out));
}

static json_t *op_param(struct tool *t)
{
    struct sgl_param_value v;
    json_t *params = json_object();

    if (sgl_param_parse(given(t), &t->arena, &v, &t->diag) != SGL_OK) {
        json_decref(params);
        return tool_failed_diag(t);
    }
    for (size_t i = 0; i < v.count; i++) {
        sgl_view name = v.param[i].name;

        json_object_setn_new(params, (const char *)name.ptr, name.len, tool_text(v.param[i].value));
    }
    return json_pack("{s:b, s:o, s:o}", "ok", 1, "token", tool_text(v.token), "params", params);
}

static json_t *op_headers(struct tool *t)
{
    bool strict = json_is_true(json_object_get(t->in, "strict"));
    struct sgl_headers h;
    json_t *names = json_array();

    if (sgl_headers_parse(given(t), strict ? SGL_HEADERS_STRICT : SGL_HEADERS_TOLERANT, &t->arena,
                          &h, &t->diag) != SGL_OK) {
        json_decref(names);
        return tool_failed_diag(t);
    }
    for (size_t i = 0; i < h.count; i++)
        json_array_append_new(names, tool_text(h.field[i].name));
    return json_pack("{s:b, s:o, s:I}", "ok", 1, "names", names, "body_off",
                     (json_int_t)h.body_off);
}

/* ---- compose ---- */

static sgl_view member(struct tool *t, const json_t *object, const char *name)
{
    return tool_unbase64(t, json_object_get(object, name));
}

static struct sgl_compose_addresses addresses(struct tool *t, const json_t *list)
{
    size_t count = json_array_size(list);
    struct sgl_compose_address *a = SGL_NEW_N(&t->arena, count, struct sgl_compose_address);

    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(list, i);

        a[i].name = tool_unbase64(t, json_array_get(pair, 0));
        if (sgl_mailbox_parse(tool_unbase64(t, json_array_get(pair, 1)), &t->arena, &a[i].mailbox,
                              &t->diag) != SGL_OK)
            abort();
    }
    return (struct sgl_compose_addresses){a, count};
}

static void parts(struct tool *t, struct sgl_compose *c)
{
    const json_t *list = json_object_get(t->in, "parts"),
                 *headers = json_object_get(t->in, "headers");
    struct sgl_compose_part *p =
        SGL_NEW_N(&t->arena, json_array_size(list), struct sgl_compose_part);
    struct sgl_compose_field *f =
        SGL_NEW_N(&t->arena, json_array_size(headers), struct sgl_compose_field);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);

        p[i] = (struct sgl_compose_part){.content = member(t, one, "content"),
                                         .content_type = member(t, one, "content_type"),
                                         .filename = member(t, one, "filename"),
                                         .content_id = member(t, one, "content_id"),
                                         .inline_ = json_is_true(json_object_get(one, "inline"))};
    }
    for (size_t i = 0; i < json_array_size(headers); i++) {
        const json_t *pair = json_array_get(headers, i);

        f[i] = (struct sgl_compose_field){tool_unbase64(t, json_array_get(pair, 0)),
                                          tool_unbase64(t, json_array_get(pair, 1))};
    }
    c->part = p;
    c->parts = json_array_size(list);
    c->header = f;
    c->headers = json_array_size(headers);
}

static json_t *op_compose(struct tool *t)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(SIZE_MAX);
    struct sgl_compose c = {.from = addresses(t, json_object_get(t->in, "from")),
                            .to = addresses(t, json_object_get(t->in, "to")),
                            .cc = addresses(t, json_object_get(t->in, "cc")),
                            .reply_to = addresses(t, json_object_get(t->in, "reply_to")),
                            .subject = member(t, t->in, "subject"),
                            .text = member(t, t->in, "text"),
                            .html = member(t, t->in, "html"),
                            .date = json_integer_value(json_object_get(t->in, "date")),
                            .eightbit = json_is_true(json_object_get(t->in, "eightbit")),
                            .random = {1, 2, 3, 4}};

    parts(t, &c);
    if (sgl_compose_put(&out, &c, &t->diag) != SGL_OK)
        return tool_failed_diag(t);
    return json_pack("{s:b, s:o, s:b}", "ok", 1, "message", tool_base64(sgl_buf_view(&out)),
                     "within_bound", out.len <= sgl_compose_bound(&c));
}

/* ---- reports ---- */

static struct sgl_dsn_rcpt dsn_rcpt(struct tool *t, const json_t *r)
{
    return (struct sgl_dsn_rcpt){
        .address = member(t, r, "address"),
        .orcpt = member(t, r, "orcpt"),
        .action = (enum sgl_dsn_action)json_integer_value(json_object_get(r, "action")),
        .status = member(t, r, "status"),
        .remote_mta = member(t, r, "remote_mta"),
        .reply = member(t, r, "reply"),
        .reason = member(t, r, "reason"),
        .last_attempt = json_integer_value(json_object_get(r, "last_attempt")),
        .attempts = (unsigned)json_integer_value(json_object_get(r, "attempts")),
        .will_retry_until = json_integer_value(json_object_get(r, "will_retry_until")),
        .next_attempt = json_integer_value(json_object_get(r, "next_attempt"))};
}

static json_t *op_dsn(struct tool *t)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(SIZE_MAX);
    const json_t *list = json_object_get(t->in, "rcpts"), *ret = json_object_get(t->in, "ret");
    struct sgl_dsn_rcpt *rcpt = SGL_NEW_N(&t->arena, json_array_size(list), struct sgl_dsn_rcpt);
    struct sgl_dsn_result result;
    struct sgl_dsn d = {.reporting_mta = member(t, t->in, "reporting_mta"),
                        .from_address = member(t, t->in, "from_address"),
                        .to = member(t, t->in, "to"),
                        .env_id = member(t, t->in, "env_id"),
                        .message_id = member(t, t->in, "message_id"),
                        .queue_id = member(t, t->in, "queue_id"),
                        .now = json_integer_value(json_object_get(t->in, "now")),
                        .arrival = json_integer_value(json_object_get(t->in, "arrival")),
                        .ret = json_is_string(ret) ? json_string_value(ret)[0] : '\0',
                        .return_max = 1u << 20,
                        .original = member(t, t->in, "original"),
                        .smtputf8 = json_is_true(json_object_get(t->in, "smtputf8")),
                        .rcpt = rcpt,
                        .rcpts = json_array_size(list),
                        .random = {5, 6, 7}};

    for (size_t i = 0; i < d.rcpts; i++)
        rcpt[i] = dsn_rcpt(t, json_array_get(list, i));
    if (sgl_dsn_put(&out, &d, &result) != SGL_OK)
        return tool_failed_diag(t);
    return json_pack("{s:b, s:o, s:b, s:b}", "ok", 1, "message", tool_base64(sgl_buf_view(&out)),
                     "eightbit", result.eightbit, "smtputf8", result.smtputf8);
}

int main(void)
{
    static const struct tool_op ops[] = {{"mailbox", op_mailbox}, {"addresses", op_addresses},
                                         {"date", op_date},       {"ids", op_ids},
                                         {"words", op_words},     {"param", op_param},
                                         {"headers", op_headers}, {"compose", op_compose},
                                         {"dsn", op_dsn},         {NULL, NULL}};

    return tool_main(ops);
}
