/* SPDX-License-Identifier: Apache-2.0 */
/* The server's session, driven as a shell would drive it: dialogues as rows, each of them fed whole, byte by byte and split at each point. */
#include "check.h"

#include <stdlib.h>

#include "sigillo/buf.h"
#include "sigillo/smtp_server.h"

enum { TRANSCRIPT_MAX = 4 * 1024 * 1024 };

static const struct sgl_smtp_server_config standard = {
    .hostname = {(const uint8_t *)"mx.example", 10},
    .offer = SGL_SMTP_PIPELINING | SGL_SMTP_SIZE | SGL_SMTP_8BITMIME | SGL_SMTP_SMTPUTF8 |
             SGL_SMTP_CHUNKING | SGL_SMTP_DSN | SGL_SMTP_ENHANCED | SGL_SMTP_LIMITS | SGL_SMTP_TLS,
    .mechanisms = SGL_SASL_PLAIN | SGL_SASL_LOGIN | SGL_SASL_SCRAM_SHA_256,
    .size_max = 1000,
    .rcpt_max = 3,
    .errors_max = 5,
    .idle_commands_max = 20,
};

/* What a session did: events as words, the bytes of messages, all output. */
struct run {
    struct sgl_smtp_server *s;
    struct sgl_buf events, out;
    bool in_chunk, stop;
};

static void run_init(struct run *r, const struct sgl_smtp_server_config *config, bool tls)
{
    *r = (struct run){.s = sgl_smtp_server_new(config, tls),
                      .events = SGL_BUF_INIT(TRANSCRIPT_MAX),
                      .out = SGL_BUF_INIT(TRANSCRIPT_MAX)};
    CHECK_TRUE("memory", r->s != NULL);
}

static void run_done(struct run *r)
{
    sgl_smtp_server_free(r->s);
    sgl_buf_done(&r->events);
    sgl_buf_done(&r->out);
}

static void answer(struct run *r, uint16_t code, const char *enhanced, const char *text)
{
    CHECK_EQ("answer",
             sgl_smtp_server_answer(r->s, code, sgl_view_cstr(enhanced), sgl_view_cstr(text)),
             SGL_OK);
}

static void on_path(struct run *r, const char *word, const struct sgl_path *path)
{
    sgl_buf_addf(&r->events, "%s<", word);
    if (path->kind == SGL_PATH_MAILBOX)
        sgl_buf_add(&r->events, path->mailbox.text);
    else if (path->kind == SGL_PATH_POSTMASTER)
        sgl_buf_add(&r->events, SGL_LIT("postmaster"));
    sgl_buf_add(&r->events, SGL_LIT("> "));
}

static void on_auth(struct run *r, const struct sgl_smtp_server_event *e)
{
    sgl_buf_addf(&r->events, "auth%s[", e->kind == SGL_SMTP_SERVER_AUTH_START ? "" : "-response");
    sgl_buf_add_escaped(&r->events, e->data, 100);
    sgl_buf_add(&r->events, SGL_LIT("] "));
    if (e->data.len == 0)
        CHECK_EQ("challenge", sgl_smtp_server_challenge(r->s, SGL_LIT("who?")), SGL_OK);
    else if (sgl_view_find_view(e->data, SGL_LIT("good")) < e->data.len)
        answer(r, 235, "2.7.0", "welcome");
    else
        answer(r, 535, "5.7.8", "no");
}

static void on_event(struct run *r, const struct sgl_smtp_server_event *e)
{
    if (e->kind != SGL_SMTP_SERVER_CHUNK && r->in_chunk) {
        sgl_buf_add(&r->events, SGL_LIT("} "));
        r->in_chunk = false;
    }
    switch (e->kind) {
    case SGL_SMTP_SERVER_EHLO:
        sgl_buf_add_cstr(&r->events, e->extended ? "ehlo " : "helo ");
        break;
    case SGL_SMTP_SERVER_STARTTLS:
        sgl_buf_add(&r->events, SGL_LIT("starttls "));
        break;
    case SGL_SMTP_SERVER_AUTH_START:
    case SGL_SMTP_SERVER_AUTH_RESPONSE:
        on_auth(r, e);
        break;
    case SGL_SMTP_SERVER_AUTH_CANCEL:
        sgl_buf_add(&r->events, SGL_LIT("cancel "));
        break;
    case SGL_SMTP_SERVER_MAIL:
        on_path(r, "mail", &e->mail.from);
        answer(r, sgl_view_eq(e->mail.from.mailbox.local, SGL_LIT("bad")) ? 550 : 250, "", "m");
        break;
    case SGL_SMTP_SERVER_RCPT:
        on_path(r, "rcpt", &e->rcpt.to);
        answer(r, sgl_view_eq(e->rcpt.to.mailbox.local, SGL_LIT("bad")) ? 550 : 250, "", "r");
        break;
    case SGL_SMTP_SERVER_BODY:
        sgl_buf_addf(&r->events, "body(%u) ", (unsigned)e->size);
        answer(r, e->size == 666 ? 452 : 354, e->size == 666 ? "4.3.1" : "", "b");
        break;
    case SGL_SMTP_SERVER_CHUNK:
        if (!r->in_chunk)
            sgl_buf_add_byte(&r->events, '{');
        r->in_chunk = true;
        sgl_buf_add(&r->events, e->data);
        break;
    case SGL_SMTP_SERVER_MESSAGE:
        sgl_buf_addf(&r->events, "message(%u) ", (unsigned)e->size);
        answer(r, 250, "2.6.0", "stored");
        break;
    case SGL_SMTP_SERVER_RESET:
        sgl_buf_add(&r->events, SGL_LIT("reset "));
        break;
    case SGL_SMTP_SERVER_CLOSE:
        sgl_buf_addf(&r->events, "close(%d) ", (int)e->reason);
        r->stop = true;
        break;
    case SGL_SMTP_SERVER_NONE:
        break;
    }
}

