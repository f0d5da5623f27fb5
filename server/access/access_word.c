/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoded words as lenient readers take them: in quotes, with blanks inside, in any charset [RFC 2047 s2].  To find what looks like an address, only the ASCII of them is
 * wanted, and most charsets keep that as it is.
 */
#include "access.h"
#include "sigillo/ascii.h"

/* What begins so keeps ASCII. Of all others nothing is known: UTF-7 and UTF-16 write "@" in their own way. */
static bool keeps_ascii(sgl_view charset)
{
    static const char *const start[] = {
        "us-ascii",  "ascii",       "utf-8",       "utf8",        "iso-8859-", "iso8859-",
        "latin",     "windows-125", "windows-874", "windows-31j", "cp125",     "cp866",
        "cp932",     "cp936",       "cp949",       "cp950",       "koi8-",     "macintosh",
        "gb2312",    "gbk",         "gb18030",     "big5",        "euc-",      "ks_c_5601",
        "shift_jis", "shift-jis",   "iso-2022-",   "tis-620",     "viscii",
    };

    for (size_t i = 0; i < sizeof(start) / sizeof(start[0]); i++)
        if (sgl_view_starts_nocase(charset, sgl_view_cstr(start[i])))
            return true;
    return false;
}

struct word {
    sgl_view charset, text;
    uint8_t encoding; /* 'b' or 'q' */
    size_t len;       /* all of it, =? to ?= */
};

/* from begins with =?. false: nobody takes it for one; *last then, when no word ends behind it either. */
static bool read_word(sgl_view from, struct word *out, bool *last)
{
    sgl_view rest = sgl_view_from(from, 2), language;
    sgl_view charset = sgl_view_split(rest, '?', &rest);
    sgl_view encoding = sgl_view_split(rest, '?', &rest);
    size_t end;

    out->encoding = encoding.len == 1 ? sgl_ascii_lower(encoding.ptr[0]) : 0;
    out->charset = sgl_view_trim(sgl_view_split(charset, '*', &language)); /* [RFC 2231 s5] */
    if (out->charset.len == 0 || (out->encoding != 'b' && out->encoding != 'q'))
        return false;
    end = sgl_view_find_view(rest, SGL_LIT("?="));
    *last = end == rest.len;
    if (*last)
        return false;
    out->text = sgl_view_sub(rest, 0, end);
    out->len = (size_t)(rest.ptr + end + 2 - from.ptr);
    return true;
}

static void put_word(struct sgl_buf *out, const struct word *w)
{
    bool utf8 = sgl_view_starts_nocase(w->charset, SGL_LIT("utf"));

    sgl_buf_addf(out, "=?%s?%c?", utf8 ? "utf-8" : "latin1", w->encoding);
    for (size_t i = 0; i < w->text.len; i++) {
        bool blank = sgl_ascii_is_fws(w->text.ptr[i]);

        if (!blank)
            sgl_buf_add_byte(out, w->text.ptr[i]);
        else if (w->encoding == 'q')
            sgl_buf_add_byte(out, '_');
    }
    sgl_buf_add(out, SGL_LIT("?="));
}

static void drop_blanks(struct sgl_buf *out)
{
    while (out->len > 0 && sgl_ascii_is_fws(out->data[out->len - 1]))
        out->len--;
}

bool access_plain_words(sgl_view text, struct sgl_buf *out, sgl_view *unread)
{
    bool last = false;
    size_t at = 0;

    while (at < text.len) {
        struct word w;
        sgl_view rest = sgl_view_from(text, at);

        if (last || !sgl_view_starts(rest, SGL_LIT("=?")) || !read_word(rest, &w, &last)) {
            sgl_buf_add_byte(out, text.ptr[at++]);
            continue;
        }
        if (!keeps_ascii(w.charset)) {
            *unread = w.charset;
            return false;
        }
        drop_blanks(out);
        put_word(out, &w);
        for (at += w.len; at < text.len && sgl_ascii_is_fws(text.ptr[at]);)
            at++;
    }
    return true;
}
