/* SPDX-License-Identifier: Apache-2.0 */
/* The record and the policy as data. */
#include "sigillo/mta_sts.h"

#include "fields_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

#define RECORD_RULE "RFC 8461 s3.1"
#define POLICY_RULE "RFC 8461 s3.2"
#define ID_MAX      32

static const sgl_view version = SGL_LIT_INIT("v=STSv1");

const char *sgl_mta_sts_mode_name(enum sgl_mta_sts_mode mode)
{
    switch (mode) {
    case SGL_MTA_STS_MODE_NONE:
        return "none";
    case SGL_MTA_STS_TESTING:
        return "testing";
    case SGL_MTA_STS_ENFORCE:
        return "enforce";
    }
    return "?";
}

/* ---- the record ---- */

bool sgl_mta_sts_is_record(sgl_view txt)
{
    return sgl_fields_claim(txt, version);
}

static bool id_ok(sgl_view id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (!sgl_ascii_is_alnum(id.ptr[i]))
            return false;
    }
    return id.len > 0 && id.len <= ID_MAX;
}

enum sgl_status sgl_mta_sts_record_parse(sgl_view text, struct sgl_mta_sts_record *out,
                                         struct sgl_diag *diag)
{
    struct sgl_mta_sts_record record = {.text = text};
    struct fields fields;
    struct field f;
    enum sgl_status st;

    SGL_TRY(sgl_fields_begin(&fields, text, version, RECORD_RULE, diag));
    while ((st = sgl_fields_next(&fields, &f, diag)) == SGL_OK) {
        bool is_id = sgl_view_eq(f.name, SGL_LIT("id"));

        if (is_id && record.id.ptr != NULL)
            continue; /* the first one counts [RFC 8461 s3.2] */
        if (is_id ? !id_ok(f.value) : !sgl_fields_value_ok(f.value)) {
            sgl_diag_set(diag,
                         is_id ? "id= is not 1 to 32 letters and digits"
                               : "a value that no field may have",
                         RECORD_RULE, text, f.off);
            return SGL_E_SYNTAX;
        }
        if (is_id)
            record.id = f.value;
    }
    if (st != SGL_MORE)
        return st;
    if (record.id.ptr == NULL) {
        sgl_diag_set(diag, "id= is missing", RECORD_RULE, text, text.len);
        return SGL_E_SYNTAX;
    }
    *out = record;
    return SGL_OK;
}

enum sgl_status sgl_mta_sts_record_put(const struct sgl_mta_sts_record *record, struct sgl_buf *out)
{
    if (!id_ok(record->id))
        return SGL_E_MISUSE;
    sgl_buf_add(out, SGL_LIT("v=STSv1; id="));
    sgl_buf_add(out, record->id);
    sgl_buf_add_byte(out, ';');
    return out->status;
}

enum sgl_status sgl_mta_sts_find(struct sgl_name domain, struct sgl_dns *dns,
                                 struct sgl_arena *arena, struct sgl_mta_sts_answer *out)
{
    struct sgl_mta_sts_answer answer = {.state = SGL_MTA_STS_NONE, .why = ""};
    struct sgl_diag diag = {0};
    struct sgl_one_txt txt;

    SGL_TRY(sgl_one_txt_find(SGL_LIT("_mta-sts"), domain, sgl_mta_sts_is_record, dns, arena, &txt));
    if (txt.failed) {
        answer.state = SGL_MTA_STS_TEMPERROR;
        answer.why = txt.why;
    } else if (txt.found > 1) {
        answer.state = SGL_MTA_STS_SEVERAL;
    } else if (txt.found == 1) {
        answer.state = SGL_MTA_STS_FOUND;
        if (sgl_mta_sts_record_parse(txt.txt, &answer.record, &diag) != SGL_OK) {
            answer.state = SGL_MTA_STS_BROKEN;
            answer.record.text = txt.txt;
            answer.why = diag.what;
        }
    }
    *out = answer;
    return SGL_OK;
}

