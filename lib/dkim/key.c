/* SPDX-License-Identifier: Apache-2.0 */
/* Key records and where they stand  [RFC 6376 s3.6, s6.1.2]. */
#include "dkim_internal.h"

#include "sigillo/limits.h"
#include "sigillo/tags.h"

/* ---- one record ---------------------------------------------------------------------------------------------------- */

static enum sgl_status refuse(sgl_view txt, size_t off, const char *why, struct sgl_diag *diag)
{
    sgl_diag_set(diag, why, "RFC 6376 s3.6.1", txt, off);
    return SGL_E_SYNTAX;
}

/* Is one of the words of a colon list `word`? */
static bool list_has(sgl_view list, sgl_view word)
{
    while (list.ptr != NULL) {
        if (sgl_view_eq(sgl_view_trim(sgl_view_split(list, ':', &list)), word))
            return true;
    }
    return false;
}

static bool tag_has(const struct sgl_tags *tags, sgl_view name, sgl_view word)
{
    const struct sgl_tag *tag = sgl_tags_find(tags, name);

    return tag != NULL && list_has(tag->value, word);
}

/* v= may be left out; where it stands it is the first tag, and DKIM1 to the letter. */
static bool version_ok(const struct sgl_tags *tags)
{
    const struct sgl_tag *v = sgl_tags_find(tags, SGL_LIT("v"));

    return v == NULL || (v == tags->tag && sgl_view_eq(v->value, SGL_LIT("DKIM1")));
}

static bool read_type(const struct sgl_tags *tags, enum sgl_key_type *out)
{
    const struct sgl_tag *k = sgl_tags_find(tags, SGL_LIT("k"));
    bool ed25519 = k != NULL && sgl_view_eq(k->value, SGL_LIT("ed25519"));

    *out = ed25519 ? SGL_KEY_ED25519 : SGL_KEY_RSA;
    return k == NULL || ed25519 || sgl_view_eq(k->value, SGL_LIT("rsa"));
}

static void read_flags(const struct sgl_tags *tags, struct sgl_dkim_key *key)
{
    const struct sgl_tag *notes = sgl_tags_find(tags, SGL_LIT("n"));

    key->testing = tag_has(tags, SGL_LIT("t"), SGL_LIT("y"));
    key->strict = tag_has(tags, SGL_LIT("t"), SGL_LIT("s"));
    key->sha256 =
        sgl_tags_find(tags, SGL_LIT("h")) == NULL || tag_has(tags, SGL_LIT("h"), SGL_LIT("sha256"));
    key->email = sgl_tags_find(tags, SGL_LIT("s")) == NULL ||
                 tag_has(tags, SGL_LIT("s"), SGL_LIT("email")) ||
                 tag_has(tags, SGL_LIT("s"), SGL_LIT("*"));
    if (notes != NULL)
        key->notes = notes->value;
}

enum sgl_status sgl_dkim_key_parse(sgl_view txt, struct sgl_arena *arena, struct sgl_dkim_key *out,
                                   struct sgl_diag *diag)
{
    struct sgl_dkim_key key = {.type = SGL_KEY_RSA};
    const struct sgl_tag *p;
    struct sgl_tags tags;
    enum sgl_status status = sgl_tags_parse(txt, 0, arena, &tags, diag);

    if (status == SGL_E_LIMIT && arena->status == SGL_OK)
        return SGL_E_SYNTAX; /* too many tags: the record's fault */
    SGL_TRY(status);
    if (!version_ok(&tags))
        return refuse(txt, 0, "v= is not the first tag, or not DKIM1", diag);
    if (!read_type(&tags, &key.type))
        return refuse(txt, sgl_tags_find(&tags, SGL_LIT("k"))->off,
                      "k= names a type of key that is not known", diag);
    p = sgl_tags_find(&tags, SGL_LIT("p"));
    if (p == NULL)
        return refuse(txt, txt.len, "the key record has no p=", diag);
    key.revoked = p->value.len == 0;
    status = key.revoked ? SGL_OK : sgl_dkim_base64(p->value, arena, &key.bytes);
    if (status == SGL_E_SYNTAX)
        return refuse(txt, p->off, "p= is not base64", diag);
    SGL_TRY(status);
    read_flags(&tags, &key);
    *out = key;
    return SGL_OK;
}

/* ---- the records of a name ----------------------------------------------------------------------------------------- */

