/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verdict as text: the Received-SPF field  [RFC 7208 s9.1] and the reply to a client that is refused  [RFC 7372 s3.2].  What a client or a foreign
 * record chose is quoted and cut, and in comments only stand names that could be host names.
 */
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"
#include "spf_internal.h"

enum {
    VALUE_SHOWN = 320, /* 64 + 1 + 255: every address; twice as long when all of it is escaped */
    LINE_WANTED = 78,
    REPLY_MAX = 500, /* with the code and the line end [RFC 5321 s4.5.3.1.5] */
    PLACE_SHOWN = 100,
};

/* ---- Received-SPF -------------------------------------------------------------------------------------------------- */

/* Where the line began on which the field is being written. */
struct field {
    struct sgl_buf *out;
    size_t line;
    bool first;
};

static bool is_atext(uint8_t c)
{
    return sgl_ascii_is_alnum(c) || (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_dot_atom(sgl_view v)
{
    bool dot = true; /* none at the start, none at the end, no two */

    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == '.' ? dot : !is_atext(v.ptr[i]))
            return false;
        dot = v.ptr[i] == '.';
    }
    return v.len > 0 && !dot;
}

/* UTF-8 stays where all of the value is UTF-8 (SMTPUTF8); other bytes that a header can't have become "?". */
static void put_quoted(struct sgl_buf *out, sgl_view v)
{
    sgl_view shown = sgl_view_sub(v, 0, VALUE_SHOWN);
    bool utf8 = sgl_utf8_valid(shown);

    sgl_buf_add_byte(out, '"');
    for (size_t i = 0; i < shown.len; i++) {
        uint8_t c = shown.ptr[i];

        if (c == '"' || c == '\\')
            sgl_buf_add_byte(out, '\\');
        sgl_buf_add_byte(out, sgl_ascii_is_control(c) || (c > 0x7e && !utf8) ? '?' : c);
    }
    sgl_buf_add_byte(out, '"');
}

/* KEY=VALUE; on this line where it fits, else on the next. */
static void put_pair(struct field *f, const char *key, const struct sgl_buf *value)
{
    size_t len = strlen(key) + 1 + value->len + 1;

    if (!f->first)
        sgl_buf_add_byte(f->out, ';');
    if (f->out->len - f->line + 1 + len > LINE_WANTED) {
        sgl_buf_add(f->out, SGL_LIT("\r\n"));
        f->line = f->out->len;
    }
    f->first = false;
    sgl_buf_add_byte(f->out, ' ');
    sgl_buf_add_cstr(f->out, key);
    sgl_buf_add_byte(f->out, '=');
    sgl_buf_add(f->out, sgl_buf_view(value));
    if (value->status != SGL_OK && f->out->status == SGL_OK)
        f->out->status = value->status;
}

static void put_value(struct field *f, const char *key, sgl_view value, bool quoted)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(2 * VALUE_SHOWN + 2);

    if (quoted || !is_dot_atom(value) || value.len > VALUE_SHOWN)
        put_quoted(&text, value);
    else
        sgl_buf_add(&text, value);
    put_pair(f, key, &text);
}

static void put_problem(struct field *f, const struct sgl_spf *spf)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(SGL_LIMIT_FINDING_TEXT);

    if (spf->problem[0] == 0)
        return;
    sgl_buf_add_cstr(&text, spf->problem);
    if (spf->problem_at.len > 0) {
        sgl_buf_add(&text, SGL_LIT(": "));
        sgl_buf_add_escaped(&text, spf->problem_at, PLACE_SHOWN);
    }
    if (text.status != SGL_OK)
        f->out->status = text.status;
    put_value(f, "problem", sgl_buf_view(&text), true);
}

/* A name that could be a host's, or words. */
static sgl_view named(sgl_view domain, const char *words)
{
    return sgl_name_ok(domain, SGL_NAME_UNDERSCORE) ? domain : sgl_view_cstr(words);
}

