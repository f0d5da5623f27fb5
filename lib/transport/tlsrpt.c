/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/tlsrpt.h"

#include "fields_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "sigillo/mailbox.h"

#define RULE "RFC 8460 s3"

static const sgl_view version = SGL_LIT_INIT("v=TLSRPTv1");

bool sgl_tlsrpt_is_record(sgl_view txt)
{
    return sgl_fields_claim(txt, version);
}

/* Characters of RFC 3986; "," "!" and ";" have to be percent-encoded here. */
static bool uri_chars_ok(sgl_view uri)
{
    for (size_t i = 0; i < uri.len; i++) {
        uint8_t c = uri.ptr[i];

        if (!sgl_ascii_is_visible(c) || memchr("\"<>\\^`{|}!;,", c, 12) != NULL)
            return false;
        if (c == '%' && (i + 2 >= uri.len || sgl_ascii_hex_value(uri.ptr[i + 1]) < 0 ||
                         sgl_ascii_hex_value(uri.ptr[i + 2]) < 0))
            return false;
    }
    return true;
}

/* scheme ":" something [RFC 3986 s3.1] */
static bool scheme_of(sgl_view uri, sgl_view *scheme, sgl_view *rest)
{
    *scheme = sgl_view_split(uri, ':', rest);
    if (rest->len == 0 || scheme->len == 0 || !sgl_ascii_is_alpha(scheme->ptr[0]))
        return false;
    for (size_t i = 1; i < scheme->len; i++) {
        uint8_t c = scheme->ptr[i];

        if (!sgl_ascii_is_alnum(c) && c != '+' && c != '-' && c != '.')
            return false;
    }
    return true;
}

/* One address, percent-decoded, behind "mailto:". [RFC 6068 s2] */
static enum sgl_status read_mailto(sgl_view rest, struct sgl_arena *arena, struct sgl_mailbox *out)
{
    sgl_view query, coded = sgl_view_split(rest, '?', &query);
    uint8_t *plain = sgl_arena_alloc(arena, coded.len);
    size_t len = 0;

    if (plain == NULL)
        return arena->status;
    for (size_t i = 0; i < coded.len; i++) {
        plain[len] = coded.ptr[i];
        if (coded.ptr[i] == '%') {
            plain[len] = (uint8_t)(sgl_ascii_hex_value(coded.ptr[i + 1]) << 4 |
                                   sgl_ascii_hex_value(coded.ptr[i + 2]));
            i += 2;
        }
        len++;
    }
    return sgl_mailbox_parse(sgl_view_of(plain, len), arena, out, NULL);
}

enum sgl_status sgl_tlsrpt_mailbox(sgl_view uri, struct sgl_arena *arena, struct sgl_mailbox *out)
{
    sgl_view scheme, rest;

    if (!uri_chars_ok(uri) || !scheme_of(uri, &scheme, &rest) ||
        !sgl_view_eq_nocase(scheme, SGL_LIT("mailto")))
        return SGL_E_SYNTAX;
    return read_mailto(rest, arena, out);
}

static enum sgl_status mailto_ok(sgl_view rest, struct sgl_arena *arena, bool *ok)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    struct sgl_mailbox mailbox;
    enum sgl_status st = read_mailto(rest, arena, &mailbox);

    sgl_arena_rewind(arena, mark);
    if (st == SGL_E_NOMEM)
        return st;
    *ok = st == SGL_OK;
    return SGL_OK;
}

