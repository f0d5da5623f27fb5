/* SPDX-License-Identifier: Apache-2.0 */
#include "fields_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"

bool sgl_fields_claim(sgl_view text, sgl_view version)
{
    sgl_view rest = sgl_view_from(text, version.len);

    if (!sgl_view_starts(text, version))
        return false;
    while (rest.len > 0 && sgl_ascii_is_wsp(rest.ptr[0]))
        rest = sgl_view_from(rest, 1);
    return rest.len > 0 && rest.ptr[0] == ';';
}

enum sgl_status sgl_fields_begin(struct fields *f, sgl_view text, sgl_view version,
                                 const char *rule, struct sgl_diag *diag)
{
    if (!sgl_fields_claim(text, version)) {
        sgl_diag_set(diag, "the record does not begin with its version and a semicolon", rule, text,
                     0);
        return SGL_E_SYNTAX;
    }
    f->input = text;
    f->rule = rule;
    f->rest = sgl_view_from(text, sgl_view_find(text, ';') + 1);
    return SGL_OK;
}

static bool name_ok(sgl_view name)
{
    if (name.len == 0 || name.len > FIELD_NAME_MAX || !sgl_ascii_is_alnum(name.ptr[0]))
        return false;
    for (size_t i = 1; i < name.len; i++) {
        uint8_t c = name.ptr[i];

        if (!sgl_ascii_is_alnum(c) && c != '_' && c != '-' && c != '.')
            return false;
    }
    return true;
}

bool sgl_fields_value_ok(sgl_view value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (!sgl_ascii_is_visible(value.ptr[i]) || value.ptr[i] == '=' || value.ptr[i] == ';')
            return false;
    }
    return value.len > 0;
}

static sgl_view without_blanks(sgl_view v)
{
    while (v.len > 0 && sgl_ascii_is_wsp(v.ptr[0]))
        v = sgl_view_from(v, 1);
    while (v.len > 0 && sgl_ascii_is_wsp(v.ptr[v.len - 1]))
        v.len--;
    return v;
}

enum sgl_status sgl_fields_next(struct fields *f, struct field *out, struct sgl_diag *diag)
{
    const char *what = NULL;
    sgl_view text, value;
    struct field field;

    if (f->rest.ptr == NULL)
        return SGL_MORE;
    text = without_blanks(sgl_view_split(f->rest, ';', &f->rest));
    if (text.len == 0 && f->rest.ptr == NULL)
        return SGL_MORE; /* behind the last semicolon nothing has to follow */
    field.off = text.len == 0 ? 0 : (size_t)(text.ptr - f->input.ptr);
    field.name = sgl_view_split(text, '=', &value);
    field.value = value;
    if (text.len == 0)
        what = "a field is missing between two semicolons";
    else if (value.ptr == NULL)
        what = "field without \"=\"";
    else if (!name_ok(field.name))
        what = "not a field name";
    if (what != NULL) {
        sgl_diag_set(diag, what, f->rule, f->input, field.off);
        return SGL_E_SYNTAX;
    }
    *out = field;
    return SGL_OK;
}

/* [RFC 8461 s3.1, RFC 8460 s3] What does not begin like a record is passed over; then exactly one has to be left, or there is none. */
enum sgl_status sgl_one_txt_find(sgl_view labels, struct sgl_name domain,
                                 bool (*claims)(sgl_view txt), struct sgl_dns *dns,
                                 struct sgl_arena *arena, struct sgl_one_txt *out)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    const struct sgl_dns_answer *answer = NULL;
    struct sgl_one_txt found = {.why = ""};
    struct sgl_name name;
    enum sgl_status st;

    st = sgl_name_under(labels, domain, arena, &name);
    if (st == SGL_E_LIMIT && arena->status == SGL_OK) {
        *out = found; /* a name that long cannot exist: no record */
        return SGL_OK;
    }
    SGL_TRY(st);
    st = sgl_dns_get(dns, name, SGL_RR_TXT, &answer);
    sgl_arena_rewind(arena, mark); /* the snapshot has a copy of the name */
    SGL_TRY(st);
    found.failed = sgl_dns_is_error(answer);
    if (found.failed)
        found.why = answer->why;
    for (size_t i = 0; answer->outcome == SGL_DNS_OK && i < answer->count; i++) {
        if (!claims(answer->rr[i].txt))
            continue;
        if (found.found++ == 0)
            found.txt = answer->rr[i].txt;
    }
    *out = found;
    return SGL_OK;
}
