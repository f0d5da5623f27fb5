/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/arf.h"

#include "bounce_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/date.h"
#include "sigillo/limits.h"

#include "sigillo/banned.h"

static const struct {
    const char *word;
    enum sgl_arf_type type;
} types[] = {{"abuse", SGL_ARF_ABUSE},       {"fraud", SGL_ARF_FRAUD},
             {"virus", SGL_ARF_VIRUS},       {"other", SGL_ARF_OTHER},
             {"not-spam", SGL_ARF_NOT_SPAM}, {"auth-failure", SGL_ARF_AUTH_FAILURE},
             {"unknown", SGL_ARF_UNKNOWN}};

const char *sgl_arf_type_name(enum sgl_arf_type type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].type == type)
            return types[i].word;
    return "unknown";
}

/* ---- fields ---- */

struct fields {
    struct sgl_headers h;
    struct sgl_arena *arena;
    struct sgl_arf *out;
};

static enum sgl_status text(const struct fields *f, const char *name, sgl_view *out)
{
    const struct sgl_header *field = sgl_headers_first(&f->h, sgl_view_cstr(name));

    return field == NULL ? SGL_OK : sgl_bounce_flat(field->value, f->arena, out);
}

static sgl_view bare(sgl_view address)
{
    if (address.len >= 2 && address.ptr[0] == '<' && address.ptr[address.len - 1] == '>')
        return sgl_view_sub(address, 1, address.len - 2);
    return address;
}

/* "dns; mail.example.com", "dns:example.net": the type is dropped. */
static sgl_view without_type(sgl_view v)
{
    sgl_view rest;

    if (sgl_view_starts_nocase(v, SGL_LIT("dns:")))
        return sgl_view_trim(sgl_view_from(v, 4));
    (void)sgl_view_split(v, ';', &rest);
    return rest.ptr == NULL ? v : sgl_view_trim(rest);
}

/* All values of a name that may stand there several times. */
static enum sgl_status list(const struct fields *f, const char *name, bool address, sgl_view **out,
                            size_t *count)
{
    const struct sgl_header *field = NULL;

    if (*out == NULL)
        *out = SGL_NEW_N(f->arena, SGL_ARF_LIST_MAX, sgl_view);
    if (*out == NULL)
        return f->arena->status;
    while (*count < SGL_ARF_LIST_MAX &&
           (field = sgl_headers_next(&f->h, sgl_view_cstr(name), field)) != NULL) {
        sgl_view v;
        bool again = false;

        SGL_TRY(sgl_bounce_flat(field->value, f->arena, &v));
        v = address ? bare(v) : without_type(v);
        for (size_t i = 0; i < *count; i++)
            again |= sgl_view_eq_nocase((*out)[i], v);
        if (v.len > 0 && !again)
            (*out)[(*count)++] = v;
    }
    return SGL_OK;
}

/* ---- values ---- */

static enum sgl_arf_type type_of(sgl_view word)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (sgl_view_eq_nocase(word, sgl_view_cstr(types[i].word)))
            return types[i].type;
    return SGL_ARF_UNKNOWN;
}

/* An address, or the literal of an envelope: "IPv6:2001:db8::1", "[192.0.2.1]".  [RFC 5965 s3.2; RFC 6591 s3.1] */
static void read_source(struct fields *f, sgl_view v)
{
    struct sgl_ip ip;

    if (v.len > 2 && v.ptr[0] == '[' && v.ptr[v.len - 1] == ']')
        v = sgl_view_sub(v, 1, v.len - 2);
    if (sgl_view_starts_nocase(v, SGL_LIT("IPv6:")))
        v = sgl_view_from(v, 5);
    if (sgl_ip_parse(sgl_view_trim(v), &ip) == SGL_OK)
        f->out->source = ip;
}

/* Received-Date is what Arrival-Date was called in drafts; both at once is a fault.  [RFC 5965 s3.2] */
static void read_arrival(struct fields *f)
{
    const struct sgl_header *now = sgl_headers_first(&f->h, SGL_LIT("Arrival-Date")),
                            *old = sgl_headers_first(&f->h, SGL_LIT("Received-Date"));
    struct sgl_date date;

    if (now != NULL && old != NULL)
        f->out->malformed = true;
    if (now == NULL)
        now = old;
    if (now != NULL && sgl_date_parse(now->value, &date, NULL) == SGL_OK)
        f->out->arrival = date.time;
}

static void read_numbers(struct fields *f, sgl_view port, sgl_view incidents)
{
    uint64_t n;

    if (sgl_view_u64(port, 65535, &n)) /* [RFC 6692 s3] */
        f->out->source_port = (uint16_t)n;
    f->out->incidents = 1;
    if (sgl_view_u64(incidents, INT64_MAX, &n) && n > 0)
        f->out->incidents = n;
}

/* Must be there once [RFC 5965 s3.1], at most once [s3.2]. */
static void check_counts(struct fields *f)
{
    static const char *const once[] = {"Feedback-Type", "User-Agent", "Version"};
    static const char *const most[] = {
        "Original-Envelope-Id", "Original-Mail-From", "Arrival-Date", "Received-Date",
        "Reporting-MTA",        "Source-IP",          "Incidents"};

    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++)
        f->out->malformed |= sgl_headers_count(&f->h, sgl_view_cstr(once[i])) != 1;
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++)
        f->out->malformed |= sgl_headers_count(&f->h, sgl_view_cstr(most[i])) > 1;
}

