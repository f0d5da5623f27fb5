/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS report as I-JSON  [RFC 8460 s4.4; RFC 7493]. */
#include "report_mail_internal.h"
#include "tls_report_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/date.h"
#include "sigillo/dns_name.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

/* ---- words ---- */

const char *sgl_tls_policy_type_name(enum sgl_tls_policy_type type)
{
    switch (type) {
    case SGL_TLS_POLICY_NONE:
        return "no-policy-found";
    case SGL_TLS_POLICY_TLSA:
        return "tlsa";
    case SGL_TLS_POLICY_STS:
        return "sts";
    case SGL_TLS_POLICY_OTHER:
        break;
    }
    return "";
}

enum sgl_tls_policy_type sgl_tls_policy_type_of_name(sgl_view name)
{
    for (int type = SGL_TLS_POLICY_NONE; type < SGL_TLS_POLICY_OTHER; type++)
        if (sgl_view_eq(name,
                        sgl_view_cstr(sgl_tls_policy_type_name((enum sgl_tls_policy_type)type))))
            return (enum sgl_tls_policy_type)type;
    return SGL_TLS_POLICY_OTHER;
}

sgl_view sgl_tls_report_submitter(const struct sgl_tls_report *report)
{
    return sgl_report_domain_of(report->contact);
}

/* ---- what a report must have ---- */

bool sgl_tls_report_domain_ok(sgl_view domain)
{
    return sgl_name_ok(domain, SGL_NAME_UNDERSCORE);
}

static bool failure_ok(const struct sgl_tls_report_failure *f)
{
    return f->result.len > 0 && f->sessions <= SGL_TLS_REPORT_COUNT_MAX &&
           (f->mx.len == 0 || sgl_tls_report_domain_ok(f->mx));
}

static bool policy_ok(const struct sgl_tls_report_policy *p)
{
    if (p->type == SGL_TLS_POLICY_OTHER || !sgl_tls_report_domain_ok(p->domain) ||
        p->successes > SGL_TLS_REPORT_COUNT_MAX || p->failed > SGL_TLS_REPORT_COUNT_MAX)
        return false;
    for (size_t i = 0; i < p->failures; i++)
        if (!failure_ok(&p->failure[i]))
            return false;
    return true;
}

static bool report_ok(const struct sgl_tls_report *r)
{
    if (r->policies == 0 || r->id.len == 0 || r->end < r->begin ||
        !sgl_report_address_ok(r->contact))
        return false;
    for (size_t i = 0; i < r->policies; i++)
        if (!policy_ok(&r->policy[i]))
            return false;
    return true;
}

/* ---- JSON ---- */