static void run_feed(struct run *r, sgl_view bytes)
{
    struct sgl_smtp_server_event e;
    size_t used;

    do {
        sgl_smtp_server_feed(r->s, bytes, &used);
        bytes = sgl_view_from(bytes, used);
        while (sgl_smtp_server_next(r->s, &e)) {
            on_event(r, &e);
            CHECK_TRUE("the session is sane", sgl_smtp_server_sane(r->s));
        }
    } while (bytes.len != 0);
}

static void run_pull(struct run *r)
{
    sgl_view out;

    if (sgl_smtp_server_pull(r->s, &out))
        sgl_buf_add(&r->out, out);
}

/* Whole, cut in two at each point (cut), or byte by byte (cut == SIZE_MAX). */
static void run_all(struct run *r, sgl_view input, size_t cut)
{
    run_pull(r);
    sgl_buf_reset(&r->out); /* the greeting */
    if (cut == SIZE_MAX) {
        for (size_t i = 0; i < input.len; i++) {
            /* A copy of its own, so that a sanitizer sees what reaches too far. */
            uint8_t *one = malloc(1);

            CHECK_TRUE("memory", one != NULL);
            *one = input.ptr[i];
            run_feed(r, sgl_view_of(one, 1));
            free(one);
        }
    } else {
        run_feed(r, sgl_view_sub(input, 0, cut));
        run_feed(r, sgl_view_from(input, cut));
    }
    run_pull(r);
    if (r->in_chunk)
        sgl_buf_add(&r->events, SGL_LIT("}..."));
}

/* Replies as their codes: "250-" lines left out. */
static void codes(sgl_view out, struct sgl_buf *to)
{
    while (out.len >= 4) {
        sgl_view line = sgl_view_split(out, '\n', &out);

        if (line.len > 3 && line.ptr[3] == ' ') {
            sgl_buf_add(to, sgl_view_sub(line, 0, 3));
            sgl_buf_add_byte(to, ' ');
        }
    }
}

#define EHLO    "EHLO c.example\r\n"
#define TO      EHLO "MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\n"
#define SAID_TO "ehlo mail<a@a.test> rcpt<b@b.test> "

