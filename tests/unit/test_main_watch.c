/* SPDX-License-Identifier: Apache-2.0 */
/* Files of certificates that others replace, in the ways that they do. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../server/main/watch.h"
#include "check.h"
#include "fail_alloc.h"
#include "tls_fixture.h"

static char folder[] = "/tmp/sigillo-watch-XXXXXX";
static struct made_pair first, second;
static struct config_certificate web;
static struct config config;
static struct watch *w;
static uint64_t now;

static const char *file(const char *name)
{
    static char path[8][128];
    static unsigned at;

    snprintf(path[++at % 8], sizeof path[0], "%s/%s", folder, name);
    return path[at % 8];
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(file(name), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* Links as an ACME client keeps them: live/x -> ../archive/x1. */
static void turn(const char *link, const char *to)
{
    CHECK_EQ("a link beside it", symlink(to, file("live/new")), 0);
    CHECK_EQ("takes its place", rename(file("live/new"), file(link)), 0);
}

static int begin(void **state)
{
    (void)state;
    now = 1000000;
    put("cert", first.certificate);
    put("key", first.key);
    put("archive/c1", first.certificate);
    put("archive/k1", first.key);
    turn("live/c", "../archive/c1");
    turn("live/k", "../archive/k1");
    config = (struct config){.tls_certificate = strdup(file("cert")),
                             .tls_key = strdup(file("key")),
                             .tls_certificate_pem = first.certificate,
                             .tls_key_pem = first.key,
                             .certificate = &web,
                             .certificates = 1};
    web = (struct config_certificate){.name = "web",
                                      .certificate = strdup(file("live/c")),
                                      .key = strdup(file("live/k")),
                                      .certificate_pem = first.certificate,
                                      .key_pem = first.key};
    w = watch_new();
    watch_begin(w, &config, now);
    return watch_look(w, &config, now += 1000) ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    watch_free(w);
    free((void *)(uintptr_t)config.tls_certificate);
    free((void *)(uintptr_t)config.tls_key);
    free((void *)(uintptr_t)web.certificate);
    free((void *)(uintptr_t)web.key);
    return 0;
}

static bool told_of_it(void)
{
    struct pollfd p = {watch_fd(w), POLLIN, 0};

    return poll(&p, 1, 0) == 1;
}

/* Looks at once, and when it is quiet. */
static bool look(void)
{
    bool early = watch_look(w, &config, now);

    CHECK_TRUE("not before it is quiet", !early);
    now += WATCH_SETTLE_MS;
    return watch_look(w, &config, now);
}

static void a_file_that_is_renamed_over_the_old_one(void **state)
{
    (void)state;
    put("cert.new", second.certificate);
    put("key.new", second.key);
    rename(file("cert.new"), file("cert"));
    rename(file("key.new"), file("key"));
    CHECK_TRUE("the kernel tells", told_of_it());
    CHECK_TRUE("ready", look());
    CHECK_TRUE("the default, not the other",
               watch_is_ready(w, NULL) && !watch_is_ready(w, "web") && !watch_is_ready(w, "x"));
    config.tls_certificate_pem = second.certificate;
    config.tls_key_pem = second.key;
    watch_took(w);
    CHECK_TRUE("once", !look() && !watch_is_ready(w, NULL));
}

static void a_link_that_is_turned(void **state)
{
    (void)state;
    put("archive/c2", second.certificate);
    put("archive/k2", second.key);
    (void)watch_look(w, &config, now);
    CHECK_TRUE("nothing for us yet", !told_of_it());
    turn("live/c", "../archive/c2");
    turn("live/k", "../archive/k2");
    CHECK_TRUE("the kernel tells", told_of_it());
    CHECK_TRUE("ready", look());
    CHECK_TRUE("this one", watch_is_ready(w, "web") && !watch_is_ready(w, NULL));
}

static void a_file_behind_a_link_that_is_written(void **state)
{
    (void)state;
    put("archive/c1", second.certificate);
    CHECK_TRUE("the kernel tells", told_of_it());
    put("archive/k1", second.key);
    CHECK_TRUE("ready", look());
}

static void a_pair_that_does_not_fit_yet_is_waited_for(void **state)
{
    (void)state;
    put("cert", second.certificate);
    CHECK_TRUE("not yet", !look());
    CHECK_TRUE("looked at again soon", watch_due_ms(w) <= now + WATCH_PATIENCE_MS);
    now += WATCH_PATIENCE_MS;
    CHECK_TRUE("nor later", !watch_look(w, &config, now));
    put("key", second.key);
    CHECK_TRUE("now it fits", look());
}

static void what_is_not_to_be_used_is_left(void **state)
{
    static const char *const bad[] = {"", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put("cert", bad[i]);
        CHECK_TRUE(bad[i], !look());
        now += WATCH_PATIENCE_MS;
        CHECK_TRUE(bad[i], !watch_look(w, &config, now));
    }
    unlink(file("cert"));
    CHECK_TRUE("gone", !look());
    put("cert", first.certificate);
    CHECK_TRUE("what stood there before is nothing new", !look());
    put("cert", first.certificate);
    put("key", first.key);
    CHECK_TRUE("nor is the same text", !look());
}

/* Without the kernel's word it is found all the same. */
static void what_nobody_tells_of_is_found_in_time(void **state)
{
    (void)state;
    CHECK_TRUE("due", watch_due_ms(w) <= now + WATCH_EVERY_MS);
    now = watch_due_ms(w);
    put("cert", second.certificate);
    put("key", second.key);
    CHECK_TRUE("seen", !watch_look(w, &config, now));
    CHECK_TRUE("due when it is quiet", watch_due_ms(w) == now + WATCH_SETTLE_MS);
    now = watch_due_ms(w);
    CHECK_TRUE("ready", watch_look(w, &config, now));
    CHECK_TRUE("stays so until it is taken", watch_look(w, &config, now + 1));
}

static void what_changed_before_it_was_watched_is_seen(void **state)
{
    (void)state;
    put("cert", second.certificate);
    put("key", second.key);
    watch_begin(w, &config, now);
    CHECK_TRUE("ready", watch_look(w, &config, now));
}

static void memory_ends(void **state)
{
    (void)state;
    put("cert", second.certificate);
    put("key", second.key);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct watch *one = watch_new();

        if (one == NULL)
            continue;
        watch_begin(one, &config, now);
        (void)watch_look(one, &config, now + WATCH_SETTLE_MS);
        CHECK_TRUE("the other has not changed", !watch_is_ready(one, "web"));
        watch_free(one);
    }
}

static int set_up(void **state)
{
    (void)state;
    make_certificate(&first, "a.test", 86400);
    make_certificate(&second, "a.test", 2 * 86400);
    return mkdtemp(folder) == NULL || mkdir(file("live"), 0700) != 0 ||
                   mkdir(file("archive"), 0700) != 0
               ? -1
               : 0;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_is_renamed_over_the_old_one),
        TEST(a_link_that_is_turned),
        TEST(a_file_behind_a_link_that_is_written),
        TEST(a_pair_that_does_not_fit_yet_is_waited_for),
        TEST(what_is_not_to_be_used_is_left),
        TEST(what_nobody_tells_of_is_found_in_time),
        TEST(what_changed_before_it_was_watched_is_seen),
        TEST(memory_ends),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