/* Surrogates are no UTF-8; these are, and mean nothing to anybody. [RFC 7493 s2.1] */
static bool is_noncharacter(uint32_t code)
{
    return (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe;
}

static void put_character(struct sgl_buf *out, sgl_view v, size_t off, size_t len)
{
    uint8_t c = v.ptr[off];

    if (c == '"' || c == '\\') {
        sgl_buf_add_byte(out, '\\');
        sgl_buf_add_byte(out, c);
    } else if (c < ' ' || c == 0x7f) {
        sgl_buf_addf(out, "\\u%04x", c);
    } else {
        sgl_buf_add(out, sgl_view_sub(v, off, len));
    }
}

static void put_string(struct sgl_buf *out, sgl_view v)
{
    uint32_t code = 0;

    sgl_buf_add_byte(out, '"');
    for (size_t i = 0, n; i < v.len; i += n) {
        n = sgl_utf8_next(v, i, &code);
        if (n == 0 || is_noncharacter(code))
            sgl_buf_add(out, SGL_LIT("\xef\xbf\xbd"));
        else
            put_character(out, v, i, n);
        n = n == 0 ? 1 : n;
    }
    sgl_buf_add_byte(out, '"');
}

/* The name of a member, behind a comma unless it is the first one. */
static void put_name(struct sgl_buf *out, const char *name)
{
    uint8_t last = out->len == 0 ? '{' : out->data[out->len - 1];

    if (last != '{')
        sgl_buf_add_byte(out, ',');
    put_string(out, sgl_view_cstr(name));
    sgl_buf_add_byte(out, ':');
}

static void put_text(struct sgl_buf *out, const char *name, sgl_view value)
{
    put_name(out, name);
    put_string(out, value);
}

static void put_told(struct sgl_buf *out, const char *name, sgl_view value)
{
    if (value.len > 0)
        put_text(out, name, value);
}

static void put_count(struct sgl_buf *out, const char *name, uint64_t count)
{
    put_name(out, name);
    sgl_buf_add_u64(out, count);
}

static void put_ip(struct sgl_buf *out, const char *name, const struct sgl_ip *ip)
{
    char text[SGL_IP_TEXT_SIZE];

    if (ip->version != 0)
        put_text(out, name, sgl_ip_text(ip, text));
}

static void put_time(struct sgl_buf *out, const char *name, sgl_time time)
{
    put_name(out, name);
    sgl_buf_add_byte(out, '"');
    sgl_date_put_internet(out, time);
    sgl_buf_add_byte(out, '"');
}

static void put_array(struct sgl_buf *out, const char *name, const sgl_view *item, size_t count)
{
    if (count == 0)
        return;
    put_name(out, name);
    for (size_t i = 0; i < count; i++) {
        sgl_buf_add_byte(out, i == 0 ? '[' : ',');
        put_string(out, item[i]);
    }
    sgl_buf_add_byte(out, ']');
}

/* A code or a short sentence; what a peer had a part in must not reach somebody else's terminal. [RFC 8460 s4.3.3] */
static void put_reason(struct sgl_buf *out, sgl_view reason)
{
    uint8_t text[SGL_LIMIT_TLS_REPORT_REASON];
    size_t len = reason.len < sizeof text ? reason.len : sizeof text;

    for (size_t i = 0; i < len; i++)
        text[i] = reason.ptr[i] < ' ' || reason.ptr[i] > '~' ? '?' : reason.ptr[i];
    put_told(out, "failure-reason-code", sgl_view_of(text, len));
}

static void put_failure(struct sgl_buf *out, const struct sgl_tls_report_failure *f)
{
    sgl_buf_add_byte(out, '{');
    put_text(out, "result-type", f->result);
    put_ip(out, "sending-mta-ip", &f->sending);
    put_told(out, "receiving-mx-hostname", f->mx);
    put_told(out, "receiving-mx-helo", f->helo);
    put_ip(out, "receiving-ip", &f->receiving);
    put_count(out, "failed-session-count", f->sessions);
    put_told(out, "additional-information", f->information);
    put_reason(out, f->reason);
    sgl_buf_add_byte(out, '}');
}

static void put_policy(struct sgl_buf *out, const struct sgl_tls_report_policy *p)
{
    sgl_buf_add(out, SGL_LIT("{\"policy\":{"));
    put_text(out, "policy-type", sgl_view_cstr(sgl_tls_policy_type_name(p->type)));
    put_array(out, "policy-string", p->string, p->strings);
    put_text(out, "policy-domain", p->domain);
    put_array(out, "mx-host", p->mx, p->mxs);
    sgl_buf_add(out, SGL_LIT("},\"summary\":{"));
    put_count(out, "total-successful-session-count", p->successes);
    put_count(out, "total-failure-session-count", p->failed);
    sgl_buf_add(out, SGL_LIT("},\"failure-details\":[")); /* readers walk it without asking */
    for (size_t i = 0; i < p->failures; i++) {
        if (i > 0)
            sgl_buf_add_byte(out, ',');
        put_failure(out, &p->failure[i]);
    }
    sgl_buf_add(out, SGL_LIT("]}"));
}

static void put_report(struct sgl_buf *out, const struct sgl_tls_report *r)
{
    sgl_buf_add_byte(out, '{');
    put_text(out, "organization-name", r->organization);
    put_name(out, "date-range");
    sgl_buf_add_byte(out, '{');
    put_time(out, "start-datetime", r->begin);
    put_time(out, "end-datetime", r->end);
    sgl_buf_add_byte(out, '}');
    put_text(out, "contact-info", r->contact);
    put_text(out, "report-id", r->id);
    put_name(out, "policies"); /* an array even for one [RFC 8460 s4] */
    for (size_t i = 0; i < r->policies; i++) {
        sgl_buf_add_byte(out, i == 0 ? '[' : ',');
        put_policy(out, &r->policy[i]);
    }
    sgl_buf_add(out, SGL_LIT("]}"));
}

enum sgl_status sgl_tls_report_put(const struct sgl_tls_report *report, struct sgl_buf *out)
{
    size_t before = out->len;

    if (!report_ok(report))
        return SGL_E_MISUSE;
    put_report(out, report);
    return sgl_report_end_of(out, before);
}