/* Does this TXT record want to be a key record?  Wildcards answer with SPF and other texts. */
static bool is_key_meant(sgl_view txt)
{
    sgl_view rest = txt, version;
    sgl_view first = sgl_view_split(txt, ';', &rest);
    sgl_view name = sgl_view_trim(sgl_view_split(first, '=', &version));

    if (sgl_view_eq(name, SGL_LIT("v"))) /* SPF, DMARC and others begin with a v= of their own */
        return sgl_view_starts_nocase(sgl_view_trim(version), SGL_LIT("DKIM"));
    rest = txt;
    while (rest.ptr != NULL) {
        sgl_view spec = sgl_view_split(rest, ';', &rest), value;

        name = sgl_view_trim(sgl_view_split(spec, '=', &value));
        if (value.ptr != NULL && sgl_view_eq(name, SGL_LIT("p")))
            return true;
    }
    return false;
}

static enum sgl_status read_records(const struct sgl_dns_answer *answer, struct sgl_arena *arena,
                                    struct sgl_dkim_key_answer *out)
{
    struct sgl_dkim_key *key = SGL_NEW_N(arena, SGL_LIMIT_DKIM_KEYS, struct sgl_dkim_key);
    struct sgl_diag first = {0};
    size_t tried = 0, usable = 0, revoked = 0;

    if (key == NULL)
        return arena->status;
    for (size_t i = 0; i < answer->count && tried < SGL_LIMIT_DKIM_KEYS; i++) {
        enum sgl_status status;

        if (!is_key_meant(answer->rr[i].txt))
            continue;
        tried++;
        status = sgl_dkim_key_parse(answer->rr[i].txt, arena, &key[usable], &first);
        if (status == SGL_E_SYNTAX)
            continue;
        SGL_TRY(status);
        if (key[usable].revoked)
            revoked++;
        else
            usable++;
    }
    out->key = key;
    out->count = usable;
    if (usable > 0)
        return SGL_OK;
    out->state = revoked > 0 ? SGL_DKIM_KEY_REVOKED
                 : tried > 0 ? SGL_DKIM_KEY_BROKEN
                             : SGL_DKIM_KEY_NONE;
    out->why = revoked > 0 ? "the key was revoked"
               : tried > 0 ? first.what
                           : "no key record stands at the selector";
    return SGL_OK;
}

static enum sgl_status make_name(sgl_view domain, sgl_view selector, struct sgl_arena *arena,
                                 struct sgl_name *out)
{
    const sgl_view middle = SGL_LIT("._domainkey.");
    uint8_t text[SGL_LIMIT_NAME_TEXT];
    size_t len = 0;

    if (selector.len == 0 || selector.len > sizeof text || domain.len > sizeof text ||
        selector.len + middle.len + domain.len > sizeof text)
        return SGL_E_SYNTAX;
    memcpy(text, selector.ptr, selector.len);
    len += selector.len;
    memcpy(text + len, middle.ptr, middle.len);
    len += middle.len;
    if (domain.len > 0)
        memcpy(text + len, domain.ptr, domain.len);
    len += domain.len;
    return sgl_name_parse(sgl_view_of(text, len), SGL_NAME_UNDERSCORE, arena, NULL, out);
}

static enum sgl_status find(sgl_view domain, sgl_view selector, struct sgl_dns *dns,
                            struct sgl_arena *arena, struct sgl_dkim_key_answer *out)
{
    const struct sgl_dns_answer *answer;
    struct sgl_name name;

    SGL_TRY(make_name(domain, selector, arena, &name));
    SGL_TRY(sgl_dns_get(dns, name, SGL_RR_TXT, &answer));
    *out = (struct sgl_dkim_key_answer){.security = answer->security, .why = ""};
    if (sgl_dns_is_error(answer)) {
        out->state = SGL_DKIM_KEY_TEMPERROR;
        out->why = "the key could not be looked up";
        return SGL_OK;
    }
    return read_records(answer, arena, out);
}

enum sgl_status sgl_dkim_key_find(sgl_view domain, sgl_view selector, struct sgl_dns *dns,
                                  struct sgl_arena *arena, struct sgl_dkim_key_answer *out)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    struct sgl_dkim_key_answer found;
    enum sgl_status status = find(domain, selector, dns, arena, &found);

    if (status == SGL_OK)
        *out = found;
    else
        sgl_arena_rewind(arena, mark);
    return status;
}
