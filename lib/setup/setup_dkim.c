/* SPDX-License-Identifier: Apache-2.0 */
/* DKIM keys: is it our key that stands at the selector, whole and readable?  [RFC 6376 s3.6.1] */
#include "setup_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"

/* A SubjectPublicKeyInfo of RSA has this many bytes in front of its RSAPublicKey, at most. */
#define SPKI_HEAD_MAX 32
#define KEY_TEXT_MAX  2048

const struct sgl_setup_selector *sgl_setup_selector_of(const struct setup_work *w,
                                                       const struct sgl_setup_row *row)
{
    const struct sgl_setup_request *r = w->request;

    for (size_t i = 0; i < r->selectors; i++) {
        sgl_view name = r->selector[i].name;

        /* names are in lower case, a selector need not be */
        if (sgl_view_starts_nocase(row->name.text, name) &&
            sgl_view_starts(sgl_view_from(row->name.text, name.len), SGL_LIT("._domainkey.")))
            return &r->selector[i];
    }
    return NULL;
}

/* ---- the same key? -------------------------------------------------------------------------------------------------- */

/* [RFC 6376 s3.6.1] p= of RSA is an RSAPublicKey; what everybody publishes is the SubjectPublicKeyInfo around it.  Both verify. */
static bool same_key(const struct sgl_setup_selector *s, const struct sgl_dkim_key *key)
{
    bool rsa = s->algorithm == SGL_DKIM_RSA_SHA256;

    if ((key->type == SGL_KEY_RSA) != rsa || key->bytes.len == 0)
        return false;
    if (sgl_view_eq(key->bytes, s->public_key))
        return true;
    return rsa && key->bytes.len + SPKI_HEAD_MAX >= s->public_key.len &&
           sgl_view_ends(s->public_key, key->bytes);
}

static bool out_of_memory(const struct setup_work *w, enum sgl_status st)
{
    return st == SGL_E_NOMEM || (st == SGL_E_LIMIT && w->arena->status != SGL_OK);
}

enum sgl_status sgl_setup_is_key(struct setup_work *w, const struct sgl_setup_selector *s,
                                 sgl_view txt, bool *out)
{
    struct sgl_dkim_key key;
    enum sgl_status st = sgl_dkim_key_parse(txt, w->arena, &key, NULL);

    *out = false;
    if (out_of_memory(w, st))
        return st;
    *out = st == SGL_OK && s != NULL && same_key(s, &key);
    return SGL_OK;
}

/* The base64 characters of p=, whatever stands between them. */
static size_t key_text(sgl_view txt, uint8_t to[KEY_TEXT_MAX])
{
    size_t len = 0, at = 0;

    while (at + 1 < txt.len &&
           !((txt.ptr[at] == 'p' || txt.ptr[at] == 'P') && txt.ptr[at + 1] == '=' &&
             (at == 0 || !sgl_ascii_is_alnum(txt.ptr[at - 1]))))
        at++;
    for (size_t i = at + 2; i < txt.len && len < KEY_TEXT_MAX && txt.ptr[i] != ';'; i++) {
        uint8_t c = txt.ptr[i];

        if (sgl_ascii_is_alnum(c) || c == '+' || c == '/' || c == '=')
            to[len++] = c;
    }
    return len;
}

/* ---- one TXT record ------------------------------------------------------------------------------------------------- */

static enum sgl_status say_truncated(struct setup_work *w, struct sgl_setup_row *row, size_t have,
                                     size_t want)
{
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "dkim-truncated",
                         "Only the first %zu of %zu characters of the key stand at %.*s: the form "
                         "cuts long texts; enter it as several strings of at most 255 characters.",
                         have, want, SGL_FMT(row->name.text));
}

