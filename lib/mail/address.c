/* SPDX-License-Identifier: Apache-2.0 */
/* Address lists of header fields. [RFC 5322 s3.4, s4.4; RFC 6532] */
#include "mailbox_internal.h"

#include "sigillo/encoded_word.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

struct reader {
    struct sgl_lex lx;
    struct sgl_arena *arena;
    struct sgl_address_list list;
    size_t cap, group_cap;
    size_t group; /* the group that is open, or SGL_NO_GROUP */
    bool any_name;
};

/* A word: an atom, or what stands in quotes, unquoted. */
static enum sgl_status word(struct reader *r, sgl_view *out, bool *quoted)
{
    *quoted = sgl_lex_peek(&r->lx) == '"';
    if (*quoted)
        return sgl_lex_quoted_text(&r->lx, r->arena, out);
    *out = sgl_lex_atom(&r->lx);
    if (out->len == 0)
        return sgl_lex_fail(&r->lx,
                            sgl_lex_end(&r->lx) ? "address is not complete"
                                                : "character that an address cannot hold here",
                            "RFC 5322 s3.4");
    return SGL_OK;
}

/* Pieces of an address between dots, put together; its size bounds what one address of a long list may take. */
struct joined {
    uint8_t bytes[4 * SGL_LIMIT_DOMAIN + 4];
    size_t len;
};

static enum sgl_status join(struct reader *r, struct joined *j, sgl_view piece)
{
    if (piece.len > sizeof j->bytes - j->len) {
        sgl_diag_set(r->lx.diag, "address is too long", "RFC 5321 s4.5.3.1.3", r->lx.in, r->lx.pos);
        return SGL_E_LIMIT;
    }
    if (piece.len > 0)
        memcpy(j->bytes + j->len, piece.ptr, piece.len);
    j->len += piece.len;
    return SGL_OK;
}

/* Words between dots, with comments and folds around each: local-part, obs-local-part. [RFC 5322 s3.4.1, s4.4] */
static enum sgl_status local_part(struct reader *r, struct sgl_addr_parts *parts)
{
    struct joined j = {.len = 0};
    bool quoted;
    sgl_view w;

    parts->local_off = r->lx.pos;
    SGL_TRY(word(r, &w, &quoted));
    SGL_TRY(sgl_lex_skip_cfws(&r->lx));
    if (sgl_lex_peek(&r->lx) != '.') {
        parts->local = w;
        return SGL_OK;
    }
    SGL_TRY(join(r, &j, w));
    while (sgl_lex_eat(&r->lx, '.')) {
        SGL_TRY(join(r, &j, SGL_LIT(".")));
        SGL_TRY(sgl_lex_skip_cfws(&r->lx));
        SGL_TRY(word(r, &w, &quoted));
        SGL_TRY(join(r, &j, w));
        SGL_TRY(sgl_lex_skip_cfws(&r->lx));
    }
    return sgl_arena_dup(r->arena, sgl_view_of(j.bytes, j.len), &parts->local);
}

/* "[", text with folds, "]": the folds go. */
static enum sgl_status literal(struct reader *r, struct sgl_addr_parts *parts)
{
    struct joined j = {.len = 0};
    sgl_view rest = sgl_view_from(r->lx.in, r->lx.pos);
    size_t close = sgl_view_find(rest, ']');

    if (close == rest.len)
        return sgl_lex_fail(&r->lx, "address literal is not closed", "RFC 5322 s3.4.1");
    for (size_t i = 0; i <= close; i++)
        if (!sgl_ascii_is_fws(rest.ptr[i]))
            SGL_TRY(join(r, &j, sgl_view_sub(rest, i, 1)));
    parts->literal = true;
    r->lx.pos += close + 1;
    return sgl_arena_dup(r->arena, sgl_view_of(j.bytes, j.len), &parts->domain);
}

/* Atoms between dots with comments and folds around each: domain, obs-domain. [RFC 5322 s3.4.1, s4.4] */
static enum sgl_status domain_part(struct reader *r, struct sgl_addr_parts *parts)
{
    struct joined j = {.len = 0};