static const struct dialogue {
    const char *name, *input, *events, *codes;
} dialogues[] = {
    {"a message goes in", TO "DATA\r\nSubject: x\r\n\r\nhi\r\n.\r\nQUIT\r\n",
     SAID_TO "body(0) {Subject: x\r\n\r\nhi\r\n} message(18) close(0) ",
     "250 250 250 354 250 221 "},
    {"an empty message is a message", TO "DATA\r\n.\r\n", SAID_TO "body(0) message(0) ",
     "250 250 250 354 250 "},
    {"a stuffed dot is taken off [RFC 5321 s4.5.2]", TO "DATA\r\n..\r\n.a\r\n...b\r\n.\r\n",
     SAID_TO "body(0) {.\r\na\r\n..b\r\n} message(11) ", "250 250 250 354 250 "},
    {"verbs fold case, trailing blanks are ignored",
     "eHlO c \r\nnOOp x\r\nrset \r\nvrfy a\r\nhelp\r\n", "ehlo ", "250 250 250 252 214 "},
    {"HELO brings no extensions", "HELO c\r\nMAIL FROM:<a@a.test> SIZE=1\r\n", "helo ", "250 555 "},
    {"MAIL needs EHLO", "MAIL FROM:<a@a.test>\r\n", "", "503 "},
    {"RCPT needs MAIL", EHLO "RCPT TO:<a@a.test>\r\n", "ehlo ", "250 503 "},
    {"DATA needs MAIL", EHLO "DATA\r\n", "ehlo ", "250 503 "},
    {"DATA needs an accepted recipient", EHLO "MAIL FROM:<>\r\nRCPT TO:<bad@b.test>\r\nDATA\r\n",
     "ehlo mail<> rcpt<bad@b.test> ", "250 250 550 554 "},
    {"a refused MAIL begins nothing", EHLO "MAIL FROM:<bad@a.test>\r\nRCPT TO:<b@b.test>\r\n",
     "ehlo mail<bad@a.test> ", "250 550 503 "},
    {"a second MAIL is out of order", EHLO "MAIL FROM:<>\r\nMAIL FROM:<>\r\n", "ehlo mail<> ",
     "250 250 503 "},
    {"RSET clears a transaction", TO "RSET\r\nRCPT TO:<b@b.test>\r\nDATA\r\n", SAID_TO "reset ",
     "250 250 250 250 503 503 "},
    {"EHLO clears a transaction [RFC 5321 s4.1.4]", TO EHLO "DATA\r\n", SAID_TO "reset ehlo ",
     "250 250 250 250 503 "},
    {"the postmaster has no domain", EHLO "MAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\n",
     "ehlo mail<> rcpt<postmaster> ", "250 250 250 "},
    {"recipients over the limit get 452 [RFC 5321 s4.5.3.1.10]",
     EHLO "MAIL FROM:<>\r\nRCPT TO:<1@b>\r\nRCPT TO:<2@b>\r\nRCPT TO:<3@b>\r\nRCPT TO:<4@b>\r\n",
     "ehlo mail<> rcpt<1@b> rcpt<2@b> rcpt<3@b> ", "250 250 250 250 250 452 "},
    {"SIZE= over the limit is refused at MAIL [RFC 1870 s6.1]", EHLO "MAIL FROM:<> SIZE=1001\r\n",
     "ehlo ", "250 552 "},
    {"an unknown parameter is 555 [RFC 5321 s4.1.1.11]", EHLO "MAIL FROM:<> HOLDFOR=5\r\n", "ehlo ",
     "250 555 "},
    {"unknown commands are 500, known ones that are off 502", "FOO\r\nEXPN x\r\n", "", "500 502 "},
    {"too many errors close", "A\r\nB\r\nC\r\nD\r\nE\r\nNOOP\r\n", "close(1) ",
     "500 500 500 500 500 421 "},
    {"a bare LF in a command closes", "NOOP\nNOOP\r\n", "close(2) ", "500 "},
    {"a bare CR in a command closes", "NO\rOP\r\nNOOP\r\n", "close(2) ", "500 "},
    {"plaintext behind STARTTLS closes [RFC 3207 s4.2]", EHLO "STARTTLS\r\nMAIL FROM:<>\r\n",
     "ehlo starttls close(2) ", "501 "},
    {"AUTH is not offered in plaintext and refused there", EHLO "AUTH PLAIN AGEAYg==\r\n", "ehlo ",
     "250 538 "},
    {"what follows a refused DATA is not read as commands", EHLO "DATA\r\nRSET\r\nNOOP\r\n",
     "ehlo close(2) ", "250 503 "},
    {"a size that counting finds too large is 552 at the end [RFC 1870 s6.3]",
     TO "DATA\r\n123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
        "123456789 "
        "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
        "123456789 "
        "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
        "123456789 "
        "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
        "123456789 "
        "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
        "123456789 "
        "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
        "123456789 "
        "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
        "123456789 "
        "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
        "123456789 "
        "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
        "123456789 "
        "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
        "123456789 "
        "123456789 1\r\n.\r\nNOOP\r\n",
     NULL, "250 250 250 354 552 250 "},
    {"BDAT takes octets as they are [RFC 3030 s2]",
     TO "BDAT 4\r\n.\r\n.BDAT 2 LAST\r\n\r\nNOOP\r\n", SAID_TO "body(4) {.\r\n.\r\n} message(6) ",
     "250 250 250 250 250 250 "},
    {"BDAT 0 LAST ends an empty message", TO "BDAT 0 LAST\r\n", SAID_TO "body(0) message(0) ",
     "250 250 250 250 "},
    {"BDAT without MAIL consumes its octets", EHLO "BDAT 6 LAST\r\nRSET\r\nNOOP\r\n", "ehlo ",
     "250 503 250 "},
    {"a refused BDAT waits for its octets", TO "BDAT 666\r\n", SAID_TO "body(666) reset ",
     "250 250 250 "},
    {"BDAT over the size consumes its octets", TO "BDAT 1001 LAST\r\n", SAID_TO "reset ",
     "250 250 250 "},
    {"BDAT without a size closes", TO "BDAT x\r\n", SAID_TO "reset close(2) ", "250 250 250 501 "},
    {"BDAT 18446744073709551615 closes", TO "BDAT 18446744073709551615\r\n",
     SAID_TO "reset close(2) ", "250 250 250 501 "},
    {"DATA and BDAT do not mix", TO "BDAT 1\r\naDATA\r\n", SAID_TO "body(1) {a}...",
     "250 250 250 250 503 "},
    {"RCPT and MAIL do not come between BDATs", TO "BDAT 1\r\naRCPT TO:<x@b>\r\nMAIL FROM:<>\r\n",
     SAID_TO "body(1) {a}...", "250 250 250 250 503 503 "},
    {"RSET between BDATs ends the message", TO "BDAT 1\r\naRSET\r\nBDAT 1 LAST\r\nbNOOP\r\n",
     SAID_TO "body(1) {a} reset ", "250 250 250 250 250 503 250 "},
    {"a bare LF in BDAT refuses the message", TO "BDAT 3 LAST\r\na\nbNOOP\r\n", NULL,
     "250 250 250 554 250 "},
    {"a CR split from its LF over two BDATs is a line end",
     TO "BDAT 2\r\na\rBDAT 1 LAST\r\n\nNOOP\r\n", SAID_TO "body(2) {a\r\n} message(3) ",
     "250 250 250 250 250 250 "},
    {"a CR at the end of BDAT is bare", TO "BDAT 2 LAST\r\na\rNOOP\r\n",
     SAID_TO "body(2) {a\r} reset ", "250 250 250 554 250 "},
    {"commands without a message are limited",
     "RSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\n"
     "NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n",
     "close(1) ", NULL},
};

