/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices without fields for programs.  A row of the table knows one writer of notices by a phrase that nobody else uses; the reader of the row finds the addresses where that
 * writer puts them.  A notice that no row knows is read only when a mail system sent it.
 */
#include "bounce_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/encoded_word.h"
#include "sigillo/limits.h"

#include "sigillo/banned.h"

struct notice {
    const struct sgl_bounce_mail *m;
    struct sgl_bounce *b;
    sgl_view to; /* whom the notice is sent to: never who failed */
    bool delayed;
    sgl_view said[SGL_LIMIT_BOUNCE_RCPTS];
};

/* ---- where the addresses are ---- */

static void found(struct notice *n, sgl_view address, sgl_view said)
{
    size_t before = n->b->rcpts;
    struct sgl_bounce_rcpt *r = sgl_bounce_add(n->b, address);

    if (r == NULL)
        return;
    r->action = n->delayed ? SGL_BOUNCE_DELAYED : SGL_BOUNCE_FAILED;
    if (n->b->rcpts > before || n->said[r - n->b->rcpt].len == 0)
        n->said[r - n->b->rcpt] = said;
}

/* The address that a line begins with, alone or in front of a colon, a blank or dots. */
static size_t leading(sgl_view line, sgl_view *address)
{
    size_t n = sgl_bounce_address(line, address);
    sgl_view rest = sgl_view_from(line, n);

    if (n == 0)
        return 0;
    if (rest.len == 0 || line.ptr[0] == '<' || line.ptr[0] == '"')
        return n;
    return rest.ptr[0] == ':' || rest.ptr[0] == ' ' || rest.ptr[0] == '\t' || rest.ptr[0] == ',' ||
                   rest.ptr[0] == ';' || rest.ptr[0] == '<' || rest.ptr[0] == '\r' ||
                   sgl_view_starts(rest, SGL_LIT("..."))
               ? n
               : 0;
}

/* "550 <a@b>... User unknown", "<<< 550 <a@b>: no": the address behind a code. */
static size_t behind_code(sgl_view line, sgl_view *address)
{
    size_t at = sgl_view_starts(line, SGL_LIT("<<< ")) ? 4 : 0;

    if (line.len < at + 5 || line.ptr[at] < '4' || line.ptr[at] > '5' ||
        !sgl_ascii_is_digit(line.ptr[at + 1]) || !sgl_ascii_is_digit(line.ptr[at + 2]))
        return 0;
    at += 4;
    if (sgl_bounce_address(sgl_view_from(line, at), address) > 0)
        return at;
    at += sgl_bounce_codes_of(sgl_view_sub(line, at, 12)).status.len + 1;
    return sgl_bounce_address(sgl_view_from(line, at), address) > 0 ? at : 0;
}

/* Words behind which an address stands in the same line or in the next one. */
static const char *const introductions[] = {
    "recipient:",
    "recipient address:",
    "original recipient:",
    "unknown user:",
    "user unknown:",
    "attempts:",
    "allowed size:",
    "delivered to:",
    "deliver message to:",
    "deliver message to <",
    "deliver the message to",
    "delivering your mail to <",
    "delivery to <",
    "failed to deliver to",
    "could not be delivered to",
    "not delivered to",
    "undeliverable to",
    "userid:",
    "is full:",
    "error-for:",
    "[smtp:",
    "smtp=",
    "addressed to:",
    "was addressed,",
    "wasn't delivered to",
    "failed recipient:",
    "failed address:",
    "failed addresses follow:",
    "did not reach the following recipient",
    "invalid address:",
    "rcpt to:",
};

static bool introduced(sgl_view line, sgl_view *address)
{
    for (size_t i = 0; i < sizeof introductions / sizeof introductions[0]; i++) {
        size_t at = sgl_bounce_find(line, introductions[i]);
        sgl_view rest;

        if (at == line.len)
            continue;
        rest = sgl_view_trim(sgl_view_from(line, at + strlen(introductions[i])));
        if (introductions[i][strlen(introductions[i]) - 1] == '<')
            rest = sgl_view_from(line, at + strlen(introductions[i]) - 1);
        if (sgl_bounce_address(rest, address) > 0)
            return true;
    }
    return false;
}

/* A mark in front of the lines of a list. */
static sgl_view without_bullet(sgl_view line)
{
    if (sgl_view_starts(line, SGL_LIT("> ")))
        line = sgl_view_trim(sgl_view_from(line, 2));
    if (line.len > 2 && (line.ptr[0] == '*' || line.ptr[0] == '-') && line.ptr[1] == ' ')
        return sgl_view_trim(sgl_view_from(line, 2));
    return line;
}

enum {
    LEADING = 1,
    CODED = 2,
    INTRODUCED = 4,
    ANGLED = 8 /* "<a@b>:" at the beginning of a line */
};