/* ---- the policy ---- */

struct reader {
    sgl_view body, rest;
    struct sgl_arena *arena;
    struct sgl_diag *diag;
    struct sgl_mta_sts_policy policy;
    struct sgl_mta_sts_pattern *mx;
    bool has_version, has_mode, has_max_age;
};

static enum sgl_status refuse(struct reader *r, const char *what, sgl_view at)
{
    size_t off = at.ptr == NULL ? r->body.len : (size_t)(at.ptr - r->body.ptr);

    sgl_diag_set(r->diag, what, POLICY_RULE, r->body, off);
    return SGL_E_SYNTAX;
}

static bool key_ok(sgl_view key)
{
    if (key.len == 0 || key.len > FIELD_NAME_MAX || !sgl_ascii_is_alnum(key.ptr[0]))
        return false;
    for (size_t i = 1; i < key.len; i++) {
        uint8_t c = key.ptr[i];

        if (!sgl_ascii_is_alnum(c) && c != '_' && c != '-' && c != '.')
            return false;
    }
    return true;
}

/* The value of a field that nobody knows: UTF-8 without control characters. */
static bool extension_ok(sgl_view value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < ' ' || value.ptr[i] == 0x7f)
            return false;
    }
    return value.len > 0 && sgl_utf8_valid(value);
}

static enum sgl_status read_mode(struct reader *r, sgl_view value)
{
    static const enum sgl_mta_sts_mode modes[] = {SGL_MTA_STS_MODE_NONE, SGL_MTA_STS_TESTING,
                                                  SGL_MTA_STS_ENFORCE};

    if (r->has_mode)
        return SGL_OK;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (sgl_view_eq(value, sgl_view_cstr(sgl_mta_sts_mode_name(modes[i])))) {
            r->policy.mode = modes[i];
            r->has_mode = true;
            return SGL_OK;
        }
    }
    return refuse(r, "mode is not enforce, testing or none", value);
}

static enum sgl_status read_max_age(struct reader *r, sgl_view value)
{
    uint64_t age;

    if (r->has_max_age)
        return SGL_OK;
    if (value.len > 10 || !sgl_view_u64(value, SGL_LIMIT_MTA_STS_AGE, &age))
        return refuse(r, "max_age is not a number of seconds up to 31557600", value);
    r->policy.max_age_s = (uint32_t)age;
    r->has_max_age = true;
    return SGL_OK;
}

static enum sgl_status read_mx(struct reader *r, sgl_view value)
{
    struct sgl_mta_sts_pattern p = {.wildcard = sgl_view_starts(value, SGL_LIT("*."))};
    enum sgl_status st;

    if (r->policy.count == SGL_LIMIT_MTA_STS_MX) {
        sgl_diag_set(r->diag, "too many mx patterns", NULL, r->body, 0);
        return SGL_E_LIMIT;
    }
    st = sgl_name_parse(p.wildcard ? sgl_view_from(value, 2) : value, SGL_NAME_HOST, r->arena, NULL,
                        &p.name);
    if (st == SGL_E_SYNTAX)
        return refuse(r, "mx is not a host name, or \"*.\" and one", value);
    SGL_TRY(st);
    r->mx[r->policy.count++] = p;
    return SGL_OK;
}

static enum sgl_status read_version(struct reader *r, sgl_view value)
{
    if (r->has_version)
        return SGL_OK;
    if (!sgl_view_eq(value, SGL_LIT("STSv1")))
        return refuse(r, "version is not STSv1", value);
    r->has_version = true;
    return SGL_OK;
}

/* "name:" *WSP value *WSP. Of fields that stand twice the first one counts, only mx may be repeated. [RFC 8461 s3.2] */
static enum sgl_status read_line(struct reader *r, sgl_view line)
{
    sgl_view value, key = sgl_view_split(line, ':', &value);