static void one_dialogue(const struct dialogue *d, size_t cut)
{
    struct run r;
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(TRANSCRIPT_MAX);

    run_init(&r, &standard, false);
    run_all(&r, sgl_view_cstr(d->input), cut);
    codes(sgl_buf_view(&r.out), &got);
    if (d->events != NULL)
        CHECK_VIEW(d->name, sgl_buf_view(&r.events), sgl_view_cstr(d->events));
    if (d->codes != NULL)
        CHECK_VIEW(d->name, sgl_buf_view(&got), sgl_view_cstr(d->codes));
    run_done(&r);
}

static void dialogues_in_any_portions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dialogues / sizeof dialogues[0]; i++) {
        one_dialogue(&dialogues[i], strlen(dialogues[i].input));
        one_dialogue(&dialogues[i], SIZE_MAX);
        for (size_t cut = 0; cut < strlen(dialogues[i].input); cut++)
            one_dialogue(&dialogues[i], cut);
    }
}

/* ---- the end of data  [RFC 5321 s4.1.1.4] --------------------------------------------------------------------------------------------- */

/* An independent reader: the message ends at the first CR LF . CR LF, the CR LF behind DATA counting as the first. */
static size_t true_end(const char *text, size_t len)
{
    char line[64] = "\r\n";

    memcpy(line + 2, text, len);
    for (size_t i = 0; i + 5 <= len + 2; i++) {
        if (memcmp(line + i, "\r\n.\r\n", 5) == 0)
            return i + 3;
    }
    return SIZE_MAX;
}

static bool text_clean(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\0' || (text[i] == '\r' && (i + 1 == len || text[i + 1] != '\n')) ||
            (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')))
            return false;
    }
    return true;
}

static void one_end(const char *text, size_t len, size_t cut)
{
    struct run r;
    size_t end = true_end(text, len);
    sgl_view events;

    run_init(&r, &standard, false);
    run_all(&r, sgl_view_cstr(TO "DATA\r\n"), SIZE_MAX);
    sgl_buf_reset(&r.events);
    sgl_buf_reset(&r.out);
    if (cut == SIZE_MAX) {
        for (size_t i = 0; i < len; i++)
            run_feed(&r, sgl_view_of(text + i, 1));
    } else {
        run_feed(&r, sgl_view_of(text, cut));
        run_feed(&r, sgl_view_of(text + cut, len - cut));
    }
    run_pull(&r);
    events = sgl_buf_view(&r.events);
    if (end == SIZE_MAX) {
        CHECK_TRUE("only CR LF . CR LF ends a message", r.out.len == 0);
        CHECK_TRUE("only CR LF . CR LF ends a message", sgl_smtp_server_in_transaction(r.s));
    } else if (text_clean(text, end)) {
        CHECK_TRUE("a clean message is taken",
                   sgl_view_find_view(events, SGL_LIT("message(")) < events.len);
    } else {
        CHECK_TRUE("a bare CR, a bare LF or a NUL is refused",
                   sgl_view_starts(sgl_buf_view(&r.out), SGL_LIT("554 5.6.0 line ")));
        CHECK_TRUE("a refused message is never whole",
                   sgl_view_find_view(events, SGL_LIT("message(")) == events.len);
    }
    run_done(&r);
}