    SGL_TRY(sgl_lex_skip_cfws(&r->lx));
    parts->domain_off = r->lx.pos;
    if (sgl_lex_peek(&r->lx) == '[') {
        SGL_TRY(literal(r, parts));
        return sgl_lex_skip_cfws(&r->lx);
    }
    do {
        sgl_view atom;

        SGL_TRY(sgl_lex_skip_cfws(&r->lx));
        atom = sgl_lex_atom(&r->lx);
        if (atom.len == 0)
            return sgl_lex_fail(&r->lx, "domain has an empty label", "RFC 5322 s3.4.1");
        if (j.len > 0)
            SGL_TRY(join(r, &j, SGL_LIT(".")));
        SGL_TRY(join(r, &j, atom));
        SGL_TRY(sgl_lex_skip_cfws(&r->lx));
    } while (sgl_lex_eat(&r->lx, '.'));
    return sgl_arena_dup(r->arena, sgl_view_of(j.bytes, j.len), &parts->domain);
}

static enum sgl_status addr_spec(struct reader *r, struct sgl_mailbox *out)
{
    struct sgl_addr_parts parts = {.any_name = r->any_name};

    SGL_TRY(local_part(r, &parts));
    if (!sgl_lex_eat(&r->lx, '@'))
        return sgl_lex_fail(&r->lx, "address has no @", "RFC 5322 s3.4.1");
    SGL_TRY(domain_part(r, &parts));
    return sgl_mailbox_make(&parts, &r->lx, r->arena, out);
}

/* "<", an obsolete route, addr-spec, ">". */
static enum sgl_status angle_addr(struct reader *r, struct sgl_address *out)
{
    r->lx.pos++;
    SGL_TRY(sgl_lex_skip_cfws(&r->lx));
    out->routed = sgl_lex_peek(&r->lx) == '@' || sgl_lex_peek(&r->lx) == ',';
    if (out->routed) {
        do {
            struct sgl_addr_parts hop = {0};

            SGL_TRY(sgl_lex_skip_cfws(&r->lx));
            if (sgl_lex_eat(&r->lx, '@'))
                SGL_TRY(domain_part(r, &hop));
        } while (sgl_lex_eat(&r->lx, ','));
        if (!sgl_lex_eat(&r->lx, ':'))
            return sgl_lex_fail(&r->lx, "source route is not ended by a colon", "RFC 5322 s4.4");
        SGL_TRY(sgl_lex_skip_cfws(&r->lx));
    }
    SGL_TRY(addr_spec(r, &out->mailbox));
    if (!sgl_lex_eat(&r->lx, '>'))
        return sgl_lex_fail(&r->lx, "address in angle brackets is not closed", "RFC 5322 s3.4");
    return sgl_lex_skip_cfws(&r->lx);
}

/* ---- display names ---- */

/* A phrase put together: runs of atoms may hold encoded words, quoted text may not. [RFC 2047 s5 (3)] */
struct phrase {
    uint8_t *text; /* decoded so far */
    size_t len;
    const uint8_t *run; /* atoms with their blanks, to be decoded together */
    uint8_t *run_store;
    size_t run_len;
};

static enum sgl_status flush_run(struct reader *r, struct phrase *p)
{
    sgl_view decoded;

    if (p->run_len == 0)
        return SGL_OK;
    SGL_TRY(sgl_encoded_word_decode(sgl_view_of(p->run_store, p->run_len), r->arena, &decoded));
    memcpy(p->text + p->len, decoded.ptr, decoded.len);
    p->len += decoded.len;
    p->run_len = 0;
    return SGL_OK;
}

static void add_quoted(struct phrase *p, sgl_view w)
{
    size_t off = 0;

    /* Bytes that are no UTF-8 show as U+FFFD. */
    while (off < w.len) {
        uint32_t code;
        size_t n = sgl_utf8_next(w, off, &code);

        if (n == 0) {
            memcpy(p->text + p->len, "\xef\xbf\xbd", 3);
            p->len += 3;
            off++;
            continue;
        }
        memcpy(p->text + p->len, w.ptr + off, n);
        p->len += n;
        off += n;
    }
}

/*
 * Reads a phrase from the cursor to `end`, where the scan below found its end. Words are joined by single blanks where
 * blanks or comments stood between them; dots belong to the obsolete phrase.
 */
static enum sgl_status phrase(struct reader *r, size_t end, sgl_view *out)
{
    size_t room = end - r->lx.pos;
    struct phrase p = {.text = sgl_arena_alloc(r->arena, 3 * room + 3),
                       .run_store = sgl_arena_alloc(r->arena, room + 1)};
    size_t before;