struct lines {
    struct notice *n;
    unsigned ways;
    bool to_counts;              /* also the address that the notice is sent to */
    sgl_view open;               /* whose lines these are; empty: nobody's yet */
    const uint8_t *said, *heard; /* where they begin; where a server's words began */
    const uint8_t *end;
};

static bool line_names(const struct lines *l, sgl_view text, sgl_view *address, size_t *taken)
{
    *taken = (l->ways & (LEADING | ANGLED)) != 0 ? leading(text, address) : 0;
    if (*taken > 0 && l->ways == ANGLED &&
        (text.ptr[0] != '<' || !sgl_view_starts(sgl_view_from(text, *taken), SGL_LIT(":"))))
        return false;
    if (*taken == 0 && !((l->ways & CODED) != 0 && behind_code(text, address) > 0) &&
        !((l->ways & INTRODUCED) != 0 && introduced(text, address)))
        return false;
    return l->to_counts || !sgl_view_eq_nocase(*address, l->n->to);
}

static void close_open(struct lines *l)
{
    if (l->open.len > 0)
        found(l->n, l->open, sgl_view_of(l->said, (size_t)(l->end - l->said)));
}

/* All lines of the notice: an address by one of these ways, and what is said until the next one. */
static void by_all_lines(struct lines *l)
{
    sgl_view rest = l->n->m->notice, line, address;
    size_t taken;

    while (sgl_bounce_line(&rest, &line)) {
        sgl_view text = without_bullet(sgl_view_trim(line));

        if ((l->ways & CODED) != 0 && l->heard == NULL && sgl_view_starts(text, SGL_LIT("<<< ")))
            l->heard = text.ptr;
        if (line_names(l, text, &address, &taken) && !sgl_view_eq_nocase(l->open, address)) {
            close_open(l);
            l->open = address;
            l->said = l->heard != NULL ? l->heard : text.ptr + taken;
        }
        if (!sgl_view_starts(text, SGL_LIT("<<< ")))
            l->heard = NULL;
        if (l->heard == NULL)
            l->end = line.ptr + line.len;
    }
    close_open(l);
}

static void by_lines(struct notice *n, unsigned ways)
{
    struct lines l = {.n = n, .ways = ways};

    by_all_lines(&l);
    if (n->b->rcpts > 0)
        return;
    l = (struct lines){.n = n, .ways = ways, .to_counts = true};
    by_all_lines(&l);
}

static void by_leading(struct notice *n)
{
    by_lines(n, LEADING);
}

static void by_code(struct notice *n)
{
    by_lines(n, LEADING | CODED);
}

static void by_words(struct notice *n)
{
    by_lines(n, INTRODUCED);
    if (n->b->rcpts == 0)
        by_lines(n, LEADING | INTRODUCED);
}

/* Nothing but a copy of the field To. */
static void by_to(struct notice *n)
{
    sgl_view rest = n->m->notice, line, address;

    while (sgl_bounce_line(&rest, &line))
        if (sgl_bounce_find(line, "to: ") < line.len &&
            sgl_bounce_address_in(sgl_view_from(line, sgl_bounce_find(line, "to: ")), &address))
            found(n, address, n->m->notice);
}

static void by_any(struct notice *n)
{
    by_lines(n, LEADING | CODED | INTRODUCED);
}

/* ---- who writes notices ---- */

/* The group does not exist or does not take it from this sender; it is written in many languages. */
static const struct sgl_bounce_cause no_group = {"not-permitted", SGL_BOUNCE_POLICY};

static const struct form {
    const char *name, *phrase; /* in lower case */
    void (*read)(struct notice *n);
    const struct sgl_bounce_cause *cause; /* what it always means; else its words say it */
} forms[] = {
    {"james", "error message below:", by_any},
    {"qmail", "this is the qmail-send program", by_leading},
    {"qmail", "i'm afraid i wasn't able to deliver your message", by_leading},
    {"yahoo", "i wasn't able to deliver the following message", by_to},
    {"qmail", "unable to deliver message to the following address", by_leading},
    {"yahoo", "we were unable to deliver your message to the following address", by_leading},
    {"yahoo", "unable to deliver to the following", by_leading},
    {"postfix", "this is the postfix program", by_leading},
    {"postfix", "this is the mail system at host", by_leading},
    {"exim", "message was created automatically by mail delivery software", by_any},
    {"exim", "mail could not be delivered to one or more", by_any},
    {"google-groups", "https://groups.google.com/", by_any, &no_group},
    {"gmail", "delivery to the following recipient", by_leading},
    {"gmail", "google tried to deliver your message", by_any},
    {"sendmail", "following addresses had", by_code},
    {"sendmail", "transcript of session follows", by_code},
    {"opensmtpd", "following list of recipients", by_leading},
    {"dragonfly", "this is the dragonfly mail agent", by_words},
    {"exchange", "did not reach the following recipient", by_any},
    {"exchange", "generating server:", by_leading},
    {"exchange", "delivery has failed to these recipients", by_leading},
    {"smtp32", "original message follows", by_words},
    {"smtp32", "user mailbox exceeds allowed size", by_words},
    {"domino", "was not delivered to:", by_leading},
    {"notes", "failure reasons", by_leading},
    {"courier", "courier mail server", by_leading},
    {"m-filter", "m-filter", by_leading},
    {"ezweb", "following recipients was rejected by a remote", by_any},
    {"mail", "following recipients failed", by_any},
    {"mail", "address(es) failed", by_any},
    {"mail", "address failed", by_any},
    {"mail", "addresses failed", by_any},
    {"mail", "addresses had delivery errors", by_any},
    {"mail", "could not be delivered to", by_any},
    {"mail", "cannot be delivered to", by_any},
    {"mail", "unable to deliver", by_any},
    {"mail", "delivery failed", by_any},
    {"mail", "undeliverable", by_any},
};

