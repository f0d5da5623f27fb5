/* SPDX-License-Identifier: Apache-2.0 */
/* Members of SendGrid's JSON.  Those that are not known are left out, as its clients expect; those that are known are of their type, or the whole is refused. */
#include <stdio.h>

#include "sendgrid_internal.h"
#include "sigillo/ascii.h"

#define CUSTOM_ARGS_MAX 10000

const json_t *sendgrid_member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_null(value) ? NULL : value;
}

bool sendgrid_address(const struct api_reader *p, const json_t *json, const char *path,
                      struct sgl_compose_address *out)
{
    char field[API_PATH_SIZE];
    sgl_view email = {NULL, 0};

    *out = (struct sgl_compose_address){0};
    if (!json_is_object(json))
        return api_wrong(p, "member-type", path, "An object with an email is wanted here.");
    snprintf(field, sizeof(field), "%s.name", path);
    if (!api_read_string(p, json, "name", field, &out->name) || !api_one_line(p, out->name, field))
        return false;
    snprintf(field, sizeof(field), "%s.email", path);
    if (!api_read_string(p, json, "email", field, &email))
        return false;
    if (email.ptr == NULL)
        return api_wrong(p, "member-missing", field, "The email parameter is required.");
    return api_read_mailbox(p, email, field, &out->mailbox);
}

bool sendgrid_addresses(struct api_reader *p, const json_t *list, const char *path, bool recipients,
                        struct sgl_compose_addresses *out)
{
    size_t count = json_array_size(list);
    struct sgl_compose_address *item;

    *out = (struct sgl_compose_addresses){NULL, 0};
    if (list == NULL)
        return true;
    if (!json_is_array(list))
        return api_wrong(p, "member-type", path, "An array of addresses is wanted here.");
    if (count > SENDGRID_RECIPIENTS_MAX)
        return api_wrong(p, "too-many-recipients", path, "There are more than 1000 addresses.");
    item = SGL_NEW_N(p->arena, count, struct sgl_compose_address);
    if (item == NULL)
        return api_refuse_memory(p->why);
    for (size_t i = 0; i < count; i++) {
        char at[API_PATH_SIZE - 16], field[API_PATH_SIZE];

        snprintf(at, sizeof(at), "%s.%zu", path, i);
        snprintf(field, sizeof(field), "%s.email", at);
        if (!sendgrid_address(p, json_array_get(list, i), at, &item[i]) ||
            (recipients && !api_add_recipient(p, &item[i].mailbox, field)))
            return false;
    }
    *out = (struct sgl_compose_addresses){item, count};
    return true;
}

bool sendgrid_from(const struct api_reader *p, const json_t *json, const char *path,
                   struct sgl_compose_address *out)
{
    return sendgrid_address(p, json, path, out) &&
           api_check_sender(p->api, p->who, out->mailbox.text, path, p->why);
}

bool sendgrid_integer(const struct api_reader *p, const json_t *object, const char *name,
                      const char *path, int64_t *out)
{
    const json_t *value = sendgrid_member(object, name);

    if (value == NULL)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return api_wrong(p, "member-type", path, "A whole number that is not negative is wanted.");
    *out = json_integer_value(value);
    return true;
}

bool sendgrid_send_at(const struct api_reader *p, const json_t *object, const char *path,
                      int64_t now, int64_t *out)
{
    return sendgrid_integer(p, object, "send_at", path, out) &&
           (*out <= now + SENDGRID_AHEAD_S ||
            api_wrong(p, SENDGRID_WRONG, path,
                      "The send_at parameter must be Unix time at most 72 hours ahead."));
}

bool sendgrid_is_batch(sgl_view id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!sgl_ascii_is_alnum(id.ptr[i]) && id.ptr[i] != '-' && id.ptr[i] != '_')
            return false;
    return id.len > 0 && id.len <= STORE_BATCH_ID_MAX;
}

/* How long they are together, as JSON, is the service's own rule. */
bool sendgrid_custom_args(const struct api_reader *p, const json_t *object, const char *path)
{
    const json_t *args = sendgrid_member(object, "custom_args");

    if (args == NULL)
        return true;
    if (!json_is_object(args))
        return api_wrong(p, "member-type", path, "An object of names and values is wanted here.");
    return json_dumpb(args, NULL, 0, JSON_COMPACT) < CUSTOM_ARGS_MAX ||
           api_wrong(p, "too-long", path,
                     "The custom arguments together must be shorter than 10000 bytes.");
}

bool sendgrid_query_number(struct http_request *r, const char *name, int64_t least, int64_t most,
                           int64_t *out)
{
    sgl_view text = http_query(r, name);
    char why[120];
    uint64_t n;

    if (text.ptr == NULL)
        return true;
    if (sgl_view_u64(text, (uint64_t)most, &n) && (int64_t)n >= least) {
        *out = (int64_t)n;
        return true;
    }
    snprintf(why, sizeof(why), "A whole number from %lld to %lld is wanted.", (long long)least,
             (long long)most);
    http_reply_problem(r, 400, "number", name, why);
    return false;
}
