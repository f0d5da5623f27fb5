/* SPDX-License-Identifier: Apache-2.0 */
/* The service's sandbox, entered by a child. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../server/main/sandbox.h"
#include "check.h"

static char folder[] = "/tmp/sigillo-sandbox-XXXXXX";

static void put_file(const char *name)
{
    char path[200];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("secret", f);
    fclose(f);
}

static void an_intruder_reaches_nothing(void **state)
{
    struct config config = {0};
    struct sandbox_files files = {.config = &config};
    struct sandbox_user user = {0};
    char store[200], master[200], text[8192];
    bool good;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(store, sizeof(store), "%s/store", folder);
    snprintf(master, sizeof(master), "%s/master.key", folder);
    mkdir(store, 0700);
    put_file("master.key");
    put_file("tls.key");
    config.tls_key = master;
    files.folder = store;
    good = sandbox_self_check(&files, &user, master, text, sizeof(text));
    unlink(master);
    snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s", "");
    CHECK_TRUE("the program is killed", strstr(text, "run /bin/true: killed") != NULL);
    if (strstr(text, "Landlock: version 0") != NULL)
        print_message("this kernel has no Landlock: the files' part is not tested\n");
    else
        CHECK_TRUE(text, good);
    snprintf(text, sizeof(text), "rm -r %s", folder);
    assert_int_equal(system(text), 0);
}

/* Beside a bundle of roots, whose folder is opened so that another one can take its place. */
static void the_key_of_a_certificate_stays_closed(void **state)
{
    static char own[] = "/tmp/sigillo-sandbox-XXXXXX";
    char pki[100], ca[128], key[128], store[128], text[8192];
    struct config_certificate web = {.name = "web", .key = key};
    struct config config = {.certificate = &web, .certificates = 1, .state_dir = store};
    struct sandbox_files files = {.config = &config, .folder = store};
    struct sandbox_user user = {0};
    bool good;

    (void)state;
    assert_non_null(mkdtemp(own));
    snprintf(folder, sizeof(folder), "%s", own);
    snprintf(pki, sizeof(pki), "%s/pki", own);
    snprintf(store, sizeof(store), "%s/store", own);
    mkdir(pki, 0700);
    mkdir(store, 0700);
    put_file("pki/ca.pem");
    put_file("pki/web.key");
    snprintf(ca, sizeof(ca), "%s/ca.pem", pki);
    snprintf(key, sizeof(key), "%s/web.key", pki);
    config.delivery.ca_file = ca;
    good = sandbox_self_check(&files, &user, key, text, sizeof(text));
    if (strstr(text, "Landlock: version 0") == NULL)
        CHECK_TRUE(text, good);
    snprintf(text, sizeof(text), "rm -r %s", own);
    assert_int_equal(system(text), 0);
}

static void users_are_found_or_named(void **state)
{
    struct sandbox_user user;
    char why[200] = "";

    (void)state;
    CHECK_TRUE("nobody", sandbox_user_find(NULL, &user, why, sizeof(why)) && !user.change);
    CHECK_TRUE("unknown", !sandbox_user_find("no-such-user-here", &user, why, sizeof(why)));
    CHECK_STR("named", why, "user: there is no user no-such-user-here");
    if (geteuid() == 0) {
        CHECK_TRUE("root may become another",
                   sandbox_user_find("nobody", &user, why, sizeof(why)) && user.change);
    } else {
        CHECK_TRUE("others may not", !sandbox_user_find("root", &user, why, sizeof(why)));
        CHECK_STR("and hear why", why, "user: only root may become root");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_intruder_reaches_nothing),
        cmocka_unit_test(the_key_of_a_certificate_stays_closed),
        cmocka_unit_test(users_are_found_or_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
