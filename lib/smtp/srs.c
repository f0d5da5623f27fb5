/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRS addresses, made and taken apart.
 *
 * The tag covers which form it is, our domain and everything behind the tag, letters in lower case; in base 32, which survives whoever changes the case.
 */
#include "sigillo/srs.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"

#define LOCAL_MAX 64 /* [RFC 5321 s4.5.3.1.1] */
#define DAY_S     86400
#define DAYS      1024
#define TEXT_MAX  2048

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void put_lower(struct sgl_buf *out, sgl_view text)
{
    for (size_t i = 0; i < text.len; i++)
        sgl_buf_add_byte(out, sgl_ascii_lower(text.ptr[i]));
    sgl_buf_add_byte(out, 0);
}

/* form: '0' or '1'; rest: what stands behind the tag and its "=". */
static enum sgl_status make_tag(const struct sgl_crypto *crypto, sgl_view secret, char form,
                                sgl_view domain, sgl_view rest, char tag[SGL_SRS_TAG_SIZE])
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(TEXT_MAX);
    uint8_t mac[SGL_SHA256_SIZE];
    uint64_t bits = 0;

    sgl_buf_add_byte(&text, (uint8_t)form);
    put_lower(&text, domain);
    put_lower(&text, rest);
    SGL_TRY(text.status);
    SGL_TRY(sgl_hmac_sha256(crypto, secret, sgl_buf_view(&text), mac));
    for (size_t i = 0; i < 5; i++)
        bits = bits << 8 | mac[i];
    for (size_t i = 0; i < SGL_SRS_TAG_SIZE; i++)
        tag[i] = letters[bits >> 5 * (SGL_SRS_TAG_SIZE - 1 - i) & 31];
    return SGL_OK;
}

static unsigned day_of(sgl_time now)
{
    return (unsigned)((uint64_t)now / DAY_S % DAYS);
}

/* "SRS0" or "SRS1", and one of the separators that are in use. false: it is neither. */
static bool is_form(sgl_view local, char form)
{
    return local.len > 5 && sgl_view_starts_nocase(local, SGL_LIT("SRS")) &&
           local.ptr[3] == (uint8_t)form &&
           (local.ptr[4] == '=' || local.ptr[4] == '+' || local.ptr[4] == '-');
}

/* ---- made ---- */

/* "TT=example.net=anna" */
static void put_first(struct sgl_buf *out, const struct sgl_mailbox *sender, sgl_time now)
{
    unsigned day = day_of(now);

    sgl_buf_add_byte(out, (uint8_t)letters[day >> 5]);
    sgl_buf_add_byte(out, (uint8_t)letters[day & 31]);
    sgl_buf_add_byte(out, '=');
    sgl_buf_add(out, sender->domain);
    sgl_buf_add_byte(out, '=');
    sgl_buf_add(out, sender->local);
}

/* "other.example==TAG=TT=example.net=anna": of an SRS0 what stands behind its name, of an SRS1 what stands behind its tag. false: it is a strange SRS1. */
static bool put_further(struct sgl_buf *out, const struct sgl_mailbox *sender)
{
    sgl_view rest = sgl_view_from(sender->local, 4);

    if (is_form(sender->local, '0')) {
        sgl_buf_add(out, sender->domain);
        sgl_buf_add_byte(out, '=');
        sgl_buf_add(out, rest);
        return true;
    }
    (void)sgl_view_split(sgl_view_from(rest, 1), '=', &rest);
    if (sgl_view_find_view(rest, SGL_LIT("=")) + 1 >= rest.len)
        return false;
    sgl_buf_add(out, rest);
    return true;
}

enum sgl_status sgl_srs_put(const struct sgl_crypto *crypto, sgl_view secret,
                            const struct sgl_mailbox *sender, sgl_view domain, sgl_time now,
                            struct sgl_buf *out)
{
    sgl_auto(sgl_buf) rest = SGL_BUF_INIT(TEXT_MAX);
    bool further = is_form(sender->local, '0') || is_form(sender->local, '1');
    char tag[SGL_SRS_TAG_SIZE];