/* Of a text with our key in it, or the beginning of our key. *out false: neither. */
static enum sgl_status say_damaged(struct setup_work *w, struct sgl_setup_row *row, sgl_view txt,
                                   sgl_view expected, bool *out)
{
    uint8_t have[KEY_TEXT_MAX], want[KEY_TEXT_MAX];
    sgl_view found = sgl_view_of(have, key_text(txt, have));
    sgl_view whole = sgl_view_of(want, key_text(expected, want));

    *out = true;
    if (found.len > 16 && found.len < whole.len && sgl_view_starts(whole, found))
        return say_truncated(w, row, found.len, whole.len);
    if (sgl_view_find(txt, '"') < txt.len)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "quoted",
                             "The key at %.*s has quotation marks inside: the form adds them by "
                             "itself, enter the text without them.",
                             SGL_FMT(row->name.text));
    if (sgl_view_find(txt, '\\') < txt.len)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "escaped",
                             "The key at %.*s has backslashes inside: they belong into zone files, "
                             "enter the text without them.",
                             SGL_FMT(row->name.text));
    *out = false;
    return SGL_OK;
}

/* It is our key. */
static enum sgl_status judge_ours(struct setup_work *w, struct sgl_setup_row *row, sgl_view txt,
                                  const struct sgl_dkim_key *key)
{
    if (!key->sha256 || !key->email)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "dkim-restricted",
                             "The key at %.*s is restricted (h= or s=) so that our signatures do "
                             "not count: publish the record as it is here.",
                             SGL_FMT(row->name.text));
    sgl_setup_is_present(row, txt);
    if (!key->testing)
        return SGL_OK;
    row->code = "dkim-testing";
    return sgl_setup_text(w, &row->why,
                          "The key at %.*s is marked as a test (t=y): receivers may treat signed "
                          "mail as if it were not signed.",
                          SGL_FMT(row->name.text));
}

static enum sgl_status judge_other(struct setup_work *w, struct sgl_setup_row *row,
                                   const struct sgl_setup_selector *s,
                                   const struct sgl_dkim_key *key)
{
    if (key->revoked)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "dkim-revoked",
                             "The key at %.*s is revoked (p= is empty): signatures made with it "
                             "fail.",
                             SGL_FMT(row->name.text));
    if ((key->type == SGL_KEY_RSA) != (s->algorithm == SGL_DKIM_RSA_SHA256))
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "dkim-other-type",
                             "The key at %.*s is of another type (k=%s) than the one that signs.",
                             SGL_FMT(row->name.text), key->type == SGL_KEY_RSA ? "rsa" : "ed25519");
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "dkim-other-key",
                         "Another key stands at %.*s: signatures of this server fail; put this one "
                         "in its place.",
                         SGL_FMT(row->name.text));
}

static enum sgl_status judge_text(struct setup_work *w, struct sgl_setup_row *row,
                                  const struct sgl_setup_selector *s, sgl_view txt,
                                  sgl_view expected)
{
    struct sgl_diag diag = {0};
    struct sgl_dkim_key key;
    enum sgl_status st = sgl_dkim_key_parse(txt, w->arena, &key, &diag);
    bool said = false;

    if (out_of_memory(w, st))
        return st;
    if (st == SGL_OK && same_key(s, &key))
        return judge_ours(w, row, txt, &key);
    if (st != SGL_OK || !key.revoked)
        SGL_TRY(say_damaged(w, row, txt, expected, &said));
    if (said)
        return SGL_OK;
    if (st == SGL_OK)
        return judge_other(w, row, s, &key);
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "dkim-unreadable",
                         "The text at %.*s is no DKIM key (%s).", SGL_FMT(row->name.text),
                         diag.what == NULL ? "it is too long" : diag.what);
}

/* ---- the row -------------------------------------------------------------------------------------------------------- */

