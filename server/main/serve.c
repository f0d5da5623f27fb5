/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sigillo/buf.h"
#include "supervisor.h"

#define CONFIG_DEFAULT "/etc/sigillo/sigillo.conf"

enum serve_mode { SERVE_RUN, SERVE_CHECK, SERVE_SANDBOX_CHECK };

static void print_usage(void)
{
    puts("usage: sigillo serve [--config FILE] [--check]\n"
         "\n"
         "Runs the server in the foreground and logs JSON lines on stderr.\n"
         "\n"
         "  --config FILE   the configuration (default: " CONFIG_DEFAULT ")\n"
         "  --check         only check the configuration: exit 0 when it is good, 1 when not, 2 "
         "when unread\n"
         "\n"
         "SIGTERM ends it when what is under way is finished; SIGHUP reads the configuration "
         "again.");
}

/* Enters the service's sandbox in a child and tries what must fail there. For the tests, and for people who want to see it. */
static int check_sandbox(const struct config *config)
{
    struct sandbox_user user;
    struct state_paths paths;
    struct sandbox_files files = {.config = config};
    char text[8192] = "";

    if (!supervisor_check(config, &user, text, sizeof(text)) ||
        !state_paths(config, &paths, text, sizeof(text))) {
        fprintf(stderr, "sigillo: serve: %s\n", text);
        return 1;
    }
    files.folder = paths.store;
    if (!sandbox_self_check(&files, &user, paths.master_key, text, sizeof(text))) {
        fprintf(stderr, "%s", text);
        return 1;
    }
    printf("%s", text);
    return 0;
}

static int run(const char *file, enum serve_mode mode)
{
    char why[500];
    struct sandbox_user user;
    struct config *config = config_load(file, why, sizeof(why));
    int status = 1;

    if (config == NULL) {
        fprintf(stderr, "sigillo: serve: %s\n", why);
        return access(file, R_OK) == 0 ? 1 : 2; /* refused, or not even read */
    }
    switch (mode) {
    case SERVE_RUN:
        return supervisor_run(config);
    case SERVE_CHECK:
        status = supervisor_check(config, &user, why, sizeof(why)) ? 0 : 1;
        if (status != 0)
            fprintf(stderr, "sigillo: serve: %s\n", why);
        else
            printf("%s: good\n", file);
        break;
    case SERVE_SANDBOX_CHECK:
        status = check_sandbox(config);
        break;
    }
    config_unref(config);
    return status;
}

static int wrong_usage(const char *what, const char *why)
{
    struct sgl_buf text = SGL_BUF_INIT(1024);

    sgl_buf_add_escaped(&text, sgl_view_cstr(what), 200);
    fprintf(stderr, "sigillo: %.*s: %s; `sigillo serve --help` says more\n",
            SGL_FMT(sgl_buf_view(&text)), why);
    sgl_buf_done(&text);
    return 2;
}

int serve_main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"check", no_argument, NULL, 'k'},
                                            {"sandbox-check", no_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *file = CONFIG_DEFAULT;
    enum serve_mode mode = SERVE_RUN;
    int option, at = 1; /* the word that getopt reads next */

    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
        if (option == 'c') {
            file = optarg;
        } else if (option == 'k') {
            mode = SERVE_CHECK;
        } else if (option == 's') {
            mode = SERVE_SANDBOX_CHECK;
        } else if (option == 'h') {
            print_usage();
            return 0;
        } else if (option == ':') {
            return wrong_usage(argv[at], "its value is missing");
        } else {
            return wrong_usage(argv[at], "there is no such option, or it takes no value");
        }
        at = optind;
    }
    if (optind < argc)
        return wrong_usage(argv[optind], "this is one argument too many");
    return run(file, mode);
}