    if (p.text == NULL || p.run_store == NULL)
        return r->arena->status;
    while (r->lx.pos < end) {
        bool quoted = false;
        sgl_view w = SGL_LIT(".");

        if (!sgl_lex_eat(&r->lx, '.'))
            SGL_TRY(word(r, &w, &quoted));
        if (quoted) {
            SGL_TRY(flush_run(r, &p));
            add_quoted(&p, w);
        } else {
            memcpy(p.run_store + p.run_len, w.ptr, w.len);
            p.run_len += w.len;
        }
        before = r->lx.pos;
        SGL_TRY(sgl_lex_skip_cfws(&r->lx));
        if (r->lx.pos > before && r->lx.pos < end) {
            if (quoted)
                p.text[p.len++] = ' ';
            else if (sgl_lex_peek(&r->lx) == '"') {
                SGL_TRY(flush_run(r, &p));
                p.text[p.len++] = ' ';
            } else
                p.run_store[p.run_len++] = ' ';
        }
    }
    SGL_TRY(flush_run(r, &p));
    *out = sgl_view_trim(sgl_view_of(p.text, p.len));
    return SGL_OK;
}

/* ---- the list ---- */

/* Looks past words, dots, blanks and comments for the byte that says what this is: '<', ':', '@', or another; 0 at the end. */
static enum sgl_status foresee(const struct reader *r, int *found, size_t *at)
{
    struct sgl_lex lx = r->lx;
    sgl_view raw;

    for (;;) {
        SGL_TRY(sgl_lex_skip_cfws(&lx));
        if (sgl_lex_peek(&lx) == '"') {
            SGL_TRY(sgl_lex_quoted(&lx, &raw));
        } else if (!sgl_lex_eat(&lx, '.') && sgl_lex_atom(&lx).len == 0) {
            *found = sgl_lex_peek(&lx);
            *at = lx.pos;
            return SGL_OK;
        }
    }
}

static enum sgl_status add_item(struct reader *r, const struct sgl_address *a)
{
    if (r->list.count == SGL_LIMIT_ADDRESSES) {
        sgl_diag_set(r->lx.diag, "too many addresses in one field", NULL, r->lx.in, r->lx.pos);
        return SGL_E_LIMIT;
    }
    if (r->list.count == r->cap) {
        size_t cap = r->cap == 0 ? 4 : r->cap * 2;
        struct sgl_address *grown = SGL_NEW_N(r->arena, cap, struct sgl_address);

        if (grown == NULL)
            return r->arena->status;
        if (r->list.count > 0)
            memcpy(grown, r->list.item, r->list.count * sizeof *grown);
        r->list.item = grown;
        r->cap = cap;
    }
    r->list.item[r->list.count++] = *a;
    if (r->group != SGL_NO_GROUP)
        r->list.group[r->group].count++;
    return SGL_OK;
}

static enum sgl_status open_group(struct reader *r, size_t end)
{
    struct sgl_address_group g = {.first = r->list.count};

    if (r->group != SGL_NO_GROUP)
        return sgl_lex_fail(&r->lx, "a group stands inside a group", "RFC 5322 s3.4");
    if (r->list.groups == SGL_LIMIT_ADDRESSES)
        return SGL_E_LIMIT;
    if (r->list.groups == r->group_cap) {
        size_t cap = r->group_cap == 0 ? 2 : r->group_cap * 2;
        struct sgl_address_group *grown = SGL_NEW_N(r->arena, cap, struct sgl_address_group);

        if (grown == NULL)
            return r->arena->status;
        if (r->list.groups > 0)
            memcpy(grown, r->list.group, r->list.groups * sizeof *grown);
        r->list.group = grown;
        r->group_cap = cap;
    }
    SGL_TRY(phrase(r, end, &g.name));
    r->lx.pos = end + 1;
    r->group = r->list.groups;
    r->list.group[r->list.groups++] = g;
    return SGL_OK;
}

/* One mailbox, or the head of a group. */
static enum sgl_status member(struct reader *r)
{
    struct sgl_address a = {.group = r->group};
    int kind;
    size_t at;

    SGL_TRY(foresee(r, &kind, &at));
    if (kind == ':' && at > r->lx.pos)
        return open_group(r, at);
    if (kind == '<') {
        if (at > r->lx.pos)
            SGL_TRY(phrase(r, at, &a.name));
        SGL_TRY(angle_addr(r, &a));
    } else {
        SGL_TRY(addr_spec(r, &a.mailbox));
    }
    return add_item(r, &a);
}

