/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/html_text.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"

#define ENTITY_MAX 10

struct writer {
    struct sgl_buf *out;
    size_t begin;    /* of what is ours in it */
    unsigned breaks; /* line ends that come before the next word */
    bool space;      /* so does a blank */
    bool item;       /* and an asterisk */
    bool pre;        /* white space stays as it is */
    sgl_view link;   /* where the open link leads; ptr NULL: none is open */
    size_t link_at;
    bool text_only; /* no tag is complete any more */
};

/* ---- words ---- */

static void put_byte(struct writer *w, uint8_t c)
{
    if (w->breaks > 0 && w->out->len > w->begin)
        for (unsigned i = 0; i < w->breaks; i++)
            sgl_buf_add_byte(w->out, '\n');
    else if (w->space && w->out->len > w->begin)
        sgl_buf_add_byte(w->out, ' ');
    if (w->item)
        sgl_buf_add_cstr(w->out, "* ");
    w->breaks = 0;
    w->space = w->item = false;
    sgl_buf_add_byte(w->out, c);
}

static void put_text(struct writer *w, uint8_t c)
{
    if (!sgl_ascii_is_fws(c) && c != '\f')
        put_byte(w, c);
    else if (!w->pre)
        w->space = w->space || w->breaks == 0;
    else if (c == '\n')
        w->breaks++;
    else if (c != '\r')
        put_byte(w, ' ');
}

static void break_lines(struct writer *w, unsigned lines)
{
    w->space = false;
    if (w->breaks < lines)
        w->breaks = lines;
}