static enum sgl_status read_texts(struct fields *f)
{
    struct sgl_arf *out = f->out;
    const struct {
        const char *name;
        sgl_view *to;
    } texts[] = {{"Feedback-Type", &out->type_text},
                 {"User-Agent", &out->user_agent},
                 {"Version", &out->version},
                 {"Original-Mail-From", &out->original_mail_from},
                 {"Original-Envelope-Id", &out->original_envelope_id},
                 {"Reporting-MTA", &out->reporting_mta},
                 {"Authentication-Results", &out->authentication_results},
                 {"Auth-Failure", &out->auth_failure},
                 {"Delivery-Result", &out->delivery_result},
                 {"Identity-Alignment", &out->identity_alignment},
                 {"DKIM-Domain", &out->dkim_domain},
                 {"DKIM-Identity", &out->dkim_identity},
                 {"DKIM-Selector", &out->dkim_selector},
                 {"SPF-DNS", &out->spf_dns}};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        SGL_TRY(text(f, texts[i].name, texts[i].to));
    out->original_mail_from = bare(out->original_mail_from);
    out->reporting_mta = without_type(out->reporting_mta);
    return SGL_OK;
}

static enum sgl_status read_fields(struct fields *f)
{
    sgl_view source = {NULL, 0}, port = {NULL, 0}, incidents = {NULL, 0};
    struct sgl_arf *out = f->out;

    SGL_TRY(read_texts(f));
    SGL_TRY(text(f, "Source-IP", &source));
    SGL_TRY(text(f, "Source-Port", &port));
    SGL_TRY(text(f, "Incidents", &incidents));
    SGL_TRY(list(f, "Original-Rcpt-To", true, &out->original_rcpt, &out->original_rcpts));
    SGL_TRY(list(f, "Removal-Recipient", true, &out->original_rcpt, &out->original_rcpts));
    SGL_TRY(list(f, "Reported-Domain", false, &out->reported_domain, &out->reported_domains));
    out->type = type_of(out->type_text);
    read_source(f, source);
    read_arrival(f);
    read_numbers(f, port, incidents);
    check_counts(f);
    return SGL_OK;
}

/* ---- the message ---- */

static enum sgl_status read_machine(const struct sgl_bounce_mail *m,
                                    const struct sgl_mime_part *part, struct sgl_arf *out)
{
    struct fields f = {.arena = m->arena, .out = out};
    enum sgl_status status;
    sgl_view body;

    SGL_TRY(sgl_bounce_body(part, m->arena, &body));
    while (body.len > 0 && sgl_ascii_is_fws(body.ptr[0]))
        body = sgl_view_from(body, 1);
    status = sgl_headers_parse(body, SGL_HEADERS_TOLERANT, m->arena, &f.h, NULL);
    if (status == SGL_E_NOMEM || m->arena->status != SGL_OK)
        return m->arena->status == SGL_OK ? status : m->arena->status;
    out->machine = true;
    out->malformed = status != SGL_OK;
    return status == SGL_OK ? read_fields(&f) : SGL_OK;
}

/* Complaints of Outlook.com: the message itself, and in its header whom it was for. */
static enum sgl_status read_outlook(const struct sgl_bounce_mail *m, struct sgl_arf *out, bool *is)
{
    const struct sgl_header *subject = sgl_headers_first(&m->part[0].headers, SGL_LIT("Subject")),
                            *to;

    *is = false;
    if (subject == NULL || out->header.count == 0 ||
        !sgl_view_starts_nocase(sgl_view_trim(subject->value),
                                SGL_LIT("complaint about message from ")))
        return SGL_OK;
    to = sgl_headers_first(&out->header, SGL_LIT("X-HmXmrOriginalRecipient"));
    out->type_text = SGL_LIT("abuse");
    out->incidents = 1;
    out->original_rcpt = SGL_NEW_N(m->arena, SGL_ARF_LIST_MAX, sgl_view);
    if (out->original_rcpt == NULL)
        return m->arena->status;
    if (to != NULL) {
        SGL_TRY(sgl_bounce_flat(to->value, m->arena, &out->original_rcpt[0]));
        out->original_rcpt[0] = bare(out->original_rcpt[0]);
        out->original_rcpts = out->original_rcpt[0].len > 0 ? 1 : 0;
    }
    *is = true;
    return SGL_OK;
}

enum sgl_status sgl_arf_parse(sgl_view message, struct sgl_arena *arena, struct sgl_arf *out,
                              struct sgl_diag *diag)
{
    static const char *const machine[] = {"message/feedback-report", NULL};
    struct sgl_bounce_mail m = {.arena = arena};
    const struct sgl_mime_part *part;
    struct sgl_bounce original = {.form = ""};
    struct sgl_arf arf = {.incidents = 1};
    bool is = false;

    if (sgl_view_starts(message, SGL_LIT("\xef\xbb\xbf")))
        message = sgl_view_from(message, 3);
    SGL_TRY(sgl_mime_walk(message, arena, &m.part, &m.parts));
    part = sgl_bounce_part(&m, machine);
    SGL_TRY(sgl_bounce_read_original(&m, &original));
    arf.original = original.original;
    arf.header = original.header;
    arf.message_id = original.message_id;
    if (part != NULL)
        SGL_TRY(read_machine(&m, part, &arf));
    else
        SGL_TRY(read_outlook(&m, &arf, &is));
    if (part == NULL && !is) {
        sgl_diag_set(diag, "it has no part of the type message/feedback-report", "RFC 5965 s2",
                     message, 0);
        return SGL_E_SYNTAX;
    }
    *out = arf;
    return SGL_OK;
}