static void every_end_of_data_up_to_seven_bytes(void **state)
{
    static const char alphabet[5] = {'\r', '\n', '.', '\0', 'a'};
    char text[8];

    (void)state;
    for (size_t len = 1; len <= 7; len++) {
        size_t count = 1;

        for (size_t i = 0; i < len; i++)
            count *= sizeof alphabet;
        for (size_t n = 0; n < count; n++) {
            size_t rest = n;

            for (size_t i = 0; i < len; i++, rest /= sizeof alphabet)
                text[i] = alphabet[rest % sizeof alphabet];
            one_end(text, len, len);
            one_end(text, len, SIZE_MAX);
            if (len <= 6) {
                for (size_t cut = 1; cut < len; cut++)
                    one_end(text, len, cut);
            }
        }
    }
}

static void a_refusal_names_fault_and_line(void **state)
{
    static const struct {
        const char *name, *text;
        size_t len;
        const char *reply;
    } rows[] = {
        {"a bare LF", "a\r\nb\nc\r\n.\r\n", 11,
         "554 5.6.0 line 2 of the message holds a bare LF: lines end in CR LF\r\n"},
        {"a bare CR", "a\r\nb\r\nc\rd\r\n.\r\n", 14,
         "554 5.6.0 line 3 of the message holds a bare CR: lines end in CR LF\r\n"},
        {"a NUL", "a\0\r\nb\n\r\n.\r\n", 11,
         "554 5.6.0 line 1 of the message holds a NUL: lines end in CR LF\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t cut = 0; cut <= rows[i].len; cut++) {
            struct run r;

            run_init(&r, &standard, false);
            run_all(&r, sgl_view_cstr(TO "DATA\r\n"), SIZE_MAX);
            sgl_buf_reset(&r.out);
            run_feed(&r, sgl_view_of(rows[i].text, cut));
            run_feed(&r, sgl_view_of(rows[i].text + cut, rows[i].len - cut));
            run_pull(&r);
            CHECK_VIEW(rows[i].name, sgl_buf_view(&r.out), sgl_view_cstr(rows[i].reply));
            run_done(&r);
        }
    }
}

/* CR CR LF . CR LF: one reader sees the end, another does not.  We end, refuse, and hear nothing more. */
static void an_end_that_can_be_read_in_two_ways_closes(void **state)
{
    struct run r;

    (void)state;
    run_init(&r, &standard, false);
    run_all(&r, sgl_view_cstr(TO "DATA\r\nx\r\r\n.\r\nMAIL FROM:<evil@a.test>\r\n"), SIZE_MAX);
    CHECK_TRUE("closed", r.stop);
    CHECK_TRUE("no second transaction",
               sgl_view_find_view(sgl_buf_view(&r.events), SGL_LIT("evil")) == r.events.len);
    run_done(&r);
}

/* ---- published sequences ----------------------------------------------------------------------------------------- */

/* The value of a JSON string at p (behind its quote), for the escapes that the file uses. */
static size_t json_string(const char *p, char *out)
{
    size_t n = 0;

    for (; *p != '"'; p++) {
        if (*p != '\\') {
            out[n++] = *p;
            continue;
        }
        p++;
        if (*p == 'u') {
            out[n++] = '\0';
            p += 4;
        } else {
            out[n++] = *p == 'r' ? '\r' : *p == 'n' ? '\n' : *p;
        }
    }
    return n;
}

static void one_published(const char *sequence, size_t len)
{
    sgl_auto(sgl_buf) input = SGL_BUF_INIT(4096);
    struct run r;
    sgl_view events;

    sgl_buf_add_cstr(&input, TO "DATA\r\nSubject: x\r\n\r\nbody");
    sgl_buf_add(&input, sgl_view_of(sequence, len));
    sgl_buf_add_cstr(&input, "MAIL FROM:<x@example.org>\r\n\r\n.\r\n");
    run_init(&r, &standard, false);
    run_all(&r, sgl_buf_view(&input), SIZE_MAX);
    events = sgl_buf_view(&r.events);
    CHECK_TRUE("no second MAIL",
               sgl_view_find_view(events, SGL_LIT("mail<x@example.org>")) == events.len);
    run_done(&r);
}