    if (sender->literal || sender->text.ptr[0] == '"')
        return SGL_E_SYNTAX;
    if (!further || !put_further(&rest, sender)) {
        further = false;
        put_first(&rest, sender, now);
    }
    SGL_TRY(rest.status);
    if (rest.len + 4 + 2 + SGL_SRS_TAG_SIZE > LOCAL_MAX)
        return SGL_E_LIMIT;
    SGL_TRY(make_tag(crypto, secret, further ? '1' : '0', domain, sgl_buf_view(&rest), tag));
    sgl_buf_add_cstr(out, further ? "SRS1=" : "SRS0=");
    sgl_buf_add(out, sgl_view_of(tag, sizeof tag));
    sgl_buf_add_byte(out, '=');
    sgl_buf_add(out, sgl_buf_view(&rest));
    sgl_buf_add_byte(out, '@');
    sgl_buf_add(out, domain);
    return out->status;
}

/* ---- taken apart ---- */

static int letter_value(uint8_t c)
{
    size_t at = 0;

    c = c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
    while (at < 32 && letters[at] != (char)c)
        at++;
    return at < 32 ? (int)at : -1;
}

/* One that stands a day ahead was made by a clock that did. */
static bool is_fresh(sgl_view day, sgl_time now, unsigned days)
{
    int high = letter_value(day.ptr[0]), low = letter_value(day.ptr[1]);
    unsigned age;

    if (high < 0 || low < 0)
        return false;
    age = (day_of(now) + DAYS - ((unsigned)high << 5 | (unsigned)low)) % DAYS;
    return age <= days || age == DAYS - 1;
}

/* What we put where it goes back to: an address, or nothing. */
static enum sgl_status put_back(sgl_view local, sgl_view domain, sgl_view prefix,
                                struct sgl_buf *out, enum sgl_srs *verdict)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT((size_t)16 * 1024);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(TEXT_MAX);
    struct sgl_mailbox mailbox;
    struct sgl_diag diag;
    enum sgl_status status;

    sgl_buf_add(&text, prefix);
    sgl_buf_add(&text, local);
    sgl_buf_add_byte(&text, '@');
    sgl_buf_add(&text, domain);
    SGL_TRY(text.status);
    status = sgl_mailbox_parse(sgl_buf_view(&text), &arena, &mailbox, &diag);
    if (status == SGL_E_NOMEM)
        return status;
    if (status == SGL_OK && !mailbox.literal)
        sgl_buf_add(out, mailbox.text);
    else
        *verdict = SGL_SRS_FORGED;
    return out->status;
}

/* In the same time whichever letter is wrong. */
static bool same_tag(sgl_view tag, const char right[SGL_SRS_TAG_SIZE])
{
    uint8_t upper[SGL_SRS_TAG_SIZE];

    if (tag.len != sizeof upper)
        return false;
    for (size_t i = 0; i < sizeof upper; i++)
        upper[i] =
            (uint8_t)(tag.ptr[i] >= 'a' && tag.ptr[i] <= 'z' ? tag.ptr[i] - 'a' + 'A' : tag.ptr[i]);
    return sgl_view_eq_secret(sgl_view_of(upper, sizeof upper), sgl_view_of(right, sizeof upper));
}

enum sgl_status sgl_srs_open(const struct sgl_crypto *crypto, sgl_view secret,
                             const struct sgl_mailbox *address, sgl_time now, unsigned days,
                             struct sgl_buf *out, enum sgl_srs *verdict)
{
    bool first = is_form(address->local, '0');
    sgl_view rest, tag, day, host;
    char right[SGL_SRS_TAG_SIZE] = "";
    enum sgl_srs found = SGL_SRS_VALID;

    *verdict = SGL_SRS_NONE;
    if (!first && !is_form(address->local, '1'))
        return SGL_OK;
    tag = sgl_view_split(sgl_view_from(address->local, 5), '=', &rest);
    SGL_TRY(make_tag(crypto, secret, first ? '0' : '1', address->domain, rest, right));
    *verdict = SGL_SRS_FORGED;
    if (!same_tag(tag, right))
        return SGL_OK;
    day = first ? sgl_view_split(rest, '=', &rest) : SGL_LIT("");
    host = sgl_view_split(rest, '=', &rest);
    if (rest.len == 0 || host.len == 0 || (first && day.len != 2))
        return SGL_OK;
    if (first && !is_fresh(day, now, days))
        found = SGL_SRS_EXPIRED;
    *verdict = found;
    if (found != SGL_SRS_VALID)
        return SGL_OK;
    return put_back(rest, host, first ? SGL_LIT("") : SGL_LIT("SRS0"), out, verdict);
}
