/* SPDX-License-Identifier: Apache-2.0 */
/* A message on its way in: the end of DATA, however it is cut, what is no line end, BDAT.  [RFC 5321 s4.1.1.4] */
#include "smtp_server_fixture.h"

static void chunks(void **state)
{
    static const struct dialogue rows[] = {
        {"BDAT takes octets as they are [RFC 3030 s2]",
         TO "BDAT 4\r\n.\r\n.BDAT 2 LAST\r\n\r\nNOOP\r\n",
         SAID_TO "body(4) {.\r\n.\r\n} message(6) ", "250 250 250 250 250 250 "},
        {"BDAT 0 LAST ends an empty message", TO "BDAT 0 LAST\r\n", SAID_TO "body(0) message(0) ",
         "250 250 250 250 "},
        {"BDAT without MAIL consumes its octets", EHLO "BDAT 6 LAST\r\nRSET\r\nNOOP\r\n", "ehlo ",
         "250 503 250 "},
        {"a refused BDAT waits for its octets", TO "BDAT 666\r\n", SAID_TO "body(666) reset ",
         "250 250 250 "},
        {"BDAT over the size consumes its octets", TO "BDAT 1001 LAST\r\n", SAID_TO "reset ",
         "250 250 250 "},
        {"BDAT without a size closes", TO "BDAT x\r\n", SAID_TO "reset close(2) ",
         "250 250 250 501 "},
        {"BDAT 18446744073709551615 closes", TO "BDAT 18446744073709551615\r\n",
         SAID_TO "reset close(2) ", "250 250 250 501 "},
        {"DATA and BDAT do not mix", TO "BDAT 1\r\naDATA\r\n", SAID_TO "body(1) {a}...",
         "250 250 250 250 503 "},
        {"RCPT and MAIL do not come between BDATs",
         TO "BDAT 1\r\naRCPT TO:<x@b>\r\nMAIL FROM:<>\r\n", SAID_TO "body(1) {a}...",
         "250 250 250 250 503 503 "},
        {"RSET between BDATs ends the message", TO "BDAT 1\r\naRSET\r\nBDAT 1 LAST\r\nbNOOP\r\n",
         SAID_TO "body(1) {a} reset ", "250 250 250 250 250 503 250 "},
        {"a bare LF in BDAT refuses the message", TO "BDAT 3 LAST\r\na\nbNOOP\r\n", NULL,
         "250 250 250 554 250 "},
        {"a CR split from its LF over two BDATs is a line end",
         TO "BDAT 2\r\na\rBDAT 1 LAST\r\n\nNOOP\r\n", SAID_TO "body(2) {a\r\n} message(3) ",
         "250 250 250 250 250 250 "},
        {"a CR at the end of BDAT is bare", TO "BDAT 2 LAST\r\na\rNOOP\r\n",
         SAID_TO "body(2) {a\r} reset ", "250 250 250 554 250 "},
    };

    (void)state;
    CHECK_DIALOGUES(rows, &standard, false);
}

/* The row is longer than its rule: 1001 octets where 1000 are the most.  [RFC 1870 s6.3] */
static void a_size_that_counting_finds_too_large(void **state)
{
    sgl_auto(sgl_buf) input = SGL_BUF_INIT(4096);
    struct dialogue d = {"552 comes at the end", NULL, NULL, "250 250 250 354 552 250 "};

    (void)state;
    sgl_buf_add_cstr(&input, TO "DATA\r\n");
    for (size_t i = 0; i < 100; i++)
        sgl_buf_add_cstr(&input, "123456789 ");
    sgl_buf_add_cstr(&input, "1\r\n.\r\nNOOP\r\n");
    d.input = sgl_cstr(&input);
    check_dialogue(&d, &standard, false);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks),
        cmocka_unit_test(a_size_that_counting_finds_too_large),
        cmocka_unit_test(every_end_of_data_up_to_seven_bytes),
        cmocka_unit_test(a_refusal_names_fault_and_line),
        cmocka_unit_test(an_end_that_can_be_read_in_two_ways_closes),
        cmocka_unit_test(published_sequences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