static void published_sequences(void **state)
{
    char path[4096], text[16384], sequence[256];
    const char *shared = getenv("SIGILLO_SHARED"), *source = getenv("SIGILLO_SOURCE");
    size_t rows = 0, n;
    FILE *f;

    (void)state;
    if (shared != NULL)
        snprintf(path, sizeof path, "%s/conformance/smtp-smuggling/end-of-data.json", shared);
    else
        snprintf(path, sizeof path, "%s/../shared/conformance/smtp-smuggling/end-of-data.json",
                 source != NULL ? source : ".");
    f = fopen(path, "rb");
    if (f == NULL) {
        printf("# skipped: %s is not here\n", path);
        skip();
        return;
    }
    n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    for (const char *p = strstr(text, "\"sequence\": \""); p != NULL;
         p = strstr(p + 1, "\"sequence\": \"")) {
        one_published(sequence, json_string(p + 13, sequence));
        rows++;
    }
    CHECK_EQ("rows of end-of-data.json", rows, 14);
}

/* ---- AUTH -------------------------------------------------------------------------------------------------------- */

static const struct dialogue auths[] = {
    {"PLAIN with an initial response", EHLO "AUTH PLAIN Z29vZA==\r\nMAIL FROM:<>\r\n",
     "ehlo auth[good] mail<> ", "250 235 250 "},
    {"MAIL needs AUTH [RFC 6409 s4.3]", EHLO "MAIL FROM:<>\r\n", "ehlo ", "250 530 "},
    {"a wrong password is 535", EHLO "AUTH PLAIN eA==\r\nMAIL FROM:<>\r\n", "ehlo auth[x] ",
     "250 535 530 "},
    {"an initial response may be empty", EHLO "AUTH PLAIN =\r\nZ29vZA==\r\n",
     "ehlo auth[] auth-response[good] ", "250 334 235 "},
    {"a star cancels", EHLO "AUTH LOGIN\r\n*\r\nNOOP\r\n", "ehlo auth[] cancel ",
     "250 334 501 250 "},
    {"what is not base64 is 501", EHLO "AUTH LOGIN\r\n!!\r\nAUTH PLAIN ?\r\n",
     "ehlo auth[] cancel ", "250 334 501 501 "},
    {"an unknown mechanism is 504", EHLO "AUTH CRAM-MD5\r\n", "ehlo ", "250 504 "},
    {"a second AUTH is out of order", EHLO "AUTH PLAIN Z29vZA==\r\nAUTH PLAIN Z29vZA==\r\n",
     "ehlo auth[good] ", "250 235 503 "},
    {"AUTH needs EHLO", "HELO c\r\nAUTH PLAIN Z29vZA==\r\n", "helo ", "250 503 "},
    {"STARTTLS within TLS is out of order", EHLO "STARTTLS\r\n", "ehlo ", "250 503 "},
};

static void auth_under_tls(void **state)
{
    struct sgl_smtp_server_config config = standard;

    (void)state;
    config.auth_required = true;
    for (size_t i = 0; i < sizeof auths / sizeof auths[0]; i++) {
        for (size_t cut = 0; cut <= strlen(auths[i].input); cut++) {
            struct run r;
            sgl_auto(sgl_buf) got = SGL_BUF_INIT(TRANSCRIPT_MAX);

            run_init(&r, &config, true);
            run_all(&r, sgl_view_cstr(auths[i].input),
                    cut == strlen(auths[i].input) ? SIZE_MAX : cut);
            codes(sgl_buf_view(&r.out), &got);
            CHECK_VIEW(auths[i].name, sgl_buf_view(&r.events), sgl_view_cstr(auths[i].events));
            CHECK_VIEW(auths[i].name, sgl_buf_view(&got), sgl_view_cstr(auths[i].codes));
            run_done(&r);
        }
    }
}

static bool offers(sgl_view out, const char *word)
{
    return sgl_view_find_view(out, sgl_view_cstr(word)) < out.len;
}

static void offers_follow_tls(void **state)
{
    struct run r;

    (void)state;
    run_init(&r, &standard, false);
    run_all(&r, sgl_view_cstr(EHLO), SIZE_MAX);
    CHECK_TRUE("STARTTLS is offered in plain", offers(sgl_buf_view(&r.out), "STARTTLS"));
    CHECK_TRUE("AUTH is not", !offers(sgl_buf_view(&r.out), "AUTH"));
    CHECK_TRUE("LIMITS [RFC 9422 s4]", offers(sgl_buf_view(&r.out), "250-LIMITS RCPTMAX=3\r\n"));
    run_all(&r, sgl_view_cstr("STARTTLS\r\n"), SIZE_MAX);
    CHECK_EQ("tls", sgl_smtp_server_tls_started(r.s), SGL_OK);
    run_feed(&r, sgl_view_cstr("MAIL FROM:<>\r\n"));
    run_pull(&r);
    CHECK_TRUE("EHLO is forgotten", offers(sgl_buf_view(&r.out), "503 5.5.1 EHLO first"));
    sgl_buf_reset(&r.out);
    run_feed(&r, sgl_view_cstr(EHLO));
    run_pull(&r);
    CHECK_TRUE("AUTH is offered under TLS",
               offers(sgl_buf_view(&r.out), "250-AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n"));
    CHECK_TRUE("STARTTLS is not", !offers(sgl_buf_view(&r.out), "STARTTLS"));
    run_done(&r);
}

