/* SPDX-License-Identifier: Apache-2.0 */
/* PLAIN and LOGIN, taken apart and put together. */
#include "sigillo/sasl.h"

#include "sigillo/crypto.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"
#include "smtp_internal.h"

static bool field_ok(sgl_view v)
{
    return v.len <= SGL_LIMIT_SASL_FIELD && sgl_utf8_valid(v) && sgl_view_find(v, '\0') == v.len;
}

bool sgl_saslname_decode(sgl_view name, struct sgl_buf *out)
{
    for (size_t i = 0; i < name.len; i++) {
        sgl_view escape = sgl_view_sub(name, i, 3);

        if (name.ptr[i] != '=') {
            sgl_buf_add_byte(out, name.ptr[i]);
            continue;
        }
        if (!sgl_view_eq(escape, SGL_LIT("=2C")) && !sgl_view_eq(escape, SGL_LIT("=3D")))
            return false;
        sgl_buf_add_byte(out, escape.ptr[1] == '2' ? ',' : '=');
        i += 2;
    }
    return out->status == SGL_OK && out->len > 0;
}

enum sgl_status sgl_sasl_plain_parse(sgl_view message, sgl_view *authzid, sgl_view *user,
                                     sgl_view *password)
{
    sgl_view rest, as = sgl_view_split(message, '\0', &rest);
    sgl_view who, secret;

    if (rest.ptr == NULL)
        return SGL_E_SYNTAX;
    who = sgl_view_split(rest, '\0', &secret);
    if (secret.ptr == NULL || who.len == 0 || secret.len == 0)
        return SGL_E_SYNTAX;
    if (!field_ok(as) || !field_ok(who) || !field_ok(secret))
        return SGL_E_SYNTAX;
    *authzid = as;
    *user = who;
    *password = secret;
    return SGL_OK;
}

enum sgl_status sgl_sasl_plain_put(struct sgl_buf *out, sgl_view user, sgl_view password)
{
    if (sgl_view_find(user, '\0') != user.len || sgl_view_find(password, '\0') != password.len)
        return SGL_E_SYNTAX;
    sgl_buf_add_byte(out, 0);
    sgl_buf_add(out, user);
    sgl_buf_add_byte(out, 0);
    sgl_buf_add(out, password);
    return out->status;
}

enum { LOGIN_START, LOGIN_USER, LOGIN_PASSWORD, LOGIN_WHOLE };

void sgl_sasl_login_init(struct sgl_sasl_login *l)
{
    *l = (struct sgl_sasl_login){.user = SGL_BUF_INIT(SGL_LIMIT_SASL_FIELD),
                                 .password = SGL_BUF_INIT(SGL_LIMIT_SASL_FIELD)};
}

void sgl_sasl_login_done(struct sgl_sasl_login *l)
{
    if (l->password.data != NULL)
        sgl_wipe(l->password.data, l->password.cap);
    sgl_buf_done(&l->user);
    sgl_buf_done(&l->password);
    l->state = LOGIN_START;
}

static enum sgl_sasl_step prompt(struct sgl_buf *out, sgl_view text)
{
    sgl_buf_add(out, text);
    return out->status == SGL_OK ? SGL_SASL_CHALLENGE : SGL_SASL_NOMEM;
}

/* One answer into its buffer. */
static enum sgl_sasl_step keep(struct sgl_buf *field, sgl_view response)
{
    if (response.len == 0 || !field_ok(response))
        return SGL_SASL_BROKEN;
    sgl_buf_add(field, response);
    return field->status == SGL_OK ? SGL_SASL_CHECK : SGL_SASL_NOMEM;
}

enum sgl_sasl_step sgl_sasl_login_step(struct sgl_sasl_login *l, bool has_response,
                                       sgl_view response, struct sgl_buf *out)
{
    enum sgl_sasl_step step;

    switch (l->state) {
    case LOGIN_START:
        l->state = LOGIN_USER;
        if (!has_response)
            return prompt(out, SGL_LIT("Username:"));
        return sgl_sasl_login_step(l, true, response, out);
    case LOGIN_USER:
        step = keep(&l->user, response);
        l->state = step == SGL_SASL_CHECK ? LOGIN_PASSWORD : LOGIN_WHOLE;
        return step == SGL_SASL_CHECK ? prompt(out, SGL_LIT("Password:")) : step;
    case LOGIN_PASSWORD:
        l->state = LOGIN_WHOLE;
        return keep(&l->password, response);
    default:
        return SGL_SASL_BROKEN;
    }
}