static void put_code(struct writer *w, uint32_t code)
{
    if (code < 0x20 || code == 0x7f || code == 0xa0 || code > 0x10ffff ||
        (code >= 0xd800 && code < 0xe000)) {
        put_text(w, ' ');
    } else if (code < 0x80) {
        put_byte(w, (uint8_t)code);
    } else if (code < 0x800) {
        put_byte(w, (uint8_t)(0xc0 | code >> 6));
        put_byte(w, (uint8_t)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        put_byte(w, (uint8_t)(0xe0 | code >> 12));
        put_byte(w, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        put_byte(w, (uint8_t)(0x80 | (code & 0x3f)));
    } else {
        put_byte(w, (uint8_t)(0xf0 | code >> 18));
        put_byte(w, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
        put_byte(w, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        put_byte(w, (uint8_t)(0x80 | (code & 0x3f)));
    }
}

/* ---- entities ---- */

static const struct {
    const char *name;
    uint32_t code;
} entities[] = {
    {"amp", '&'},      {"lt", '<'},        {"gt", '>'},       {"quot", '"'},     {"apos", '\''},
    {"nbsp", 0xa0},    {"copy", 0xa9},     {"reg", 0xae},     {"euro", 0x20ac},  {"pound", 0xa3},
    {"trade", 0x2122}, {"hellip", 0x2026}, {"mdash", 0x2014}, {"ndash", 0x2013}, {"lsquo", 0x2018},
    {"rsquo", 0x2019}, {"ldquo", 0x201c},  {"rdquo", 0x201d}, {"bull", 0x2022},  {"middot", 0xb7},
};

/* "#38", "#x26" */
static bool number_of(sgl_view name, uint32_t *code)
{
    bool hex = name.len > 1 && (name.ptr[1] | 0x20) == 'x';
    uint64_t n = 0;

    name = sgl_view_from(name, hex ? 2 : 1);
    if (!hex)
        return sgl_view_u64(name, 0x10ffff, &n) && (*code = (uint32_t)n) == n;
    for (size_t i = 0; i < name.len; i++) {
        int digit = sgl_ascii_hex_value(name.ptr[i]);

        if (digit < 0)
            return false;
        n = n * 16 + (uint64_t)digit;
    }
    *code = (uint32_t)n;
    return name.len > 0 && n <= 0x10ffff;
}

/* The character that is written as an entity here; how long it is, or 0. */
static size_t entity_at(sgl_view v, uint32_t *code)
{
    sgl_view name = sgl_view_sub(v, 1, ENTITY_MAX);

    name.len = sgl_view_find(name, ';');
    if (name.len == 0 || name.len == ENTITY_MAX || name.len + 1 >= v.len)
        return 0;
    if (name.ptr[0] == '#')
        return number_of(name, code) ? name.len + 2 : 0;
    for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
        if (sgl_view_eq(name, sgl_view_cstr(entities[i].name))) {
            *code = entities[i].code;
            return name.len + 2;
        }
    }
    return 0;
}

static void put_all(struct writer *w, sgl_view text)
{
    for (size_t i = 0; i < text.len;) {
        uint32_t code = 0;
        size_t len = text.ptr[i] == '&' ? entity_at(sgl_view_from(text, i), &code) : 0;

        if (len == 0)
            put_text(w, text.ptr[i]);
        else
            put_code(w, code);
        i += len == 0 ? 1 : len;
    }
}

/* ---- tags ---- */

struct tag {
    sgl_view name, rest; /* behind the name, up to the > */
    bool close;
};

/* Where the tag ends that begins at v; 0: it does not. A > within quotes ends none. */
static size_t tag_length(sgl_view v)
{
    uint8_t quote = 0;

    for (size_t i = 1; i < v.len; i++) {
        if (quote != 0)
            quote = v.ptr[i] == quote ? 0 : quote;
        else if (v.ptr[i] == '>')
            return i + 1;
        else if ((v.ptr[i] == '"' || v.ptr[i] == '\'') && v.ptr[i - 1] == '=')
            quote = v.ptr[i];
    }
    return 0;
}

static struct tag tag_of(sgl_view v)
{
    struct tag t = {.close = v.len > 1 && v.ptr[1] == '/'};
    sgl_view body = sgl_view_sub(v, t.close ? 2 : 1, v.len - (t.close ? 3 : 2));
    size_t n = 0;

    while (n < body.len && sgl_ascii_is_alnum(body.ptr[n]))
        n++;
    t.name = sgl_view_sub(body, 0, n);
    t.rest = sgl_view_from(body, n);
    return t;
}

/* The value of an attribute; ptr NULL: there is none. */
static sgl_view attribute(sgl_view rest, const char *name)
{
    sgl_view wanted = sgl_view_cstr(name);

    for (size_t i = 1; i < rest.len; i++) {
        sgl_view v = sgl_view_from(rest, i);
        size_t end;

        if (!sgl_ascii_is_fws(rest.ptr[i - 1]) || !sgl_view_starts_nocase(v, wanted))
            continue;
        v = sgl_view_from(v, wanted.len);
        if (v.len < 2 || v.ptr[0] != '=')
            continue;
        v = sgl_view_from(v, 1);
        if (v.ptr[0] == '"' || v.ptr[0] == '\'') {
            end = sgl_view_find(sgl_view_from(v, 1), v.ptr[0]);
            return sgl_view_sub(v, 1, end);
        }
        for (end = 0; end < v.len && !sgl_ascii_is_fws(v.ptr[end]); end++)
            continue;
        return sgl_view_sub(v, 0, end);
    }
    return sgl_view_of(NULL, 0);
}

static void open_link(struct writer *w, const struct tag *t)
{
    w->link = attribute(t->rest, "href");
    w->link_at = w->out->len;
}

/* " (address)", where the words are not the address already. */
static void close_link(struct writer *w)
{
    sgl_view words = sgl_view_trim(sgl_view_from(sgl_buf_view(w->out), w->link_at));
    sgl_view link = sgl_view_trim(w->link);

    w->link = sgl_view_of(NULL, 0);
    if (link.len == 0 || link.ptr[0] == '#' || sgl_view_eq(words, link) || words.len == 0)
        return;
    w->space = true;
    put_byte(w, '(');
    put_all(w, link);
    put_byte(w, ')');
}

static bool is_one_of(sgl_view name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (sgl_view_eq_nocase(name, sgl_view_cstr(*names)))
            return true;
    return false;
}

static bool is(const struct tag *t, const char *name)
{
    return sgl_view_eq_nocase(t->name, sgl_view_cstr(name));
}

static void put_tag(struct writer *w, const struct tag *t)
{
    static const char *const paragraphs[] = {"p",     "h1", "h2",         "h3", "h4",  "h5", "h6",
                                             "table", "ul", "blockquote", "ol", "pre", NULL};
    static const char *const lines[] = {"div",     "tr",     "section", "header", "footer", "hr",
                                        "article", "center", "form",    "dt",     "dd",     NULL};

    if (is_one_of(t->name, paragraphs))
        break_lines(w, 2);
    else if (is_one_of(t->name, lines))
        break_lines(w, 1);
    if (is(t, "br")) {
        w->breaks++;
        w->space = false;
    } else if (is(t, "li")) {
        break_lines(w, 1);
        w->item = !t->close;
    } else if (is(t, "td") || is(t, "th")) {
        w->space = w->space || w->breaks == 0;
    } else if (is(t, "pre")) {
        w->pre = !t->close;
    } else if (is(t, "a") && t->close) {
        close_link(w);
    } else if (is(t, "a")) {
        open_link(w, t);
    } else if (is(t, "img")) {
        put_all(w, attribute(t->rest, "alt"));
    }
}

/* What is never shown ends with its own closing tag, or with the document. */
static size_t hidden_length(sgl_view html, const struct tag *t)
{
    static const char *const hidden[] = {"head", "style", "script", "title", "template", NULL};
    size_t i = 0;

    if (t->close || !is_one_of(t->name, hidden))
        return 0;
    for (;;) {
        sgl_view v = sgl_view_from(html, i);

        i += sgl_view_find_view(v, SGL_LIT("</"));
        if (i >= html.len)
            return html.len;
        if (sgl_view_starts_nocase(sgl_view_from(html, i + 2), t->name))
            return i;
        i += 2;
    }
}

/* A tag, a comment, or what only looks like one; how much of it was taken. */
static size_t take_tag(struct writer *w, sgl_view v)
{
    size_t len, end;
    struct tag t;

    if (sgl_view_starts(v, SGL_LIT("<!--"))) {
        end = sgl_view_find_view(v, SGL_LIT("-->"));
        return end == v.len ? v.len : end + 3;
    }
    if (v.len < 2 ||
        !(sgl_ascii_is_alpha(v.ptr[1]) || v.ptr[1] == '/' || v.ptr[1] == '!' || v.ptr[1] == '?')) {
        put_byte(w, '<');
        return 1;
    }
    len = tag_length(v);
    if (len == 0) {
        w->text_only = true;
        put_byte(w, '<');
        return 1;
    }
    t = tag_of(sgl_view_sub(v, 0, len));
    end = hidden_length(v, &t);
    if (end > 0)
        return end;
    put_tag(w, &t);
    return len;
}

void sgl_html_text(sgl_view html, struct sgl_buf *out)
{
    struct writer w = {.out = out, .begin = out->len};

    for (size_t i = 0; i < html.len && out->status == SGL_OK;) {
        size_t len = sgl_view_find(sgl_view_from(html, i), w.text_only ? 0 : '<');

        put_all(&w, sgl_view_sub(html, i, len));
        i += len;
        if (i < html.len)
            i += w.text_only ? 1 : take_tag(&w, sgl_view_from(html, i));
    }
    if (out->len > w.begin)
        sgl_buf_add_byte(out, '\n');
}