/* ---- lines, limits, patience ------------------------------------------------------------------------------------- */

static void long_lines_are_passed_over(void **state)
{
    sgl_auto(sgl_buf) input = SGL_BUF_INIT(2 * 1024 * 1024);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(1000);
    struct run r;

    (void)state;
    sgl_buf_add_cstr(&input, "NOOP ");
    for (size_t i = 0; i < 1024 * 1024; i++)
        sgl_buf_add_byte(&input, 'x');
    sgl_buf_add_cstr(&input, "\r\nNOOP\r\n");
    for (size_t portion = 1; portion < 100000; portion = portion * 13 + 1) {
        sgl_view rest = sgl_buf_view(&input);

        run_init(&r, &standard, false);
        run_pull(&r);
        sgl_buf_reset(&r.out);
        sgl_buf_reset(&got);
        while (rest.len != 0) {
            run_feed(&r, sgl_view_sub(rest, 0, portion));
            rest = sgl_view_from(rest, portion);
            CHECK_TRUE("memory stays small", sgl_smtp_server_memory(r.s) < 16 * 1024);
        }
        run_pull(&r);
        codes(sgl_buf_view(&r.out), &got);
        CHECK_VIEW("a line of 1 MiB", sgl_buf_view(&got), SGL_LIT("500 250 "));
        run_done(&r);
    }
}

/* [RFC 4954 s4] a line of AUTH may have 12288 octets */
static void long_auth_lines_are_taken(void **state)
{
    sgl_auto(sgl_buf) input = SGL_BUF_INIT(1 << 16);
    struct run r;

    (void)state;
    for (size_t portion = 1; portion < 100000; portion = portion * 100) {
        sgl_view rest;

        sgl_buf_reset(&input);
        sgl_buf_add_cstr(&input, EHLO "AUTH LOGIN\r\n");
        for (size_t i = 0; i < 12288; i++)
            sgl_buf_add_byte(&input, 'A');
        sgl_buf_add_cstr(&input, "\r\nAUTH LOGIN\r\n");
        for (size_t i = 0; i < 12292; i++)
            sgl_buf_add_byte(&input, 'A');
        sgl_buf_add_cstr(&input, "\r\nNOOP\r\n");
        run_init(&r, &standard, true);
        for (rest = sgl_buf_view(&input); rest.len != 0; rest = sgl_view_from(rest, portion))
            run_feed(&r, sgl_view_sub(rest, 0, portion));
        run_pull(&r);
        CHECK_TRUE("12288 are an answer, more are not",
                   sgl_view_ends(sgl_buf_view(&r.out),
                                 SGL_LIT("334 d2hvPw==\r\n535 5.7.8 no\r\n334 d2hvPw==\r\n500 "
                                         "5.5.6 line too long\r\n250 2.0.0 fine\r\n")));
        run_done(&r);
    }
}

static void idle_sessions_are_small(void **state)
{
    struct run r;

    (void)state;
    run_init(&r, &standard, false);
    run_all(&r, sgl_view_cstr(TO "DATA\r\nx\r\n.\r\n"), SIZE_MAX);
    sgl_smtp_server_relax(r.s);
    CHECK_TRUE("at most 1.5 KiB", sgl_smtp_server_memory(r.s) <= 1536);
    run_done(&r);
}

static bool timed_out(struct run *r)
{
    struct sgl_smtp_server_event e;

    return sgl_smtp_server_next(r->s, &e) &&
           (e.kind == SGL_SMTP_SERVER_CLOSE ||
            (e.kind == SGL_SMTP_SERVER_RESET && sgl_smtp_server_next(r->s, &e) &&
             e.kind == SGL_SMTP_SERVER_CLOSE)) &&
           e.reason == SGL_SMTP_CLOSE_TIMEOUT;
}