    if (value.ptr == NULL)
        return refuse(r, "a line without a colon", line);
    while (value.len > 0 && sgl_ascii_is_wsp(value.ptr[0]))
        value = sgl_view_from(value, 1);
    if (sgl_view_eq(key, SGL_LIT("version")))
        return read_version(r, value);
    if (sgl_view_eq(key, SGL_LIT("mode")))
        return read_mode(r, value);
    if (sgl_view_eq(key, SGL_LIT("max_age")))
        return read_max_age(r, value);
    if (sgl_view_eq(key, SGL_LIT("mx")))
        return read_mx(r, value);
    if (!key_ok(key) || !extension_ok(value))
        return refuse(r, "not a field: NAME: VALUE", line);
    return SGL_OK;
}

/* The grammar has no empty lines; they are passed over, because refusing the whole policy would leave the domain without protection. */
static enum sgl_status read_lines(struct reader *r)
{
    while (r->rest.len > 0) {
        sgl_view line = sgl_view_split(r->rest, '\n', &r->rest);

        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        while (line.len > 0 && sgl_ascii_is_wsp(line.ptr[line.len - 1]))
            line.len--;
        if (line.len > 0)
            SGL_TRY(read_line(r, line));
    }
    if (!r->has_version)
        return refuse(r, "version is missing", r->rest);
    if (!r->has_mode)
        return refuse(r, "mode is missing", r->rest);
    if (!r->has_max_age)
        return refuse(r, "max_age is missing", r->rest);
    if (r->policy.count == 0 && r->policy.mode != SGL_MTA_STS_MODE_NONE)
        return refuse(r, "mx is missing", r->rest);
    return SGL_OK;
}

enum sgl_status sgl_mta_sts_policy_parse(sgl_view body, struct sgl_arena *arena,
                                         struct sgl_mta_sts_policy *out, struct sgl_diag *diag)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    struct reader r = {.body = body, .rest = body, .arena = arena, .diag = diag};
    size_t lines = 1;
    enum sgl_status st;

    if (body.len > SGL_LIMIT_MTA_STS_POLICY) {
        sgl_diag_set(diag, "the policy is larger than 64 KiB", "RFC 8461 s3.3", body, 0);
        return SGL_E_LIMIT;
    }
    for (size_t i = 0; i < body.len; i++)
        lines += body.ptr[i] == '\n';
    r.mx = SGL_NEW_N(arena, lines < SGL_LIMIT_MTA_STS_MX ? lines : SGL_LIMIT_MTA_STS_MX,
                     struct sgl_mta_sts_pattern);
    if (r.mx == NULL)
        return arena->status;
    st = read_lines(&r);
    if (st != SGL_OK) {
        sgl_arena_rewind(arena, mark);
        return st;
    }
    r.policy.mx = r.mx;
    *out = r.policy;
    return SGL_OK;
}

enum sgl_status sgl_mta_sts_policy_put(const struct sgl_mta_sts_policy *policy, struct sgl_buf *out)
{
    if (policy->max_age_s > SGL_LIMIT_MTA_STS_AGE ||
        (policy->count == 0 && policy->mode != SGL_MTA_STS_MODE_NONE))
        return SGL_E_MISUSE;
    sgl_buf_addf(out, "version: STSv1\r\nmode: %s\r\n", sgl_mta_sts_mode_name(policy->mode));
    for (size_t i = 0; i < policy->count; i++)
        sgl_buf_addf(out, "mx: %s%.*s\r\n", policy->mx[i].wildcard ? "*." : "",
                     SGL_FMT(policy->mx[i].name.text));
    sgl_buf_addf(out, "max_age: %u\r\n", policy->max_age_s);
    return out->status;
}

bool sgl_mta_sts_matches(const struct sgl_mta_sts_policy *policy, struct sgl_name host)
{
    for (size_t i = 0; i < policy->count; i++) {
        const struct sgl_mta_sts_pattern *p = &policy->mx[i];
        struct sgl_name compared = p->wildcard ? sgl_name_parent(host) : host;

        if (sgl_name_eq(compared, p->name) && !sgl_name_is_root(host))
            return true;
    }
    return false;
}