/* ---- what kind of message it is ---- */

static sgl_view header(const struct sgl_bounce_mail *m, const char *name)
{
    const struct sgl_header *f = sgl_headers_first(&m->part[0].headers, sgl_view_cstr(name));

    return f == NULL ? sgl_view_of(NULL, 0) : sgl_view_trim(f->value);
}

/* A mail system sends it, by its From field or its null return path. */
static bool from_system(const struct sgl_bounce_mail *m)
{
    static const char *const names[] = {
        "mailer-daemon", "mailer_daemon", "postmaster", "post_master",
        "mail delivery", "mail.delivery", "<>",         "mailerdaemon",
        "mail system",   "administrator", "mdaemon"};
    sgl_view from = header(m, "From"), path = header(m, "Return-Path");

    if (sgl_view_eq(path, SGL_LIT("<>")) || from.len == 0)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (sgl_bounce_has(from, names[i]))
            return true;
    return false;
}

static enum sgl_status subject_fails(const struct sgl_bounce_mail *m, bool *yes)
{
    static const char *const words[] = {
        "undeliver", "delivery",      "returned mail", "failure notice", "failed",    "failure",
        "returned",  "not delivered", "could not",     "mail error",     "nondeliver"};
    sgl_view subject;

    SGL_TRY(sgl_encoded_word_decode(header(m, "Subject"), m->arena, &subject));
    *yes = subject.len == 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        *yes |= sgl_bounce_has(subject, words[i]);
    return SGL_OK;
}

static bool says_delayed(const struct sgl_bounce_mail *m)
{
    static const char *const phrases[] = {"has been delayed",           "not yet been delivered",
                                          "warning message only",       "will be retried",
                                          "has not been delivered yet", "do not need to resend",
                                          "will continue trying",       "still trying",
                                          "delayed 24 hours",           "not been able to deliver"};
    sgl_view head = sgl_view_sub(m->notice, 0, 2000);

    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (sgl_bounce_has(head, phrases[i]))
            return true;
    return false;
}

/* ---- X-Failed-Recipients ---- */

static sgl_view paragraph_of(sgl_view notice, sgl_view address)
{
    for (size_t at = 0; at < notice.len; at++) {
        sgl_view here = sgl_view_from(notice, at);

        if (sgl_view_starts_nocase(here, address))
            return sgl_view_from(here, address.len);
    }
    return notice;
}

static bool is_listed(const struct sgl_bounce *b, sgl_view address)
{
    for (size_t i = 0; i < b->rcpts; i++)
        if (sgl_view_eq_nocase(b->rcpt[i].recipient, address))
            return true;
    return false;
}

static void by_header(struct notice *n, sgl_view list)
{
    do {
        sgl_view one = sgl_view_trim(sgl_view_split(list, ',', &list)), address;

        /* the notice is searched once for each of them, however often he stands there */
        if (sgl_bounce_address(one, &address) > 0 && n->b->rcpts < SGL_LIMIT_BOUNCE_RCPTS &&
            !is_listed(n->b, address))
            found(n, address, paragraph_of(n->m->notice, address));
    } while (list.ptr != NULL);
    /* each one's text ends where that of another begins */
    for (size_t i = 0; i < n->b->rcpts; i++)
        for (size_t k = 0; k < n->b->rcpts; k++) {
            sgl_view *a = &n->said[i], *b = &n->said[k];

            if (b->ptr > a->ptr && b->ptr < a->ptr + a->len)
                a->len = (size_t)(b->ptr - a->ptr);
        }
}

/* ---- reading one ---- */