static void patience_ends(void **state)
{
    struct sgl_smtp_server_config config = standard;
    struct run r;

    (void)state;
    config.command_ms = 1000;
    config.data_ms = 2000;
    config.rate_min = 100;
    config.rate_grace_ms = 5000;
    config.size_max = 0;
    run_init(&r, &config, false);
    run_pull(&r);
    CHECK_EQ("a command must come", sgl_smtp_server_deadline(r.s, 10000), 11000);
    run_feed(&r, sgl_view_cstr("NO"));
    CHECK_EQ("a part of it is no progress", sgl_smtp_server_deadline(r.s, 10900), 11000);
    run_feed(&r, sgl_view_cstr("OP\r\n"));
    CHECK_EQ("a whole one is", sgl_smtp_server_deadline(r.s, 10950), 11950);
    CHECK_EQ("time is up", sgl_smtp_server_deadline(r.s, 11950), 0);
    CHECK_TRUE("closed", timed_out(&r));
    run_done(&r);

    run_init(&r, &config, false);
    run_all(&r, sgl_view_cstr(TO "DATA\r\n"), SIZE_MAX);
    CHECK_EQ("a message begins", sgl_smtp_server_deadline(r.s, 20000), 22000);
    for (uint64_t now = 20100; now < 25900; now += 100) {
        run_feed(&r, SGL_LIT("x"));
        CHECK_TRUE("slow, within the grace", sgl_smtp_server_deadline(r.s, now) != 0);
    }
    CHECK_EQ("too slow on average", sgl_smtp_server_deadline(r.s, 26001), 0);
    CHECK_TRUE("closed", timed_out(&r));
    run_done(&r);
}

static void shutting_down_waits_for_the_message(void **state)
{
    struct run r;

    (void)state;
    run_init(&r, &standard, false);
    run_all(&r, sgl_view_cstr(TO "DATA\r\nhi\r\n"), SIZE_MAX);
    sgl_smtp_server_shut_down(r.s, "4.3.2", "going down");
    run_feed(&r, sgl_view_cstr(".\r\nNOOP\r\n"));
    run_pull(&r);
    CHECK_TRUE("the message is taken, then 421",
               sgl_view_ends(sgl_buf_view(&r.out),
                             SGL_LIT("250 2.6.0 stored\r\n421 4.3.2 going down\r\n")));
    CHECK_TRUE("closed", r.stop);
    run_done(&r);
}

static void answers_that_come_later_hold_the_session(void **state)
{
    struct sgl_smtp_server *s = sgl_smtp_server_new(&standard, false);
    struct sgl_smtp_server_event e;
    sgl_view input = sgl_view_cstr(EHLO "MAIL FROM:<a@a.test>\r\nNOOP\r\n"), out;
    size_t used;

    (void)state;
    assert_non_null(s);
    sgl_smtp_server_feed(s, input, &used);
    input = sgl_view_from(input, used);
    CHECK_TRUE("ehlo", sgl_smtp_server_next(s, &e) && e.kind == SGL_SMTP_SERVER_EHLO);
    sgl_smtp_server_feed(s, input, &used);
    input = sgl_view_from(input, used);
    CHECK_TRUE("mail", sgl_smtp_server_next(s, &e) && e.kind == SGL_SMTP_SERVER_MAIL);
    sgl_smtp_server_feed(s, input, &used);
    CHECK_EQ("nothing is taken", used, 0);
    CHECK_EQ("no deadline", sgl_smtp_server_deadline(s, 5), 0);
    CHECK_EQ("a challenge is no answer", sgl_smtp_server_challenge(s, SGL_LIT("")), SGL_E_MISUSE);
    CHECK_EQ("an answer with a line end",
             sgl_smtp_server_answer(s, 550, SGL_LIT("5.7.1"), SGL_LIT("a\r\n250 b")), SGL_OK);
    CHECK_EQ("only once", sgl_smtp_server_answer(s, 250, SGL_LIT(""), SGL_LIT("")), SGL_E_MISUSE);
    CHECK_TRUE("output", sgl_smtp_server_pull(s, &out));
    CHECK_TRUE("is not said", sgl_view_ends(out, SGL_LIT("451 4.3.0 internal error\r\n")));
    sgl_smtp_server_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dialogues_in_any_portions),
        cmocka_unit_test(every_end_of_data_up_to_seven_bytes),
        cmocka_unit_test(a_refusal_names_fault_and_line),
        cmocka_unit_test(an_end_that_can_be_read_in_two_ways_closes),
        cmocka_unit_test(published_sequences),
        cmocka_unit_test(auth_under_tls),
        cmocka_unit_test(offers_follow_tls),
        cmocka_unit_test(long_lines_are_passed_over),
        cmocka_unit_test(long_auth_lines_are_taken),
        cmocka_unit_test(idle_sessions_are_small),
        cmocka_unit_test(patience_ends),
        cmocka_unit_test(shutting_down_waits_for_the_message),
        cmocka_unit_test(answers_that_come_later_hold_the_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