/* The TXT record that verifiers would see at the name, through an alias as well. */
static enum sgl_status judge_txt(struct setup_work *w, struct sgl_setup_row *row,
                                 const struct sgl_setup_selector *s, sgl_view expected)
{
    const struct sgl_dns_answer *txt;

    SGL_TRY(sgl_setup_ask(w, row->name, SGL_RR_TXT, &txt));
    if (sgl_setup_is_unknown(txt))
        return sgl_setup_say_unknown(w, row, row->name, txt);
    if (txt->count == 0)
        return sgl_setup_say_missing(w, row, txt);
    SGL_TRY(sgl_setup_take_found(w, row, txt, NULL));
    if (txt->count > 1) /* [RFC 6376 s3.6.2.2] */
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "dkim-several",
                             "There are %zu TXT records at %.*s: receivers take any one of them; "
                             "leave only the key.",
                             txt->count, SGL_FMT(row->name.text));
    SGL_TRY(judge_text(w, row, s, txt->rr[0].txt, expected));
    if (row->state == SGL_SETUP_PRESENT || !txt->aliased || row->type == SGL_RR_CNAME)
        return SGL_OK;
    return sgl_setup_say_missing(w, row, txt); /* the alias is what is wrong */
}

/* The text of a row whose record is an alias, as it should stand at its end. */
static enum sgl_status key_record(struct setup_work *w, const struct sgl_setup_selector *s,
                                  sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(4 * KEY_TEXT_MAX);

    SGL_TRY(sgl_dkim_key_record(s->algorithm, s->public_key, &text));
    return sgl_arena_dup(w->arena, sgl_buf_view(&text), out);
}

/* The alias is right; is the key at its end? */
static enum sgl_status judge_end(struct setup_work *w, struct sgl_setup_row *row,
                                 const struct sgl_setup_selector *s)
{
    sgl_view alias = row->value, expected;

    SGL_TRY(key_record(w, s, &expected));
    SGL_TRY(judge_txt(w, row, s, expected));
    row->value = alias;
    row->publish = false;
    if (row->state == SGL_SETUP_PRESENT || row->state == SGL_SETUP_UNKNOWN)
        return SGL_OK;
    SGL_TRY(sgl_setup_say(w, row, SGL_SETUP_WRONG, "dkim-alias-no-key",
                          "The alias is right, but our key does not stand at its end, %.*s: that "
                          "is for the operator of this server to mend.",
                          SGL_FMT(s->alias.text)));
    row->publish = false;
    return SGL_OK;
}

static enum sgl_status judge_alias(struct setup_work *w, struct sgl_setup_row *row,
                                   const struct sgl_setup_selector *s)
{
    const struct sgl_dns_answer *alias, *txt;
    enum sgl_status st = sgl_setup_ask(w, row->name, SGL_RR_CNAME, &alias);
    sgl_view expected;

    SGL_TRY(sgl_join(st, sgl_setup_ask(w, row->name, SGL_RR_TXT, &txt)));
    if (sgl_setup_is_unknown(alias))
        return sgl_setup_say_unknown(w, row, row->name, alias);
    if (alias->count > 0 && sgl_name_eq(alias->rr[0].name, s->alias))
        return judge_end(w, row, s);
    if (alias->count == 0) { /* the key itself does as well, until the next rotation */
        sgl_view value = row->value;

        SGL_TRY(key_record(w, s, &expected));
        SGL_TRY(judge_txt(w, row, s, expected));
        row->value = value;
        return SGL_OK;
    }
    SGL_TRY(sgl_setup_take_found(w, row, alias, NULL));
    if (sgl_setup_lacks_dot(w, alias->rr[0].name, s->alias))
        return sgl_setup_say_lacks_dot(w, row, alias->rr[0].name, s->alias);
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "dkim-other-alias",
                         "The alias at %.*s leads to %.*s instead of %.*s.",
                         SGL_FMT(row->name.text), SGL_FMT(alias->rr[0].name.text),
                         SGL_FMT(s->alias.text));
}

enum sgl_status sgl_setup_judge_dkim(struct setup_work *w, struct sgl_setup_row *row)
{
    const struct sgl_setup_selector *s = sgl_setup_selector_of(w, row);

    if (s == NULL)
        return SGL_E_MISUSE;
    return row->type == SGL_RR_CNAME ? judge_alias(w, row, s) : judge_txt(w, row, s, row->value);
}