/* "//host[:port][/path]", no user; the host a name or an address. */
static bool https_ok(sgl_view rest)
{
    sgl_view authority = sgl_view_from(rest, 2), port;
    uint64_t number;
    struct sgl_ip ip;
    size_t end = 0;

    if (!sgl_view_starts(rest, SGL_LIT("//")))
        return false;
    while (end < authority.len && memchr("/?#", authority.ptr[end], 3) == NULL)
        end++;
    authority.len = end;
    if (sgl_view_starts(authority, SGL_LIT("["))) {
        size_t close = sgl_view_find(authority, ']');

        port = sgl_view_from(authority, close + 1);
        if (close == authority.len ||
            sgl_ip_parse(sgl_view_sub(authority, 1, close - 1), &ip) != SGL_OK ||
            (port.len > 0 && port.ptr[0] != ':'))
            return false;
        port = sgl_view_from(port, 1);
    } else {
        sgl_view host = sgl_view_split(authority, ':', &port);

        if (!sgl_name_ok(host, SGL_NAME_HOST | SGL_NAME_FINAL_DOT) &&
            sgl_ip_parse(host, &ip) != SGL_OK)
            return false;
    }
    return port.len == 0 || (sgl_view_u64(port, 65535, &number) && number > 0);
}

struct reader {
    sgl_view text;
    struct sgl_arena *arena;
    struct sgl_diag *diag;
    struct sgl_tlsrpt_record record;
    struct sgl_tlsrpt_uri *rua;
};

static enum sgl_status refuse(struct reader *r, const char *what, sgl_view at)
{
    size_t off = at.ptr == NULL ? r->text.len : (size_t)(at.ptr - r->text.ptr);

    sgl_diag_set(r->diag, what, RULE, r->text, off);
    return SGL_E_SYNTAX;
}

static enum sgl_status read_uri(struct reader *r, sgl_view uri)
{
    struct sgl_tlsrpt_uri one = {.text = uri};
    sgl_view scheme, rest;
    bool ok = false;

    if (!uri_chars_ok(uri) || !scheme_of(uri, &scheme, &rest))
        return refuse(r, "rua= holds something that is not a URI", uri);
    if (sgl_view_eq_nocase(scheme, SGL_LIT("mailto"))) {
        one.scheme = SGL_TLSRPT_MAILTO;
        SGL_TRY(mailto_ok(rest, r->arena, &ok));
    } else if (sgl_view_eq_nocase(scheme, SGL_LIT("https"))) {
        one.scheme = SGL_TLSRPT_HTTPS;
        ok = https_ok(rest);
    } else {
        r->record.skipped++; /* a scheme that nobody knows yet */
        return SGL_OK;
    }
    if (!ok)
        return refuse(r, "rua= holds an address that can't be one", uri);
    if (r->record.count == SGL_LIMIT_TLSRPT_URIS)
        r->record.skipped++;
    else
        r->rua[r->record.count++] = one;
    return SGL_OK;
}

static enum sgl_status read_uris(struct reader *r, sgl_view list)
{
    sgl_view rest = list;

    do {
        sgl_view uri = sgl_view_trim(sgl_view_split(rest, ',', &rest));

        if (uri.len == 0)
            return refuse(r, "rua= has an empty place in its list", list);
        SGL_TRY(read_uri(r, uri));
    } while (rest.ptr != NULL);
    return SGL_OK;
}

static enum sgl_status read_fields(struct reader *r)
{
    struct fields fields;
    struct field f;
    enum sgl_status st;

    SGL_TRY(sgl_fields_begin(&fields, r->text, version, RULE, r->diag));
    while ((st = sgl_fields_next(&fields, &f, r->diag)) == SGL_OK) {
        if (sgl_view_eq(f.name, SGL_LIT("rua")))
            SGL_TRY(read_uris(r, f.value));
        else if (!sgl_fields_value_ok(f.value))
            return refuse(r, "a value that no field may have", f.name);
    }
    if (st != SGL_MORE)
        return st;
    if (r->record.count + r->record.skipped == 0)
        return refuse(r, "rua= is missing", sgl_view_of(NULL, 0));
    if (r->record.count == 0)
        return refuse(r, "rua= has no mailto: or https: address", sgl_view_of(NULL, 0));
    return SGL_OK;
}