/* After a member: a comma, the end of the group, or the end. */
static enum sgl_status separator(struct reader *r)
{
    SGL_TRY(sgl_lex_skip_cfws(&r->lx));
    if (sgl_lex_end(&r->lx))
        return SGL_OK;
    if (sgl_lex_eat(&r->lx, ','))
        return SGL_OK;
    if (r->group != SGL_NO_GROUP && sgl_lex_eat(&r->lx, ';')) {
        r->group = SGL_NO_GROUP;
        SGL_TRY(sgl_lex_skip_cfws(&r->lx));
        if (sgl_lex_end(&r->lx) || sgl_lex_eat(&r->lx, ','))
            return SGL_OK;
    }
    return sgl_lex_fail(&r->lx, "addresses are not separated by a comma", "RFC 5322 s3.4");
}

static enum sgl_status read_list(struct reader *r, struct sgl_address_list *out)
{
    for (;;) {
        int c;

        SGL_TRY(sgl_lex_skip_cfws(&r->lx));
        c = sgl_lex_peek(&r->lx);
        if (c < 0)
            break;
        if (c != ',' && !(c == ';' && r->group != SGL_NO_GROUP)) {
            size_t groups = r->list.groups;

            SGL_TRY(member(r));
            if (r->list.groups > groups)
                continue; /* a group's first member comes without a comma */
        }
        SGL_TRY(separator(r));
    }
    if (r->group != SGL_NO_GROUP)
        return sgl_lex_fail(&r->lx, "group is not ended by a semicolon", "RFC 5322 s3.4");
    *out = r->list;
    return SGL_OK;
}

enum sgl_status sgl_address_list_parse(sgl_view value, struct sgl_arena *arena,
                                       struct sgl_address_list *out, struct sgl_diag *diag)
{
    struct reader r = {.lx = {value, 0, diag}, .arena = arena, .group = SGL_NO_GROUP};

    return read_list(&r, out);
}

enum sgl_status sgl_address_list_parse_received(sgl_view value, struct sgl_arena *arena,
                                                struct sgl_address_list *out, struct sgl_diag *diag)
{
    struct reader r = {
        .lx = {value, 0, diag}, .arena = arena, .group = SGL_NO_GROUP, .any_name = true};

    return read_list(&r, out);
}

enum sgl_status sgl_address_parse(sgl_view value, struct sgl_arena *arena, struct sgl_address *out,
                                  struct sgl_diag *diag)
{
    struct reader r = {.lx = {value, 0, diag}, .arena = arena, .group = SGL_NO_GROUP};

    SGL_TRY(sgl_lex_skip_cfws(&r.lx));
    SGL_TRY(member(&r));
    if (r.list.count != 1)
        return sgl_lex_fail(&r.lx, "a group stands where one address is wanted", "RFC 5322 s3.6.2");
    SGL_TRY(sgl_lex_skip_cfws(&r.lx));
    if (!sgl_lex_end(&r.lx))
        return sgl_lex_fail(&r.lx, "something follows the address", "RFC 5322 s3.4");
    *out = r.list.item[0];
    return SGL_OK;
}

/* ---- writing ---- */

/* Longer names are encoded, which gives them places to fold; quoted ones sooner, for folds within quotes are often misread. */
#define PLAIN_NAME_MAX  200
#define QUOTED_NAME_MAX 64

static bool atoms_only(sgl_view name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] != ' ' && (name.ptr[i] >= 0x80 || !sgl_lex_is_atext(name.ptr[i])))
            return false;
    return name.len <= PLAIN_NAME_MAX && sgl_view_find_view(name, SGL_LIT("  ")) == name.len &&
           sgl_view_find_view(name, SGL_LIT("=?")) == name.len;
}

void sgl_address_put(struct sgl_buf *buf, sgl_view name, const struct sgl_mailbox *mailbox)
{
    name = sgl_view_trim(name);
    if (name.len == 0) {
        sgl_buf_add(buf, mailbox->text);
        return;
    }
    if (atoms_only(name)) {
        sgl_buf_add(buf, name);
    } else if (sgl_ascii_is_printable(name) && name.len <= QUOTED_NAME_MAX &&
               sgl_view_find_view(name, SGL_LIT("=?")) == name.len) {
        sgl_buf_add_byte(buf, '"');
        for (size_t i = 0; i < name.len; i++) {
            if (name.ptr[i] == '"' || name.ptr[i] == '\\')
                sgl_buf_add_byte(buf, '\\');
            sgl_buf_add_byte(buf, name.ptr[i]);
        }
        sgl_buf_add_byte(buf, '"');
    } else {
        sgl_encoded_word_put(buf, name, SGL_WORD_PHRASE);
    }
    sgl_buf_add(buf, SGL_LIT(" <"));
    sgl_buf_add(buf, mailbox->text);
    sgl_buf_add_byte(buf, '>');
}