static void put_comment(struct sgl_buf *out, const struct sgl_spf *spf,
                        const struct sgl_spf_request *request)
{
    sgl_view domain = named(spf->domain, "the sender");
    char text[SGL_IP_TEXT_SIZE];
    sgl_view ip = sgl_ip_text(&request->ip, text);

    sgl_buf_add_byte(out, '(');
    if (sgl_name_ok(request->receiver, SGL_NAME_UNDERSCORE))
        sgl_buf_addf(out, "%.*s: ", SGL_FMT(request->receiver));
    switch (spf->result) {
    case SGL_SPF_PASS:
        sgl_buf_addf(out, "domain of %.*s designates\r\n %.*s as permitted sender", SGL_FMT(domain),
                     SGL_FMT(ip));
        break;
    case SGL_SPF_FAIL:
        sgl_buf_addf(out, "domain of %.*s does not designate\r\n %.*s as permitted sender",
                     SGL_FMT(domain), SGL_FMT(ip));
        break;
    case SGL_SPF_SOFTFAIL:
        sgl_buf_addf(out, "domain of %.*s discourages use of\r\n %.*s as permitted sender",
                     SGL_FMT(domain), SGL_FMT(ip));
        break;
    case SGL_SPF_NEUTRAL:
    case SGL_SPF_NONE:
        sgl_buf_addf(out, "%.*s is neither permitted\r\n nor denied by domain of %.*s", SGL_FMT(ip),
                     SGL_FMT(domain));
        break;
    case SGL_SPF_TEMPERROR:
    case SGL_SPF_PERMERROR:
        sgl_buf_addf(out, "error in checking\r\n domain of %.*s", SGL_FMT(domain));
        break;
    }
    sgl_buf_add_byte(out, ')');
}

enum sgl_status sgl_spf_put_received(const struct sgl_spf *spf,
                                     const struct sgl_spf_request *request, struct sgl_buf *out)
{
    struct field f = {.out = out, .first = true};
    char ip[SGL_IP_TEXT_SIZE];

    sgl_buf_addf(out, "Received-SPF: %s ", sgl_spf_result_name(spf->result));
    put_comment(out, spf, request);
    sgl_buf_add(out, SGL_LIT("\r\n"));
    f.line = out->len;
    put_value(&f, "client-ip", sgl_ip_text(&request->ip, ip), false);
    if (spf->identity == SGL_SPF_MAILFROM)
        put_value(&f, "envelope-from", request->sender, true);
    put_value(&f, "helo", request->helo, true);
    if (request->receiver.len > 0)
        put_value(&f, "receiver", request->receiver, false);
    put_value(&f, "identity",
              spf->identity == SGL_SPF_MAILFROM ? SGL_LIT("mailfrom") : SGL_LIT("helo"), false);
    if (spf->mechanism.len > 0)
        put_value(&f, "mechanism", spf->mechanism, false);
    put_problem(&f, spf);
    sgl_buf_add(out, SGL_LIT("\r\n"));
    return out->status;
}

/* ---- the reply ----------------------------------------------------------------------------------------------------- */

static void put_fail(const struct sgl_spf *spf, struct sgl_buf *out)
{
    sgl_view domain = named(spf->domain, "the sender's domain");
    size_t start = out->len;

    sgl_buf_addf(out, "5.7.23 SPF %s check failed: %.*s does not let this client send its mail",
                 spf->identity == SGL_SPF_MAILFROM ? "MAIL FROM" : "HELO", SGL_FMT(domain));
    if (spf->explanation.len == 0)
        return;
    sgl_buf_addf(out,
                 "; %.*s explains: ", SGL_FMT(domain)); /* it is not our text [RFC 7208 s6.2] */
    if (out->len - start < REPLY_MAX)
        sgl_buf_add(out, sgl_view_sub(spf->explanation, 0, REPLY_MAX - (out->len - start)));
}

static void put_error(const struct sgl_spf *spf, const char *status, struct sgl_buf *out)
{
    sgl_buf_addf(out, "%s SPF check of %.*s ended in an error: %s", status,
                 SGL_FMT(named(spf->domain, "the sender's domain")), spf->problem);
    if (spf->problem_at.len > 0 && sgl_ascii_is_printable(spf->problem_at)) {
        sgl_buf_add(out, SGL_LIT(": "));
        sgl_buf_add(out, sgl_view_sub(spf->problem_at, 0, PLACE_SHOWN));
    }
}

enum sgl_status sgl_spf_put_reply(const struct sgl_spf *spf, unsigned *code, struct sgl_buf *out)
{
    *code = 0;
    switch (spf->result) {
    case SGL_SPF_FAIL:
        *code = 550;
        put_fail(spf, out);
        break;
    case SGL_SPF_TEMPERROR:
        *code = 451;
        put_error(spf, "4.7.24", out);
        break;
    case SGL_SPF_PERMERROR:
        *code = 550;
        put_error(spf, "5.7.24", out);
        break;
    case SGL_SPF_NONE:
    case SGL_SPF_NEUTRAL: /* as none  [RFC 7208 s8.2] */
    case SGL_SPF_PASS:
    case SGL_SPF_SOFTFAIL: /* never the only reason  [RFC 7208 s8.5] */
        break;
    }
    return out->status;
}