enum sgl_status sgl_tlsrpt_parse(sgl_view text, struct sgl_arena *arena,
                                 struct sgl_tlsrpt_record *out, struct sgl_diag *diag)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    struct reader r = {.text = text, .arena = arena, .diag = diag, .record = {.text = text}};
    enum sgl_status st;

    r.rua = SGL_NEW_N(arena, SGL_LIMIT_TLSRPT_URIS, struct sgl_tlsrpt_uri);
    if (r.rua == NULL)
        return arena->status;
    st = read_fields(&r);
    if (st != SGL_OK) {
        sgl_arena_rewind(arena, mark);
        return st;
    }
    r.record.rua = r.rua;
    *out = r.record;
    return SGL_OK;
}

enum sgl_status sgl_tlsrpt_put(const struct sgl_tlsrpt_record *record, struct sgl_buf *out)
{
    sgl_view scheme, rest;

    if (record->count == 0)
        return SGL_E_MISUSE;
    for (size_t i = 0; i < record->count; i++) {
        sgl_view uri = record->rua[i].text;

        if (!uri_chars_ok(uri) || !scheme_of(uri, &scheme, &rest))
            return SGL_E_MISUSE;
    }
    sgl_buf_add(out, SGL_LIT("v=TLSRPTv1; rua="));
    for (size_t i = 0; i < record->count; i++) {
        if (i > 0)
            sgl_buf_add_byte(out, ',');
        sgl_buf_add(out, record->rua[i].text);
    }
    return out->status;
}

enum sgl_status sgl_tlsrpt_find(struct sgl_name domain, struct sgl_dns *dns,
                                struct sgl_arena *arena, struct sgl_tlsrpt_answer *out)
{
    struct sgl_tlsrpt_answer answer = {.state = SGL_TLSRPT_NONE, .why = ""};
    struct sgl_diag diag = {0};
    struct sgl_one_txt txt;
    enum sgl_status st;

    SGL_TRY(
        sgl_one_txt_find(SGL_LIT("_smtp._tls"), domain, sgl_tlsrpt_is_record, dns, arena, &txt));
    if (txt.failed) {
        answer.state = SGL_TLSRPT_TEMPERROR;
        answer.why = txt.why;
    } else if (txt.found > 1) {
        answer.state = SGL_TLSRPT_SEVERAL;
    } else if (txt.found == 1) {
        answer.state = SGL_TLSRPT_FOUND;
        st = sgl_tlsrpt_parse(txt.txt, arena, &answer.record, &diag);
        if (st != SGL_OK && st != SGL_E_SYNTAX)
            return st;
        if (st == SGL_E_SYNTAX) {
            answer.state = SGL_TLSRPT_BROKEN;
            answer.record.text = txt.txt;
            answer.why = diag.what;
        }
    }
    *out = answer;
    return SGL_OK;
}

enum sgl_status sgl_tlsrpt_lint(sgl_view text, struct sgl_arena *arena, struct sgl_findings *out)
{
    static const struct sgl_finding syntax = {.code = "tlsrpt-syntax",
                                              .severity = SGL_ERROR,
                                              .rule = RULE},
                                    skipped = {.code = "tlsrpt-uri-unknown",
                                               .severity = SGL_WARNING,
                                               .rule = RULE};
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    struct sgl_tlsrpt_record record;
    struct sgl_diag diag = {0};
    enum sgl_status st = sgl_tlsrpt_parse(text, arena, &record, &diag);

    if (st != SGL_OK && st != SGL_E_SYNTAX)
        return st;
    sgl_arena_rewind(arena, mark);
    if (st == SGL_E_SYNTAX)
        return sgl_finding_add(out, arena, &syntax, "v=TLSRPTv1; rua=mailto:tls-reports@DOMAIN",
                               "The TLS-RPT record can't be read (%s, at character %zu): nobody "
                               "sends reports.",
                               diag.what, diag.off + 1);
    if (record.skipped > 0)
        return sgl_finding_add(out, arena, &skipped,
                               "name mailto: and https: addresses only, in rua=",
                               "%zu address(es) of the TLS-RPT record are neither mailto: nor "
                               "https:, or too many: no reports go there.",
                               record.skipped);
    return SGL_OK;
}