static bool said_after_data(sgl_view text)
{
    static const char *const phrases[] = {"end of data",
                                          "after end of",
                                          "for text command",
                                          "our final data",
                                          "smtp command\ndata",
                                          "smtp command\r\ndata",
                                          "[data]",
                                          "after i sent the message"};

    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (sgl_bounce_has(text, phrases[i]))
            return true;
    return false;
}

/* Up to the empty line behind the first words. */
static sgl_view first_paragraph(sgl_view text)
{
    sgl_view rest = text, line;

    while (sgl_bounce_line(&rest, &line))
        if (sgl_view_trim(line).len == 0 &&
            sgl_view_trim(sgl_view_of(text.ptr, (size_t)(line.ptr - text.ptr))).len > 3)
            return sgl_view_of(text.ptr, (size_t)(line.ptr - text.ptr));
    return text;
}

/* From the nearest words to all of the notice, until something is said. */
static enum sgl_status settle(struct notice *n)
{
    for (size_t i = 0; i < n->b->rcpts; i++) {
        struct sgl_bounce_rcpt *r = &n->b->rcpt[i];
        sgl_view said = n->said[i], steps[3];
        bool after = said_after_data(said);

        while (said.len > 0 && (said.ptr[0] == ':' || sgl_ascii_is_fws(said.ptr[0])))
            said = sgl_view_from(said, 1);
        steps[0] = first_paragraph(said);
        steps[1] = said;
        steps[2] = n->m->notice;
        for (size_t k = 0; k < (n->b->rcpts == 1 ? 3u : 2u); k++) {
            SGL_TRY(sgl_bounce_settle(r, steps[k], after, n->m->arena));
            if (r->class_ != SGL_BOUNCE_UNKNOWN &&
                (r->status.len > 0 || r->code != 0 || strcmp(r->cause, "policy") != 0))
                break;
        }
    }
    return SGL_OK;
}

static const struct form *form_of(sgl_view notice)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (sgl_bounce_has(notice, forms[i].phrase))
            return &forms[i];
    return NULL;
}

static enum sgl_status read_form(struct notice *n)
{
    const struct form *form = form_of(n->m->notice);
    bool fails = false, system = from_system(n->m);

    SGL_TRY(subject_fails(n->m, &fails));
    if (form != NULL && (system || fails)) {
        n->b->form = form->name;
        form->read(n);
    }
    if (n->b->rcpts == 0 && system && fails) {
        n->b->form = form != NULL ? form->name : "text";
        by_any(n);
    }
    if (n->b->rcpts == 0 && system) { /* in a language that is not known */
        n->b->form = form != NULL ? form->name : "text";
        by_lines(n, ANGLED);
        if (n->b->rcpts == 0 && form == NULL)
            n->b->form = "";
    }
    return SGL_OK;
}

enum sgl_status sgl_bounce_of_original(const struct sgl_bounce_mail *m, struct sgl_bounce *b)
{
    const struct sgl_header *to;
    sgl_view address, rest;

    SGL_TRY(sgl_bounce_read_original(m, b));
    to = sgl_headers_first(&b->header, SGL_LIT("Precedence"));
    if ((to != NULL && sgl_view_eq_nocase(sgl_view_trim(to->value), SGL_LIT("list"))) ||
        sgl_headers_first(&b->header, SGL_LIT("List-Id")) != NULL)
        return SGL_OK; /* mail of a list is for its members, not for its address */
    to = sgl_headers_first(&b->header, SGL_LIT("To"));
    if (to == NULL || !sgl_bounce_address_in(to->value, &address))
        return SGL_OK;
    rest = sgl_view_from(to->value, (size_t)(address.ptr + address.len - to->value.ptr));
    if (sgl_view_find(rest, '@') < rest.len || sgl_headers_first(&b->header, SGL_LIT("Cc")) != NULL)
        return SGL_OK;
    return sgl_bounce_settle(sgl_bounce_add(b, address), m->notice, false, m->arena);
}

enum sgl_status sgl_bounce_read_text(const struct sgl_bounce_mail *m, struct sgl_bounce *b)
{
    struct notice n = {.m = m, .b = b, .delayed = says_delayed(m)};
    const struct form *form = form_of(m->notice);
    sgl_view list = header(m, "X-Failed-Recipients"), to;

    if (sgl_bounce_address_in(header(m, "To"), &to))
        n.to = to;
    if (list.len > 0) {
        b->form = form == NULL ? "exim" : form->name;
        by_header(&n, list);
    } else {
        SGL_TRY(read_form(&n));
    }
    SGL_TRY(settle(&n));
    for (size_t i = 0; form != NULL && form->cause != NULL && i < b->rcpts; i++) {
        b->rcpt[i].class_ = form->cause->class_;
        b->rcpt[i].cause = form->cause->word;
    }
    return SGL_OK;
}
